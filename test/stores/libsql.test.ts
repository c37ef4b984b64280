import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@libsql/client'
import { StoreUnavailableError } from 'latchkey'
import { LibsqlStore, sessionsTableNamed, type LibsqlStoreOptions } from 'latchkey/stores/libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { recordOf, secondConnection, temporaryFile } from './sqlite-databases.ts'

const EXPECTED = { version: 1, verifier: 'verifier' }

function opened(options: Partial<LibsqlStoreOptions> = {}) {
  const file = temporaryFile()
  const url = `file:${file}`
  const make = (): LibsqlStore => {
    const store = new LibsqlStore({ url, ...options })
    onTestFinished(() => store.close())
    return store
  }
  return { file, url, make, store: make(), elsewhere: secondConnection(file) }
}

/** Holds the file's write lock, as a long transaction of another process would; the function returned gives it back. */
async function lock(url: string): Promise<() => Promise<void>> {
  const client = createClient({ url })
  const transaction = await client.transaction('write')
  return async () => {
    await transaction.rollback()
    client.close()
  }
}

/** After this, whatever was started has made its first try: it waits on timers only. */
const started = (): Promise<void> => new Promise((done) => setImmediate(done))

describe('LibsqlStore on a file', () => {
  it('creates its table by itself at first use, in WAL mode', async () => {
    const { store, elsewhere } = opened()
    expect(await store.get('nobody')).toBeUndefined()
    expect(await elsewhere('select count(*) as n from sessions')).toMatchObject([{ n: 0 }])
    expect(await elsewhere('pragma journal_mode')).toMatchObject([{ journal_mode: 'wal' }])
    await store.migrate()
  })

  it('every write is there for a second connection as soon as it is acknowledged', async () => {
    const { store, elsewhere } = opened()
    const row = async () => (await elsewhere('select id, data, version, expires_at from sessions'))[0]
    await store.create(recordOf({ data: 'one' }))
    expect(await row()).toMatchObject({ id: 'id', data: 'one', version: 1 })
    await store.update(recordOf({ version: 2, data: 'two' }), EXPECTED)
    expect(await row()).toMatchObject({ data: 'two', version: 2 })
    await store.touch('id', 15_000, 2_000, { ...EXPECTED, version: 2 })
    expect(await row()).toMatchObject({ expires_at: 15_000, version: 2 })
    await store.set('id', recordOf({ data: 'three', version: 9 }))
    expect(await row()).toMatchObject({ data: 'three', version: 9 })
    await store.destroy('id')
    expect(await row()).toBeUndefined()
  })

  it('S17 waits for a lock and then writes, and what follows is written too', async () => {
    const { store, url, elsewhere } = opened()
    for (const id of ['update', 'touch', 'destroy', 'set']) await store.create(recordOf({ id }))
    const unlock = await lock(url)
    const writes = [
      store.create(recordOf({ id: 'create' })),
      store.update(recordOf({ id: 'update', version: 2, data: 'new' }), EXPECTED),
      store.touch('touch', 15_000, 2_000, EXPECTED),
      store.destroy('destroy'),
      store.set('set', recordOf({ id: 'set', version: 7 })),
    ]
    await started()
    expect(await store.get('update')).toStrictEqual(recordOf({ id: 'update' }))
    await unlock()
    expect(await Promise.all(writes)).toEqual([true, 'ok', true, true, undefined])
    expect(await store.create(recordOf({ id: 'then' }))).toBe(true)
    expect(await elsewhere('select id, version, expires_at from sessions order by id')).toMatchObject([
      { id: 'create' },
      { id: 'set', version: 7 },
      { id: 'then' },
      { id: 'touch', expires_at: 15_000 },
      { id: 'update', version: 2 },
    ])
  })

  it('S17 a lock that stays is a StoreUnavailableError; nothing is written then, everything afterwards', async () => {
    const { store, url, elsewhere } = opened({ timeout: 20 })
    await store.create(recordOf())
    const unlock = await lock(url)
    for (let tries = 0; tries < 3; tries++) {
      const error = await store.update(recordOf({ version: 2 }), EXPECTED).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error).toHaveProperty('message', expect.stringContaining('locked for 20 ms'))
      expect(error).toHaveProperty('cause.code', 'SQLITE_BUSY')
    }
    await unlock()
    expect(await elsewhere('select version from sessions')).toMatchObject([{ version: 1 }])
    expect(await store.update(recordOf({ version: 2 }), EXPECTED)).toBe('ok')
    expect(await store.create(recordOf({ id: 'next' }))).toBe(true)
    expect(await elsewhere('select id, version from sessions order by id')).toMatchObject([
      { id: 'id', version: 2 },
      { id: 'next', version: 1 },
    ])
  })

  it('S17 no write that shares a connection with a busy one is lost', async () => {
    const { store, url, elsewhere } = opened({ timeout: 0 })
    await store.migrate()
    const unlock = await lock(url)
    const first = Array.from({ length: 10 }, (_, n) => store.create(recordOf({ id: `first-${n}` })))
    const refused = await Promise.allSettled(first)
    expect(refused.map(({ status }) => status)).toEqual(first.map(() => 'rejected'))
    const reads = Array.from({ length: 5 }, () => store.length())
    await unlock()
    const second = Array.from({ length: 10 }, (_, n) => store.create(recordOf({ id: `second-${n}` })))
    expect(await Promise.all([...reads, ...second])).toEqual([...reads.map(() => 0), ...second.map(() => true)])
    expect(await elsewhere(`select count(*) as n from sessions where id like 'second-%'`)).toMatchObject([{ n: 10 }])
    expect(await elsewhere(`select count(*) as n from sessions`)).toMatchObject([{ n: 10 }])
  })

  it('S17 a first use that met a lock is tried again by the next call', async () => {
    const { store, url, elsewhere } = opened({ timeout: 0 })
    const unlock = await lock(url)
    await expect(store.get('id')).rejects.toThrow(StoreUnavailableError)
    await unlock()
    expect(await store.create(recordOf())).toBe(true)
    expect(await elsewhere('select id from sessions')).toMatchObject([{ id: 'id' }])
  })

  it('P14 what failed for another reason is not repeated, and the next write arrives', async () => {
    const { store, elsewhere } = opened()
    await store.migrate()
    await elsewhere('create table tries (n)')
    await elsewhere(`create trigger refuse before insert on sessions when new.id = 'refused'
      begin insert into tries values (1); select raise(fail, 'refused'); end`)
    await expect(store.create(recordOf({ id: 'refused' }))).rejects.toThrow('refused')
    expect(await store.create(recordOf())).toBe(true)
    expect(await elsewhere('select id from sessions')).toMatchObject([{ id: 'id' }])
    expect(await elsewhere('select count(*) as n from tries')).toMatchObject([{ n: 1 }])
  })

  it('P4 of many updates on one version, through two stores, exactly one wins; the row is always whole', async () => {
    const { store, make, elsewhere } = opened()
    const stores = [store, make()] as const
    await store.create(recordOf({ data: '0' }))
    for (let version = 1; version <= 20; version++) {
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          stores[n % 2]!.update(recordOf({ version: version + 1, data: `${version}-${n}` }), { ...EXPECTED, version }),
        ),
      )
      const winner = results.indexOf('ok')
      expect(results.filter((result) => result === 'conflict')).toHaveLength(9)
      expect(await elsewhere('select data, version from sessions')).toMatchObject([
        { data: `${version}-${winner}`, version: version + 1 },
      ])
    }
  })

  it('of many creates of one id, through two stores, exactly one wins', async () => {
    const { store, make } = opened()
    const other = make()
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? store : other).create(recordOf({ data: String(n) }))),
    )
    expect(created.filter(Boolean)).toHaveLength(1)
    expect((await other.get('id'))?.data).toBe(String(created.indexOf(true)))
  })

  it('processes that start on one new file at once create it together, and lose no write', async () => {
    const { file, url, elsewhere } = opened()
    const script = `
      const { LibsqlStore } = await import(process.argv[1])
      const store = new LibsqlStore({ url: process.argv[2], timeout: '15s' })
      const record = JSON.parse(process.argv[3])
      for (let n = 0; n < 25; n++) if (!(await store.create({ ...record, id: process.pid + '-' + n }))) process.exit(1)
      store.close()`
    const module = join(import.meta.dirname, '../../src/stores/libsql.ts')
    const node = ['--input-type=module', '--no-warnings', '-e', script, module, url, JSON.stringify(recordOf())]
    const run = promisify(execFile)
    await Promise.all(Array.from({ length: 3 }, () => run(process.execPath, node, { cwd: dirname(file) })))
    expect(await elsewhere('select count(*) as n from sessions')).toMatchObject([{ n: 75 }])
  }, 60_000)

  it('close ends it: later calls are a StoreUnavailableError that says so, and closing twice is fine', async () => {
    const { store } = opened()
    await store.create(recordOf())
    store.close()
    store.close()
    await expect(store.get('id')).rejects.toThrow(StoreUnavailableError)
    await expect(store.get('id')).rejects.toThrow('closed by `close()`')
  })

  it('a call that waits for a lock when the store is closed ends, and writes nothing', async () => {
    const { store, url, elsewhere } = opened()
    await store.migrate()
    const unlock = await lock(url)
    const waiting = store.create(recordOf())
    await started()
    store.close()
    await expect(waiting).rejects.toThrow('closed by `close()`')
    await unlock()
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('S22 two tables in one file never see each other', async () => {
    const { store, url } = opened()
    const other = new LibsqlStore({ url, table: sessionsTableNamed('admin_sessions') })
    await store.create(recordOf())
    expect(await other.get('id')).toBeUndefined()
    expect(await other.length()).toBe(0)
    other.close()
  })

  it('numbers too large for JavaScript, in a row made by somebody else, hide only that row', async () => {
    const { store, elsewhere } = opened()
    await store.create(recordOf({ subject: 'u' }))
    await store.create(recordOf({ id: 'odd', subject: 'u' }))
    await elsewhere(`update sessions set version = 9223372036854775807 where id = 'odd'`)
    expect((await store.findBySubject('u')).map(({ id }) => id)).toContain('id')
    expect(await store.get('id')).toStrictEqual(recordOf({ subject: 'u' }))
  })
})

describe('LibsqlStore in memory', () => {
  it.each([':memory:', 'file::memory:'])(
    '%s keeps its rows for the life of the store, also after a failure',
    async (url) => {
      const store = new LibsqlStore({ url, timeout: 0 })
      await store.create(recordOf())
      await expect(store.set('id', recordOf({ version: null as never }))).rejects.toThrow('NOT NULL')
      expect(await store.get('id')).toStrictEqual(recordOf())
      expect(await new LibsqlStore({ url }).get('id')).toBeUndefined()
    },
  )
})
