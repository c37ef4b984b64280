/** Cases of many records: lists, counts, subjects, other tables, and a backend that is locked (S17, S21 to S23). */
import { StoreUnavailableError } from '../core/errors.ts'
import { destroyRecord, type Store } from '../core/store.ts'
import { createSecret } from '../core/token.ts'
import { check, same } from './assert.ts'
import { aRecord, everything, expecting, find, manage, plant, ticks } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { faulty } from './faulty.ts'

async function idsOf(store: Store): Promise<string[]> {
  return (await everything(store)).map((record) => record.id).toSorted()
}

async function idsOfSubject(store: Store, subject: string): Promise<string[]> {
  return ((await store.findBySubject?.(subject)) ?? []).map((record) => record.id).toSorted()
}

export const manyCases: CaseDefinition[] = [
  {
    name: 'S17 a locked backend is waited for, or is a StoreUnavailableError: no write is lost, before or after',
    needs: ['row', 'strong', 'lock'],
    async run(bench) {
      const door = faulty(bench.store)
      const sessions = manage(bench, { store: door })
      const token = await sessions.createSession({ n: 1 })
      const release = door.stall('update')
      const writing = sessions.updateSession(token, { n: 2 }).then(
        () => undefined,
        (error: unknown) => error,
      )
      await Promise.race([release.reached(), writing])
      const unlock = await bench.lock()
      release()
      // The write is on its way to the locked backend now.
      await ticks(20)
      await unlock()
      const error = await writing
      const outage = error instanceof StoreUnavailableError
      check(!error || outage, 'A write that met a lock must wait for it, or be a StoreUnavailableError.')
      const readers = [sessions]
      if (bench.options.peer) readers.push(manage(bench, { store: await bench.peer() }))
      for (const reader of readers) {
        const { n } = await reader.retrieveSession(token)
        check(n === 2 || (outage && n === 1), 'A write that met a lock and was acknowledged is lost.')
      }
      await sessions.updateSession(token, { n: 3 })
      for (const reader of readers) same(await reader.retrieveSession(token), { n: 3 }, 'the next write')
    },
  },
  {
    name: 'S21 `all` yields every record once while writes go on',
    needs: ['row', 'all'],
    async run(bench) {
      const { store } = bench
      const records = await Promise.all(
        Array.from({ length: 30 }, () => plant(store, aRecord(bench, { subject: 'u_42' }))),
      )
      const [gone, stay] = [records.slice(0, 10), records.slice(10)]
      const seen = new Map<string, number>()
      for await (const record of store.all?.() ?? []) {
        seen.set(record.id, (seen.get(record.id) ?? 0) + 1)
        const victim = gone.pop()
        if (victim) await destroyRecord(store, victim.id)
        if (seen.size <= 10) await plant(store, aRecord(bench))
      }
      same(Math.max(...seen.values()), 1, 'how often `all` yielded the same record')
      check(
        stay.every(({ id }) => seen.has(id)),
        '`all` left out a record that was there all the time.',
      )
      const found = await everything(store)
      for (const { id } of stay)
        same(
          found.find((one) => one.id === id),
          await find(store, id),
          'a record of `all`',
        )
      if (store.length) same(await store.length(), found.length, '`length`, where `all` yields that many')
    },
  },
  {
    name: 'S21 `length` counts every record, expired ones too, while writes go on',
    needs: ['row', 'length'],
    async run(bench) {
      const { store } = bench
      same(await store.length?.(), 0, '`length` of an empty store')
      const records = Array.from({ length: 12 }, (_, n) => aRecord(bench, { expiresAt: bench.clock() + n - 2 }))
      const lengths = await Promise.all(
        records.map(async (record) => {
          await plant(store, record)
          return store.length?.() as number
        }),
      )
      check(
        lengths.every((length) => length >= 1 && length <= 12),
        '`length` was off while writes went on.',
      )
      same(await store.length?.(), 12, '`length` of twelve records, three of them expired')
      await destroyRecord(store, records[5]?.id ?? '')
      same(await store.length?.(), 11, '`length` after a destroy')
      if (store.all) same((await idsOf(store)).length, 11, 'how many records `all` yields')
    },
  },
  {
    name: 'S21 `clear` removes every record, and the store goes on',
    needs: ['row', 'clear'],
    async run(bench) {
      const { store } = bench
      const records = await Promise.all(
        Array.from({ length: 5 }, () => plant(store, aRecord(bench, { subject: 'u_42' }))),
      )
      await store.clear?.()
      for (const { id } of records) same(await find(store, id), undefined, 'a record after `clear`')
      if (store.length) same(await store.length(), 0, '`length` after `clear`')
      if (store.all) same(await idsOf(store), [], '`all` after `clear`')
      if (store.findBySubject) same(await store.findBySubject('u_42'), [], '`findBySubject` after `clear`')
      const next = await plant(store, aRecord(bench, { subject: 'u_42' }))
      same(await find(store, next.id), next, 'a record created after `clear`')
    },
  },
  {
    name: "S22 two stores with different prefixes or tables never see each other's records",
    needs: ['row', 'otherNamespace'],
    async run(bench) {
      const { store } = bench
      const other = await bench.otherNamespace()
      const mine = await plant(store, aRecord(bench, { subject: 'u_1', expiresAt: bench.clock() - 1 }))
      same(await find(other, mine.id), undefined, "`get` of the other store's id")
      if (other.length) same(await other.length(), 0, '`length` of the other store')
      if (other.all) same(await idsOf(other), [], '`all` of the other store')
      if (other.findBySubject) same(await idsOfSubject(other, 'u_1'), [], '`findBySubject` of the other store')
      const theirs = await plant(other, aRecord(bench, { id: mine.id, subject: 'u_1' }))
      await other.removeExpired?.(bench.clock(), 100)
      await other.removeBySubject?.('u_1')
      await destroyRecord(other, theirs.id)
      await other.clear?.()
      same(await find(store, mine.id), mine, 'the record, whatever was done in the other store')
    },
  },
  {
    name: 'S23 findBySubject follows a subject change, a rotation, an expiry and a destroy',
    needs: ['row', 'findBySubject'],
    async run(bench) {
      const { store } = bench
      const [record, other] = [aRecord(bench, { subject: 'u_1' }), aRecord(bench, { subject: 'u_2' })]
      for (const one of [record, other, aRecord(bench)]) await plant(store, one)
      same(await store.findBySubject?.('u_1'), [record], "the subject's records")
      same(await store.findBySubject?.('nobody'), [], 'the records of a subject that has none')

      const rotated = { ...record, version: 2, verifier: createSecret() }
      same(await store.update(rotated, expecting(record)), 'ok', 'update with another verifier')
      same(await store.findBySubject?.('u_1'), [rotated], "the subject's records after a rotation")
      const changed = { ...rotated, version: 3, subject: 'u_2' }
      same(await store.update(changed, expecting(rotated), { exactExpiry: true }), 'ok', 'update with another subject')
      same(await store.findBySubject?.('u_1'), [], "the old subject's records after a change of subject")
      const both = [record.id, other.id].toSorted()
      same(await idsOfSubject(store, 'u_2'), both, "the new subject's records after a change of subject")
      const { subject: _, ...nobodys } = { ...changed, version: 4 }
      same(await store.update(nobodys, expecting(changed)), 'ok', 'update without a subject')
      same(await idsOfSubject(store, 'u_2'), [other.id], "the subject's records after one lost its subject")

      const sessions = manage(bench)
      bench.clock.set(other.expiresAt - 1)
      same(
        (await sessions.listSessions('u_2')).map(({ id }) => id),
        [other.id],
        'sessions listed 1 ms before expiry',
      )
      bench.clock.set(other.expiresAt)
      same(await sessions.listSessions('u_2'), [], 'sessions listed at expiry')
      await destroyRecord(store, other.id)
      same(await store.findBySubject?.('u_2'), [], "the subject's records after a destroy")
    },
  },
  {
    name: "S23 a swept record is no longer its subject's",
    needs: ['row', 'findBySubject', 'removeExpired'],
    async run(bench) {
      const dead = await plant(bench.store, aRecord(bench, { subject: 'u_1', expiresAt: bench.clock() - 1 }))
      const live = await plant(bench.store, aRecord(bench, { subject: 'u_1' }))
      same(await idsOfSubject(bench.store, 'u_1'), [dead.id, live.id].toSorted(), 'records before the sweep')
      await bench.store.removeExpired?.(bench.clock(), 100)
      same(await idsOfSubject(bench.store, 'u_1'), [live.id], 'records after the sweep')
    },
  },
  {
    name: 'S23 removeBySubject removes the records of one subject but the one excepted, and tells which',
    needs: ['row', 'removeBySubject'],
    async run(bench) {
      const { store } = bench
      const own = await Promise.all([1, 2, 3].map(() => plant(store, aRecord(bench, { subject: 'u_1' }))))
      const others = [await plant(store, aRecord(bench, { subject: 'u_2' })), await plant(store, aRecord(bench))]
      const [kept, ...rest] = own.map(({ id }) => id)
      const removed = (await store.removeBySubject?.('u_1', kept)) ?? []
      same(removed.toSorted(), rest.toSorted(), 'the ids that removeBySubject says it removed')
      for (const id of rest) same(await find(store, id), undefined, 'a record of the subject')
      same((await find(store, kept ?? ''))?.id, kept, 'the record that was excepted')
      same(await store.removeBySubject?.('u_1'), [kept], 'the ids removed without an exception')
      for (const other of others) same(await find(store, other.id), other, "somebody else's record")
    },
  },
  {
    name: 'S23 removeBySubject follows a subject change: the session is that of who signed in last',
    needs: ['row', 'removeBySubject'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench, { subject: 'u_1' }))
      const changed = { ...record, version: 2, verifier: createSecret(), subject: 'u_2' }
      same(await store.update(changed, expecting(record), { exactExpiry: true }), 'ok', 'update with another subject')
      same(await store.removeBySubject?.('u_1'), [], 'the ids removed of the subject before')
      same(await find(store, record.id), changed, 'the record')
      same(await store.removeBySubject?.('u_2'), [record.id], 'the ids removed of the subject')
    },
  },
]
