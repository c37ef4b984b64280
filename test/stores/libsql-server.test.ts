/**
 * LibsqlStore against a server: one that speaks the wire protocol of sqld (Hrana 2 over HTTP) in front of Node's own
 * SQLite, and that can be told to fail.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { SessionManager, StoreUnavailableError } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { recordOf } from './sqlite-databases.ts'

type Value = { type: 'null' } | { type: 'text' | 'integer'; value: string } | { type: 'float'; value: number }
type Step = { type: string; sql?: string; stmt?: { sql: string; args: Value[] } }

async function served(options: { timeout?: number } = {}) {
  const database = new DatabaseSync(':memory:')
  const server = {
    /** The requests as they came. */
    seen: [] as { authorization: string | undefined; steps: Step[] }[],
    /** Answers to the next requests instead of running them. */
    failures: [] as { code: string; message: string }[],
    /** Runs the next request, and then hangs up without an answer. */
    hangUp: false,
  }
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { requests } = JSON.parse(Buffer.concat(chunks).toString()) as { requests: Step[] }
    server.seen.push({ authorization: request.headers.authorization, steps: requests })
    const failure = server.failures.shift()
    const results = requests.map((step) =>
      failure && step.type !== 'close'
        ? { type: 'error', error: failure }
        : { type: 'ok', response: run(database, step) },
    )
    if (server.hangUp) return void request.socket.destroy()
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ baton: null, base_url: null, results }))
  })
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const store = new LibsqlStore({ url, authToken: 'canary-token', ...options })
  onTestFinished(() => {
    store.close()
    http.closeAllConnections()
    http.close()
    database.close()
  })
  return { store, server, rows: (sql: string) => database.prepare(sql).all() }
}

function run(database: DatabaseSync, { type, sql = '', stmt }: Step): object {
  if (type === 'sequence') database.exec(sql)
  if (!stmt) return { type }
  const statement = database.prepare(stmt.sql)
  const values = stmt.args.map((arg) =>
    arg.type === 'null' ? null : arg.type === 'integer' ? BigInt(arg.value) : arg.value,
  )
  const cols = statement.columns().map(({ name }) => ({ name }))
  const rows = statement.all(...values).map((row) =>
    Object.values(row).map((value): Value => {
      if (value === null) return { type: 'null' }
      return { type: typeof value === 'number' ? 'integer' : 'text', value: String(value) }
    }),
  )
  return { type, result: { cols, rows, affected_row_count: 0, last_insert_rowid: null } }
}

describe('LibsqlStore on a server', () => {
  it('creates its table in one request at first use, without a PRAGMA, and keeps records exactly', async () => {
    const { store, server, rows } = await served()
    const record = recordOf({ endsAt: null, absolute: null, persistent: false, info: { a: 'b' }, subject: 'u\0' })
    expect(await store.create(record)).toBe(true)
    expect(server.seen).toHaveLength(2)
    expect(JSON.stringify(server.seen)).not.toContain('PRAGMA')
    expect(await store.get('id')).toStrictEqual(record)
    expect(await store.update({ ...record, version: 2 }, { version: 1, verifier: 'verifier' })).toBe('ok')
    expect(await store.update({ ...record, version: 2 }, { version: 1, verifier: 'verifier' })).toBe('conflict')
    expect(await store.touch('id', 11_000, 2_000, { version: 2, verifier: 'verifier' })).toBe(true)
    expect(rows('select version, expires_at, typeof(expires_at) as type from sessions')).toMatchObject([
      { version: 2, expires_at: 11_000, type: 'integer' },
    ])
    expect(await store.removeExpired(11_000, 10)).toBe(1)
    expect(server.seen.every(({ authorization }) => authorization === 'Bearer canary-token')).toBe(true)
  })

  it('runs a manager', async () => {
    const { store } = await served()
    const sessions = new SessionManager<{ n: number }>({ store, initial: () => ({ n: 0 }) })
    const token = await sessions.createSession({}, { subject: 'u_1' })
    await Promise.all(Array.from({ length: 10 }, () => sessions.updateSession(token, ({ n }) => ({ n: n + 1 }))))
    expect(await sessions.retrieveSession(token)).toEqual({ n: 10 })
    expect(await sessions.removeSessionsOf('u_1')).toBe(1)
  })

  it('S17 a locked database is tried again, and then a StoreUnavailableError', async () => {
    const { store, server } = await served()
    await store.migrate()
    server.failures = Array.from({ length: 3 }, () => ({ code: 'SQLITE_BUSY', message: 'database is locked' }))
    expect(await store.create(recordOf())).toBe(true)
    const impatient = await served({ timeout: 0 })
    await impatient.store.migrate()
    impatient.server.failures = [{ code: 'SQLITE_BUSY', message: 'database is locked' }]
    await expect(impatient.store.create(recordOf())).rejects.toThrow(StoreUnavailableError)
    expect(await impatient.store.create(recordOf())).toBe(true)
  })

  it('P14 a write whose outcome is unknown is not repeated, and says nothing of the token or the data', async () => {
    const { store, server, rows } = await served()
    await store.migrate()
    server.hangUp = true
    const before = server.seen.length
    const error: unknown = await store.create(recordOf({ data: 'canary-data' })).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(server.seen).toHaveLength(before + 1)
    expect(rows('select data from sessions')).toMatchObject([{ data: 'canary-data' }])
    expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain('canary')
  })

  it('R14 an error of the server reaches the caller once, as an outage', async () => {
    const { store, server } = await served()
    const sessions = new SessionManager<{ n?: number }>({ store })
    const token = await sessions.createSession({})
    server.failures = [{ code: 'SQLITE_IOERR', message: 'disk I/O error' }]
    await expect(sessions.retrieveSession(token)).rejects.toThrow(StoreUnavailableError)
    expect(await sessions.retrieveSession(token)).toEqual({})
  })
})
