/** Cases of time: expiry to the millisecond, touches, the sweep (S02, S03, S15, S18 to S20). */
import { SessionExpiredError, SessionNotFoundError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { destroyRecord, type Store } from '../core/store.ts'
import { createSecret, verifierOf } from '../core/token.ts'
import { check, rejects, same } from './assert.ts'
import {
  aFullRecord,
  aRecord,
  clientWith,
  everything,
  expecting,
  find,
  HOUR,
  manage,
  MINUTE,
  noRow,
  opensNothing,
  plant,
  type Bench,
} from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { loginAs } from './login.ts'

/** `get` of a record that must be there. */
async function present(store: Store, id: string): Promise<SessionRecord> {
  const record = await find(store, id)
  check(record, 'A record that is there is not found.')
  return record
}

/** Plants records that expire this many milliseconds from now. */
function expiring(bench: Bench, ...from: number[]): Promise<SessionRecord[]> {
  return Promise.all(from.map((ms) => plant(bench.store, aRecord(bench, { expiresAt: bench.clock() + ms }))))
}

export const timeCases: CaseDefinition[] = [
  {
    name: 'S02 an expired record that nobody swept is treated as expired',
    needs: [],
    async run(bench) {
      const sessions = manage(bench)
      const visitor = clientWith(await loginAs(sessions, 'u_1', { data: { cart: 1 } }))
      same(await sessions.retrieveSession(visitor.token), { cart: 1 }, 'the session before it expires')
      bench.clock.advance(2 * HOUR)
      await opensNothing(sessions, visitor)
      const session = await sessions.load(visitor.request())
      same([session.data, session.subject], [{}, undefined], 'data and subject of the new session')
    },
  },
  {
    name: 'S03 a session lives until 1 ms before its expiry, and at exactly its expiry it is expired',
    needs: [],
    async run(bench) {
      const sessions = manage(bench)
      const expiresAt = bench.clock.advance(777) + HOUR
      const visitor = clientWith(await loginAs(sessions, 'u_1', { data: { cart: 1 } }))
      bench.clock.set(expiresAt - 1)
      const session = await sessions.load(visitor.request())
      same([session.isNew, session.expiresAt], [false, expiresAt], '1 ms before its expiry, `isNew` and `expiresAt`')
      for (const after of [0, 1]) {
        bench.clock.set(expiresAt + after)
        await opensNothing(sessions, visitor)
      }
    },
  },
  {
    name: 'S15 a record with no life left, or less than none, is taken and is expired at once',
    needs: ['row'],
    async run(bench) {
      const sessions = manage(bench)
      for (const life of [0, -1, -HOUR]) {
        const secret = createSecret()
        const verifier = await verifierOf(secret)
        const record = await plant(bench.store, aRecord(bench, { verifier, expiresAt: bench.clock() + life }))
        const dead = [SessionExpiredError, SessionNotFoundError]
        await rejects(sessions.retrieveSession(`${record.id}.${secret}`), dead, `a session with ${life} ms to live`)
      }
    },
  },
  {
    name: 'S18 touch moves expiresAt and lastSeenAt forward, and nothing else',
    needs: ['row'],
    async run(bench) {
      const record = await plant(bench.store, aFullRecord(bench))
      const [expiresAt, lastSeenAt] = [record.expiresAt + 10 * MINUTE, record.lastSeenAt + 10 * MINUTE]
      same(await bench.store.touch(record.id, expiresAt, lastSeenAt, expecting(record)), true, 'touch')
      const touched = { ...record, expiresAt, lastSeenAt }
      same(await present(bench.store, record.id), touched, 'the touched record')
      if (bench.store.findBySubject) same(await bench.store.findBySubject('u_42'), [touched], "the subject's records")
      if (bench.store.all) same(await everything(bench.store), [touched], 'the records of `all`')
    },
  },
  {
    name: 'S18 an older touch that arrives late never shortens expiry',
    needs: ['row'],
    async run(bench) {
      const record = await plant(bench.store, aRecord(bench))
      const [expiresAt, lastSeenAt] = [record.expiresAt + 2 * HOUR, record.lastSeenAt + 2 * HOUR]
      await bench.store.touch(record.id, expiresAt, lastSeenAt, expecting(record))
      const late = await bench.store.touch(record.id, expiresAt - HOUR, lastSeenAt - HOUR, expecting(record))
      same(late, true, 'touch of the row it expects, though nothing has to move')
      same(await present(bench.store, record.id), { ...record, expiresAt, lastSeenAt }, 'the record after a late touch')
    },
  },
  {
    name: 'S18 touch never goes past endsAt, and has no such bound where that is null',
    needs: ['row'],
    async run(bench) {
      const endsAt = bench.clock() + 2 * HOUR
      const [record, endless] = [aRecord(bench, { endsAt }), aRecord(bench, { endsAt: null })]
      for (const one of [await plant(bench.store, record), await plant(bench.store, endless)]) {
        await bench.store.touch(one.id, endsAt + HOUR, one.lastSeenAt + 10 * MINUTE, expecting(one))
      }
      same((await present(bench.store, record.id)).expiresAt, endsAt, 'expiresAt after a touch past endsAt')
      same((await present(bench.store, endless.id)).expiresAt, endsAt + HOUR, 'expiresAt where endsAt is null')
    },
  },
  {
    name: 'S18 update keeps the later expiry of the two, unless `exactExpiry` comes with it',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench))
      const write = async (version: number, expiresAt: number, exactExpiry: boolean): Promise<number> => {
        const next = { ...record, version, expiresAt }
        const expected = { version: version - 1, verifier: record.verifier }
        same(await store.update(next, expected, { exactExpiry }), 'ok', 'update')
        return (await present(store, record.id)).expiresAt
      }
      same(await write(2, record.expiresAt - MINUTE, false), record.expiresAt, 'expiresAt after an earlier one came')
      same(await write(3, record.expiresAt + 7, false), record.expiresAt + 7, 'expiresAt after a later one came')
      same(await write(4, record.expiresAt - MINUTE, true), record.expiresAt - MINUTE, 'expiresAt with `exactExpiry`')
    },
  },
  {
    name: 'S19 touch on a destroyed id is false, and still no row',
    needs: ['row'],
    async run(bench) {
      const record = await plant(bench.store, aRecord(bench, { subject: 'u_1' }))
      await destroyRecord(bench.store, record.id)
      const touched = await bench.store.touch(record.id, record.expiresAt + HOUR, bench.clock(), expecting(record))
      same(touched, false, 'touch on a destroyed id')
      await noRow(bench.store, record.id, 'u_1')
    },
  },
  {
    name: 'S19 touch expecting another version or another verifier is false, and changes nothing',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench))
      const [later, seen] = [record.expiresAt + HOUR, record.lastSeenAt + HOUR]
      const { version, verifier } = record
      const stale = await store.touch(record.id, later, seen, { version: version - 1, verifier })
      same(stale, false, 'touch expecting another version')
      const replaced = await store.touch(record.id, later, seen, { version, verifier: createSecret() })
      same(replaced, false, 'touch expecting another verifier')
      same(await find(store, record.id), record, 'the record')
    },
  },
  {
    name: 'S20 removeExpired takes what has expired, to the millisecond, and nothing else',
    needs: ['row', 'removeExpired'],
    async run(bench) {
      const { store } = bench
      const now = bench.clock()
      const records = await expiring(bench, -HOUR, -1, 0, 1, HOUR)
      if (store.countExpired) same(await store.countExpired(now), 3, 'countExpired before the sweep')
      same(await store.removeExpired?.(now, 100), 3, 'how many removeExpired says it removed')
      const left = await Promise.all(records.map(async ({ id }) => (await find(store, id)) !== undefined))
      same(left, [false, false, false, true, true], 'which are left of -1 h, -1 ms, 0, +1 ms and +1 h')
      if (store.countExpired) same(await store.countExpired(now), 0, 'countExpired after the sweep')
      same(await store.removeExpired?.(now, 100), 0, 'how many a second sweep removed')
    },
  },
  {
    name: 'S20 removeExpired honours its limit, and says how many it removed',
    needs: ['row', 'removeExpired'],
    async run(bench) {
      const { store } = bench
      const dead = await expiring(bench, ...Array.from({ length: 25 }, (_, n) => -n))
      const live = await expiring(bench, HOUR, 2 * HOUR)
      const left = async (): Promise<number> => {
        const found = await Promise.all([...dead, ...live].map(({ id }) => find(store, id)))
        return found.filter(Boolean).length
      }
      const removed: unknown[] = []
      for (const expected of [17, 7, 2, 2]) {
        removed.push(await store.removeExpired?.(bench.clock(), 10))
        same(await left(), expected, 'how many records are left')
      }
      same(removed, [10, 10, 5, 0], 'how many removeExpired says it removed, each time with a limit of 10')
    },
  },
]
