/** LibsqlStore against a server: the Hrana protocol over HTTP, in front of a libSQL file, which can be told to fail. */
import { SessionManager, StoreUnavailableError } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startHranaServer } from '../support/hrana-server.ts'
import { recordOf, secondConnection, temporaryFile } from './sqlite-databases.ts'

async function served(options: { timeout?: number } = {}) {
  const file = temporaryFile()
  const server = await startHranaServer(file, { authToken: 'canary-token' })
  const store = new LibsqlStore({ url: server.url, authToken: 'canary-token', ...options })
  onTestFinished(async () => {
    store.close()
    await server.close()
  })
  return { store, server, rows: secondConnection(file) }
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
    expect(await rows('select version, expires_at, typeof(expires_at) as type from sessions')).toMatchObject([
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
    expect(await rows('select data from sessions')).toMatchObject([{ data: 'canary-data' }])
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

describe('LibsqlStore on a server that does not answer', () => {
  /** A visitor with a session, before the server goes away. */
  async function visited() {
    const { store, server, rows } = await served()
    const sessions = new SessionManager<{ n?: number }>({ store })
    const token = await sessions.createSession({ n: 1 })
    const fetch = withSession(sessions, (_, session) => {
      session.data.n = (session.data.n ?? 0) + 1
      return new Response('ok')
    })
    const visit = () => fetch(new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } }))
    return { server, rows, visit, sessions, token }
  }

  it.each([1, 2])(
    'R14 P11: hanging at call %i, it is a 503 after 5 s that leaves the cookie; then all goes on',
    async (at) => {
      const { server, visit, sessions, token } = await visited()
      const seen = server.seen.length
      const { promise, resolve } = Promise.withResolvers<void>()
      server.holdFrom = { pipeline: seen + at, until: promise }
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const visiting = visit()
      await vi.waitFor(() => expect(server.seen).toHaveLength(seen + at), { timeout: 5_000 })
      await vi.advanceTimersByTimeAsync(5_000)
      const response = await visiting
      vi.useRealTimers()
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
      expect(response.headers.getSetCookie()).toEqual([])
      server.holdFrom = undefined
      expect((await visit()).status).toBe(200)
      resolve()
      expect((await sessions.retrieveSession(token)).n).toBeGreaterThanOrEqual(2)
    },
  )

  it('R14 P11: resetting, it is a 503 that leaves the cookie; a write that took effect is not repeated; then all goes on', async () => {
    const { server, visit, sessions, token } = await visited()
    server.hangUp = true
    const seen = server.seen.length
    const response = await visit()
    expect([response.status, response.headers.getSetCookie()]).toEqual([503, []])
    expect(server.seen).toHaveLength(seen + 1)
    await expect(sessions.createSession({})).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    server.hangUp = false
    expect((await visit()).status).toBe(200)
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
  })
})
