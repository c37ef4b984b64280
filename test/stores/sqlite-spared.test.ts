/** What a store in SQLite spares, counted: statements, SQL that is built again, and columns that a driver has to bring. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SQLiteDialect } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { DRIVERS, recordOf, temporaryFile, throughNodeSqlite } from './sqlite-databases.ts'

const EXPECTED = { version: 1, verifier: 'verifier' }

afterEach(() => vi.restoreAllMocks())

describe.each(DRIVERS)('SqliteStore on $driver', ({ open }) => {
  async function opened() {
    const { db, queries, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    queries.length = 0
    /** The first words of what was asked of the database since this was asked for. */
    const asked = () => queries.splice(0).map(({ sql }) => sql.slice(0, sql.indexOf(' ')))
    return { store, elsewhere, queries, asked }
  }

  it('P1 P2 asks for one statement a request, and for one more where there is something to write', async () => {
    const { store, asked } = await opened()
    let time = Date.now()
    const sessions = new SessionManager<{ n?: number }>({ store, now: () => time })
    const visit = withSession(sessions, (request, session) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/write') session.data.n = (session.data.n ?? 0) + 1
      if (pathname === '/login') session.subject = `u_${session.data.n}`
      if (pathname === '/logout') session.destroy()
      return new Response(String(session.data.n))
    })
    let cookie = ''
    const ask = async (path: string) => {
      const response = await visit(new Request(`https://shop.example${path}`, { headers: { cookie } }))
      const [set] = response.headers.getSetCookie()
      if (set !== undefined) cookie = set.slice(0, set.indexOf(';'))
      return asked()
    }
    expect(await ask('/read'), 'an anonymous visitor').toEqual([])
    expect(await ask('/write'), 'a new session').toEqual(['insert'])
    expect(await ask('/read'), 'a read').toEqual(['select'])
    expect(await ask('/write'), 'a write').toEqual(['select', 'update'])
    expect(await ask('/login'), 'a sign-in').toEqual(['select', 'update'])
    time += 3 * 3_600_000
    expect(await ask('/read'), 'a read that extends it').toEqual(['select', 'update'])
    expect(await ask('/logout'), 'a logout').toEqual(['select', 'delete'])
    cookie = '__Host-session=garbage'
    expect(await ask('/read'), 'a garbage cookie').toEqual([])
  })

  it('a sweep is one statement a batch', async () => {
    const { store, asked } = await opened()
    for (let n = 0; n < 5; n++) await store.create(recordOf({ id: `id-${n}` }))
    asked()
    expect(await new SessionManager({ store }).removeExpiredSessions({ batch: 2 })).toBe(5)
    expect(asked()).toEqual(['delete', 'delete', 'delete'])
  })

  it('builds the SQL of a method once', async () => {
    const { store } = await opened()
    const everything = async () => {
      await store.create(recordOf())
      await store.get('id')
      await store.touch('id', 11_000, 2_000, EXPECTED)
      await store.update(recordOf(), EXPECTED)
      await store.removeExpired(0, 100)
      await store.destroy('id')
    }
    await everything()
    const built = vi.spyOn(SQLiteDialect.prototype, 'sqlToQuery')
    await everything()
    expect(built).not.toHaveBeenCalled()
    await store.length()
    expect(built).toHaveBeenCalled()
  })

  it('reads by id with two columns, whatever the record holds', async () => {
    const { store, queries } = await opened()
    const full = { data: '"quoted"', flash: '', subject: 'u', info: { a: 'b' }, previous: { verifier: 'v' }, ttl: 5 }
    for (const record of [recordOf(), recordOf({ ...full, authenticatedAt: 5, endsAt: null, persistent: false })]) {
      await store.set('id', record)
      queries.length = 0
      expect(await store.get('id')).toStrictEqual(record)
      expect(queries).toHaveLength(1)
      expect(queries[0]?.sql).toMatch(/^select "sessions"\."data", json_array\([^()]*\) from "sessions" where [^,]*$/)
    }
  })

  it('a time that SQLite would round in JSON comes back exactly: such a row is read by columns', async () => {
    const { store, queries } = await opened()
    for (const times of [{ lastSeenAt: 1_700_000_000_000.123 }, { endsAt: 1.234_567_890_123_456_7e300 }]) {
      await store.set('id', recordOf(times))
      queries.length = 0
      expect(await store.get('id')).toStrictEqual(recordOf(times))
      expect(queries).toHaveLength(2)
    }
  })

  it('a BLOB in any column hides its row alone, and nothing fails', async () => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf({ id: 'good' }))
    for (const column of [
      'verifier',
      'data',
      'flash',
      'version',
      'ends_at',
      'lifetime',
      'subject',
      'info',
      'previous',
    ]) {
      await store.set('id', recordOf())
      await elsewhere(`update sessions set ${column} = x'ff00' where id = 'id'`)
      expect(await store.get('id'), column).toBeUndefined()
      expect(await store.get('good'), column).toStrictEqual(recordOf({ id: 'good' }))
    }
  })
})

describe('SqliteStore on a SQLite', () => {
  it('without JSON reads by columns', async () => {
    const connection = new DatabaseSync(temporaryFile())
    onTestFinished(() => connection.close())
    const refused: string[] = []
    const prepare = (sql: string): StatementSync => {
      // What such a SQLite says when it is given the statement.
      if (sql.includes('json_array(')) throw new Error(`no such function: ${refused.push(sql) && 'json_array'}`)
      return connection.prepare(sql)
    }
    const store = new SqliteStore(throughNodeSqlite({ prepare } as DatabaseSync))
    await store.migrate()
    await store.create(recordOf())
    expect(await store.get('id')).toStrictEqual(recordOf())
    expect(await store.get('other')).toBeUndefined()
    expect(refused.length).toBeGreaterThan(0)
  })

  it('behind a proxy written as Drizzle shows it, which knows `run`, `all` and `get`, keeps sessions', async () => {
    const connection = new DatabaseSync(temporaryFile())
    onTestFinished(() => connection.close())
    const db = drizzle(async (sql, params, method) => {
      const statement = connection.prepare(sql)
      statement.setReturnArrays(true)
      if (method === 'run') return { rows: [statement.run(...(params as string[]))] }
      if (method === 'all') return { rows: statement.all(...(params as string[])) as unknown as unknown[] }
      throw new Error(`Unknown method ${method}`)
    })
    const store = new SqliteStore(db)
    await store.migrate()
    expect(await store.create(recordOf({ subject: 'u' }))).toBe(true)
    expect(await store.create(recordOf())).toBe(false)
    expect(await store.get('id')).toStrictEqual(recordOf({ subject: 'u' }))
    expect(await store.touch('id', 11_000, 2_000, EXPECTED)).toBe(true)
    expect(await store.update(recordOf({ version: 2, subject: 'u' }), EXPECTED)).toBe('ok')
    expect(await store.update(recordOf({ version: 2 }), EXPECTED)).toBe('conflict')
    expect(await store.removeBySubject('u')).toEqual(['id'])
    expect(await store.destroy('id')).toBe(false)
  })
})
