/** What `SqliteStore` says of a table that is missing, or is none of ours (P11): what to do, and which column is wrong. */
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { getTableColumns } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import { SessionManager, StoreUnavailableError } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { sessionsTable, SqliteStore } from 'latchkey/stores/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DRIVERS, recordOf, secondConnection, temporaryFile, throughNodeSqlite } from './sqlite-databases.ts'

const COLUMNS = Object.values(getTableColumns(sessionsTable)).map(({ name }) => name)
const EXPECTED = { version: 1, verifier: 'verifier' }

/** What the outage says that a promise must reject with. */
async function outage(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    (answer) => `the answer ${JSON.stringify(answer)}`,
    (thrown: unknown) => thrown,
  )
  return error instanceof StoreUnavailableError ? error.message : `no outage: ${String(error)}`
}

/** SQLite as D1 and bun:sqlite are built: a text in double quotes that is no column is a text. */
const LENIENT = {
  driver: 'SQLite that takes unknown columns for text',
  open() {
    const connection = new DatabaseSync(temporaryFile(), { enableDoubleQuotedStringLiterals: true })
    onTestFinished(() => connection.close())
    expect(connection.prepare('select "nothing" as text').get()).toEqual({ text: 'nothing' })
    return { db: throughNodeSqlite(connection), elsewhere: async (sql: string) => connection.prepare(sql).all() }
  },
}

describe.each([...DRIVERS, LENIENT])('a table of another shape, on $driver', ({ open }) => {
  async function opened() {
    const { db, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    await store.create(recordOf({ subject: 'u_1' }))
    return { db, store, elsewhere }
  }

  it.each(COLUMNS)(
    'without the column %s: every call that needs it names it, and so does migrate()',
    async (column) => {
      const { db, elsewhere } = await opened()
      await elsewhere(`alter table sessions rename column ${column} to something_else`)
      const store = new SqliteStore(db)
      const said = [
        await outage(store.get('id')),
        await outage(store.create(recordOf({ id: 'other' }))),
        await outage(store.set('id', recordOf())),
        await outage(store.update(recordOf({ version: 2 }), EXPECTED)),
        await outage(store.findBySubject('u_1')),
        await outage(store.all().next()),
        await outage(store.migrate()),
      ]
      expect(new Set(said).size).toBe(1)
      for (const text of ['`sessions`', `\`${column}\``, '`sessionsTableNamed(name)`']) expect(said[0]).toContain(text)
      expect(await elsewhere('select count(*) as n from sessions')).toMatchObject([{ n: 1 }])
    },
  )

  it('with a column of its own that must not be null: a write names it; one that may be null does no harm', async () => {
    const { db, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    await elsewhere(`alter table sessions add column tenant text`)
    expect(await store.create(recordOf())).toBe(true)
    expect(await store.get('id')).toStrictEqual(recordOf())
    await elsewhere('drop table sessions')
    const columns = COLUMNS.map((name) => (name === 'id' ? 'id text primary key' : name))
    await elsewhere(`create table sessions (${columns.join(', ')}, tenant text not null)`)
    expect(await outage(new SqliteStore(db).create(recordOf()))).toMatch(/`tenant`.* NOT NULL/)
  })

  it('where the id is not the primary key: no second row of one id, but an error that says so', async () => {
    const { db, elsewhere } = open()
    await elsewhere(`create table sessions (${COLUMNS.join(', ')})`)
    const store = new SqliteStore(db)
    expect(await outage(store.create(recordOf()))).toMatch(/`id` is not the primary key/)
    expect(await outage(store.set('id', recordOf()))).toMatch(/`id` is not the primary key/)
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('no table: every call says to run migrate()', async () => {
    const { db } = open()
    const store = new SqliteStore(db)
    expect(await outage(store.get('id'))).toContain('await store.migrate()')
    expect(await outage(store.removeExpired(1, 1))).toContain('await store.migrate()')
    const sessions = new SessionManager({ store })
    expect(await outage(sessions.createSession({}))).toContain('await store.migrate()')
  })

  it.each(['audit', 'sessions_audit', 'other_sessions'])(
    "another table that is missing, %s in a trigger of the user's, is called by its name",
    async (name) => {
      const { store, elsewhere } = await opened()
      await elsewhere(`create trigger audited after insert on sessions begin insert into ${name} values (new.id); end`)
      const error = await store.create(recordOf({ id: 'other' })).catch((thrown: unknown) => thrown)
      expect(error).toHaveProperty('message', expect.stringContaining(`no such table: main.${name}`))
      expect(error).not.toBeInstanceOf(StoreUnavailableError)
    },
  )
})

describe('LibsqlStore on a file whose table is another', () => {
  it('names the column, at first use and by migrate()', async () => {
    const file = temporaryFile()
    await secondConnection(file)('create table sessions (id text primary key, user_id text, expires_at integer)')
    const store = new LibsqlStore({ url: `file:${file}` })
    onTestFinished(() => store.close())
    expect(await outage(store.get('id'))).toMatch(/`sessions` .* has no column/)
    expect(await outage(store.migrate())).toMatch(/`sessions` .* has no column/)
  })
})

it('P13, F25: what a driver of one’s own says beside its message of a missing table goes no further', async () => {
  const canary = 'canary-7f3a'
  const db = drizzle(async (sql, params) => {
    throw Object.assign(new Error('no such table: sessions'), { request: { sql, params } })
  })
  const sessions = new SessionManager({ store: new SqliteStore(db) })
  const error: unknown = await sessions.createSession({ canary }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  expect((error as Error).message).toContain('await store.migrate()')
  expect((error as Error).cause).toMatchObject({ message: 'no such table: sessions' })
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(canary)
})
