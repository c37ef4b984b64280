/** Cases of one row: missing, created, updated, destroyed (S01, S04 to S09). */
import { SessionConflictError } from '../core/errors.ts'
import { destroyRecord, Store } from '../core/store.ts'
import { check, rejects, same } from './assert.ts'
import { aFullRecord, aRecord, expecting, find, HOUR, manage, noRow, overlapping, plant } from './bench.ts'
import { signIn, ticks } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { createId, createSecret } from '../core/token.ts'
import { faulty } from './faulty.ts'

export const rowCases: CaseDefinition[] = [
  {
    name: 'S01 a missing id is `undefined`, and asking creates nothing',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = aRecord(bench)
      check((await find(store, record.id)) === undefined, '`get` found a record that nobody stored.')
      let again: unknown
      try {
        again = await store.get(record.id)
      } catch {
        // SessionNotFoundError means missing as well; any other error was thrown the first time.
      }
      same(again, undefined, '`get` of a missing id, asked again')
      if (store.length) same(await store.length(), 0, '`length` after asking for a missing id')
      await plant(store, record)
      same(await find(store, record.id), record, 'the record created after asking for it')
    },
  },
  {
    name: 'S01 `set` writes the record whatever was there',
    needs: ['row'],
    async run(bench) {
      const record = aRecord(bench, { subject: 'u_1', info: { device: 'a' } })
      await bench.store.set(record.id, record)
      same(await find(bench.store, record.id), record, 'a record that was set')
      const next = aRecord(bench, { id: record.id, version: 7, data: '{}' })
      await bench.store.set(next.id, next)
      same(await find(bench.store, next.id), next, 'a record that was set over another')
    },
  },
  {
    name: 'S04 `create` on an id that exists is false, and the old record is untouched',
    needs: ['row', 'strong'],
    async run(bench) {
      const { store } = bench
      const old = await plant(store, aRecord(bench, { subject: 'u_42' }))
      const answer = await store.create(aRecord(bench, { id: old.id, data: '{"mine":true}', subject: 'u_1' }))
      same(answer, false, '`create` on an id that exists')
      same(await find(store, old.id), old, 'the old record')
      const expired = await plant(store, aRecord(bench, { expiresAt: bench.clock() - 1 }))
      same(await store.create(aRecord(bench, { id: expired.id })), false, '`create` on the id of an expired record')
    },
  },
  {
    name: 'S04 of many creates of one id at once, exactly one is true and its record stays',
    needs: ['row', 'strong'],
    async run(bench) {
      const id = createId()
      const rivals = Array.from({ length: 8 }, (_, index) => aRecord(bench, { id, data: `{"n":${index}}` }))
      const answers = await Promise.all(rivals.map((rival) => bench.store.create(rival)))
      same(answers.filter(Boolean).length, 1, 'how many creates of one id were true')
      same(await find(bench.store, id), rivals[answers.indexOf(true)], 'the record that stays')
    },
  },
  {
    name: 'S05 `genid` giving an id in use: another is drawn, nobody is touched, and after a few tries it is an error',
    needs: ['row', 'strong'],
    async run(bench) {
      const victim = await plant(bench.store, aRecord(bench))
      const free = createId()
      const ids = [victim.id, victim.id, free]
      const lucky = manage(bench, { genid: () => ids.shift() ?? 'none-left' })
      const token = await lucky.createSession({ name: 'second' })
      same(token.split('.', 1)[0], free, 'the id that was drawn')
      same(await lucky.retrieveSession(token), { name: 'second' }, 'the session under the free id')
      const unlucky = manage(bench, { genid: () => victim.id })
      await rejects(unlucky.createSession({}), [SessionConflictError], 'a `genid` that only gives ids in use')
      same(await find(bench.store, victim.id), victim, 'the record whose id was drawn')
    },
  },
  {
    name: 'S06 update on a destroyed id is "gone", and still no row',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench, { subject: 'u_1' }))
      await destroyRecord(store, record.id)
      const next = { ...record, version: 2, data: '{"visits":2}' }
      same(await store.update(next, expecting(record)), 'gone', 'update on a destroyed id')
      await noRow(store, record.id, 'u_1')
      // An hour old: of a younger one, an eventual store may take it that it is only not to be seen yet.
      const never = aRecord(bench, { createdAt: bench.clock() - HOUR })
      same(await store.update(never, expecting(never)), 'gone', 'update on an id that never was')
      await noRow(store, never.id)
    },
  },
  {
    name: 'S07 the same when something is added rather than changed: no row comes of it',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench))
      await destroyRecord(store, record.id)
      const fuller = aFullRecord(bench, { id: record.id, version: 2, verifier: record.verifier })
      same(await store.update(fuller, expecting(record)), 'gone', 'update that adds fields, on a destroyed id')
      await noRow(store, record.id, fuller.subject)

      const sessions = manage(bench)
      const visitor = await signIn(sessions, 'u_1', { old: 1 })
      const session = await sessions.load(visitor.request())
      session.set('added', 1)
      await destroyRecord(store, visitor.id)
      await sessions.commit(session, new Response())
      await noRow(store, visitor.id, 'u_1')
    },
  },
  {
    name: 'S08 a destroy between the read and the write of an update leaves no partial record',
    needs: ['row', 'strong'],
    async run(bench) {
      const { store } = bench
      await overlapping(async () => {
        const record = await plant(store, aRecord(bench, { subject: 'u_1' }))
        return {
          calls: [
            () => store.update({ ...record, version: 2 }, expecting(record)),
            () => destroyRecord(store, record.id),
          ],
          afterwards: () => noRow(store, record.id, 'u_1'),
        }
      })
      if (store.update !== Store.prototype.update) return
      // The base class's own update can be held at the very point between its read and its write.
      const held = faulty(store)
      const record = await plant(store, aRecord(bench))
      const release = held.stall('set')
      const updating = Promise.resolve(held.update({ ...record, version: 2 }, expecting(record)))
      await Promise.race([release.reached(), updating])
      const destroying = destroyRecord(held, record.id)
      await ticks(20)
      release()
      await Promise.all([updating, destroying])
      await noRow(store, record.id)
    },
  },
  {
    name: 'S09 destroying twice is fine, and says so where it says anything',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const [record, other] = [await plant(store, aRecord(bench)), await plant(store, aRecord(bench))]
      const first = await store.destroy(record.id)
      const second = await store.destroy(record.id)
      check(first !== false, '`destroy` answered false for a record that was there.')
      check(second !== true, '`destroy` answered true for a record that was gone already.')
      check((await store.destroy(createId())) !== true, '`destroy` answered true for an id that never was.')
      await noRow(store, record.id)
      same(await find(store, other.id), other, 'a record nobody destroyed')
      same(await store.create({ ...record, verifier: createSecret() }), true, '`create` of an id that was destroyed')
    },
  },
]
