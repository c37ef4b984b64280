import { inspect } from 'node:util'
import { createClient } from '@libsql/client'
import { drizzle } from 'drizzle-orm/libsql'
import { SessionConfigError, StoreUnavailableError } from 'latchkey'
import { sessionsTableNamed, SqliteStore } from 'latchkey/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { DRIVERS, recordOf, type TestDatabase } from './sqlite-databases.ts'

const EXPECTED = { version: 1, verifier: 'verifier' }

describe.each(DRIVERS)('SqliteStore on $driver', ({ open }) => {
  async function opened(): Promise<TestDatabase & { store: SqliteStore }> {
    const database = open()
    const store = new SqliteStore(database.db)
    await store.migrate()
    return { ...database, store }
  }

  it('claims to be atomic and strongly consistent', async () => {
    const { store } = await opened()
    expect(store.capabilities).toEqual({ atomic: true, consistency: 'strong' })
  })

  it('S01 a missing id is undefined, and nothing is created', async () => {
    const { store, elsewhere } = await opened()
    expect(await store.get('nobody')).toBeUndefined()
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('S04 create inserts once; on a taken id it is false and leaves the row', async () => {
    const { store, elsewhere } = await opened()
    expect(await store.create(recordOf({ data: 'first' }))).toBe(true)
    expect(await store.create(recordOf({ data: 'second' }))).toBe(false)
    expect(await elsewhere('select id, data, version from sessions')).toMatchObject([
      { id: 'id', data: 'first', version: 1 },
    ])
  })

  it('set writes whatever was there, and forgets the fields that are gone', async () => {
    const { store, elsewhere } = await opened()
    await store.set('id', recordOf({ subject: 'u_1', flash: 'f', info: { a: 'b' }, ttl: 5 }))
    await store.set('id', recordOf({ data: 'next', version: 7 }))
    expect(await store.get('id')).toStrictEqual(recordOf({ data: 'next', version: 7 }))
    expect(await elsewhere('select count(*) as n from sessions where subject is null')).toMatchObject([{ n: 1 }])
  })

  it('update replaces the row it expects, and every field of it', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf({ subject: 'u_1', flash: 'old', info: { a: 'b' } }))
    const next = recordOf({
      version: 2,
      verifier: 'next',
      data: 'new',
      subject: 'u_2',
      expiresAt: 12_000,
      endsAt: null,
    })
    expect(await store.update(next, EXPECTED)).toBe('ok')
    expect(await store.get('id')).toStrictEqual(next)
    expect(await elsewhere('select data, version, subject, flash from sessions')).toMatchObject([
      { data: 'new', version: 2, subject: 'u_2', flash: null },
    ])
  })

  it.each([
    ['version', { version: 2, verifier: 'verifier' }],
    ['verifier', { version: 1, verifier: 'Verifier' }],
  ])('update is a conflict when the row has another %s, and changes nothing', async (_field, expected) => {
    const { store } = await opened()
    await store.create(recordOf())
    expect(await store.update(recordOf({ version: 2, data: 'lost' }), expected)).toBe('conflict')
    expect(await store.get('id')).toStrictEqual(recordOf())
  })

  it('S06, S07 update on a destroyed id is gone, and there still is no row (P6)', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf())
    expect(await store.destroy('id')).toBe(true)
    expect(await store.update(recordOf({ version: 2 }), EXPECTED)).toBe('gone')
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('update keeps the later expiry, unless exactExpiry', async () => {
    const { store } = await opened()
    await store.create(recordOf({ expiresAt: 10_000 }))
    await store.update(recordOf({ version: 2, expiresAt: 5_000 }), EXPECTED)
    expect((await store.get('id'))?.expiresAt).toBe(10_000)
    await store.update(recordOf({ version: 3, expiresAt: 5_000 }), { ...EXPECTED, version: 2 }, { exactExpiry: true })
    expect((await store.get('id'))?.expiresAt).toBe(5_000)
    await store.update(recordOf({ version: 4, expiresAt: 6_000 }), { ...EXPECTED, version: 3 }, { exactExpiry: false })
    expect((await store.get('id'))?.expiresAt).toBe(6_000)
  })

  it('touch moves expiry and lastSeenAt, and nothing else', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf({ data: 'kept' }))
    expect(await store.touch('id', 15_000, 2_000, EXPECTED)).toBe(true)
    expect(await store.get('id')).toStrictEqual(recordOf({ data: 'kept', expiresAt: 15_000, lastSeenAt: 2_000 }))
    expect(await elsewhere('select expires_at, last_seen_at, version from sessions')).toMatchObject([
      { expires_at: 15_000, last_seen_at: 2_000, version: 1 },
    ])
  })

  it('S18 an older touch arriving late shortens nothing', async () => {
    const { store } = await opened()
    await store.create(recordOf())
    expect(await store.touch('id', 9_000, 500, EXPECTED)).toBe(true)
    expect(await store.get('id')).toStrictEqual(recordOf())
  })

  it('P10 touch stops at endsAt, and goes on without one', async () => {
    const { store } = await opened()
    await store.create(recordOf({ endsAt: 20_000 }))
    await store.create(recordOf({ id: 'endless', endsAt: null }))
    await store.touch('id', 99_000, 2_000, EXPECTED)
    await store.touch('endless', 99_000, 2_000, EXPECTED)
    expect((await store.get('id'))?.expiresAt).toBe(20_000)
    expect((await store.get('endless'))?.expiresAt).toBe(99_000)
  })

  it('S19 touch on a destroyed, updated or rotated row is false and writes nothing', async () => {
    const { store, elsewhere } = await opened()
    expect(await store.touch('id', 15_000, 2_000, EXPECTED)).toBe(false)
    await store.create(recordOf({ version: 2 }))
    expect(await store.touch('id', 15_000, 2_000, EXPECTED)).toBe(false)
    expect(await store.touch('id', 15_000, 2_000, { version: 2, verifier: 'another' })).toBe(false)
    expect(await elsewhere('select expires_at from sessions')).toMatchObject([{ expires_at: 10_000 }])
  })

  it('S09 destroy tells whether there was one, and may be repeated', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf())
    expect(await store.destroy('id')).toBe(true)
    expect(await store.destroy('id')).toBe(false)
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('S20 removeExpired takes only expired rows, at most the limit, and counts them truly', async () => {
    const { store, elsewhere } = await opened()
    for (const expiresAt of [998, 999, 1_000, 1_001]) await store.create(recordOf({ id: `e${expiresAt}`, expiresAt }))
    expect(await store.countExpired(1_000)).toBe(3)
    expect(await store.removeExpired(1_000, 0)).toBe(0)
    expect(await store.removeExpired(1_000, -1)).toBe(0)
    expect(await store.removeExpired(1_000, 2)).toBe(2)
    expect(await store.countExpired(1_000)).toBe(1)
    expect(await store.removeExpired(1_000, Infinity)).toBe(1)
    expect(await store.removeExpired(1_000, 2)).toBe(0)
    expect(await elsewhere('select id from sessions')).toMatchObject([{ id: 'e1001' }])
  })

  it('S21 all, length and clear agree, over more than a page, while writes go on', async () => {
    const { store, elsewhere } = await opened()
    const ids = Array.from({ length: 250 }, (_, n) => `id-${String(n).padStart(3, '0')}`)
    for (const id of ids) await store.create(recordOf({ id }))
    expect(await store.length()).toBe(250)
    const seen: string[] = []
    for await (const { id } of store.all()) {
      seen.push(id)
      if (id === 'id-050') await store.destroy('id-200')
      if (id === 'id-060') await store.create(recordOf({ id: 'id-999' }))
    }
    expect(seen).toEqual([...ids.filter((id) => id !== 'id-200'), 'id-999'])
    await store.clear()
    expect(await store.length()).toBe(0)
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('S22 two tables of one database never see each other', async () => {
    const { store, db } = await opened()
    const other = new SqliteStore(db, { table: sessionsTableNamed('admin_sessions') })
    await other.migrate()
    await store.create(recordOf({ data: 'one' }))
    expect(await other.get('id')).toBeUndefined()
    await other.create(recordOf({ data: 'two' }))
    await other.clear()
    expect((await store.get('id'))?.data).toBe('one')
  })

  it('S23 findBySubject follows a change of subject and a destroy', async () => {
    const { store } = await opened()
    for (const id of ['a', 'b', 'c']) await store.create(recordOf({ id, subject: id === 'c' ? 'u_2' : 'u_1' }))
    await store.create(recordOf({ id: 'anonymous' }))
    const idsOf = async (subject: string) => (await store.findBySubject(subject)).map(({ id }) => id).toSorted()
    expect(await idsOf('u_1')).toEqual(['a', 'b'])
    await store.update(recordOf({ id: 'a', version: 2, subject: 'u_2' }), EXPECTED)
    await store.destroy('b')
    expect([await idsOf('u_1'), await idsOf('u_2'), await idsOf('U_2')]).toEqual([[], ['a', 'c'], []])
  })

  it('removeBySubject removes all of a subject but one, and says which', async () => {
    const { store, elsewhere } = await opened()
    for (const id of ['a', 'b', 'c']) await store.create(recordOf({ id, subject: 'u_1' }))
    await store.create(recordOf({ id: 'd', subject: 'u_2' }))
    await store.create(recordOf({ id: 'e' }))
    expect((await store.removeBySubject('u_1', 'b')).toSorted()).toEqual(['a', 'c'])
    expect(await store.removeBySubject('u_1')).toEqual(['b'])
    expect(await elsewhere('select id from sessions order by id')).toMatchObject([{ id: 'd' }, { id: 'e' }])
  })

  it('S10, S11, S12 ids are matched exactly; all others are missing, and never an error', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf({ id: 'abc' }))
    await store.create(recordOf({ id: 'null' }))
    const odd = [
      '',
      'ABC',
      'abc ',
      ' abc',
      'abc\0',
      'abc\0d',
      '../abc',
      'a\\c',
      'abc:',
      'abc%00',
      'a%',
      'a_c',
      '\ud800',
    ]
    const wrong = [...odd, "abc' or '1'='1", 'x'.repeat(10_000), null as never, undefined as never]
    for (const id of wrong) {
      expect(await store.get(id)).toBeUndefined()
      expect(await store.update(recordOf({ id, version: 2 }), EXPECTED)).toBe('gone')
      expect(await store.touch(id, 15_000, 2_000, EXPECTED)).toBe(false)
      expect(await store.destroy(id)).toBe(false)
    }
    expect(await elsewhere('select id, version from sessions order by id')).toMatchObject([
      { id: 'abc', version: 1 },
      { id: 'null', version: 1 },
    ])
  })

  it('a missing table is a StoreUnavailableError that says what to run, and its creation is noticed', async () => {
    const { db } = open()
    const store = new SqliteStore(db)
    for (const call of [() => store.get('id'), () => store.create(recordOf()), () => store.clear()]) {
      const error = await call().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error).toHaveProperty('message', expect.stringContaining('await store.migrate()'))
    }
    await store.migrate()
    expect(await store.create(recordOf())).toBe(true)
  })

  it('P13, F25 a refused statement says why, and nothing of what it was to write', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf())
    await elsewhere(`create trigger refuse before update on sessions begin select raise(abort, 'refused'); end`)
    const canary = 'canary-7f3a'
    const record = recordOf({ version: 2, data: canary, flash: canary, subject: canary, info: { canary } })
    const error = (await store.update(record, EXPECTED).catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toContain('refused')
    const everything = [error.message, error.stack, String(error.cause), JSON.stringify(error)]
    everything.push(inspect(error, { depth: 20, showHidden: true }), inspect(store, { depth: 20, showHidden: true }))
    expect(everything.join('\n')).not.toContain(canary)
    expect(everything.join('\n')).not.toContain('params')
  })
})

describe('SqliteStore', () => {
  it.each([
    ['nothing', undefined],
    ['a client instead of a Drizzle database', createClient({ url: ':memory:' })],
    ['a path', 'sessions.db'],
  ])('refuses %s with a SessionConfigError that names `db`', (_what, db) => {
    expect(() => new SqliteStore(db as never)).toThrow(SessionConfigError)
    expect(() => new SqliteStore(db as never)).toThrow(/`db` is .* Drizzle SQLite database/)
  })

  it.each([['sessions'], [{}], [null]])('refuses a table that is none: %j', (table) => {
    const db = drizzle({ client: createClient({ url: ':memory:' }) })
    expect(() => new SqliteStore(db, { table: table as never })).toThrow(/`table` is .*sessionsTableNamed/)
  })
})
