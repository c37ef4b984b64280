/** The store of revocations down, slow or wrong: an outage, and never a session that was ended (P11, P14, R13, R14). */
import { SessionManager, StoreUnavailableError, type Session } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { marksIn, siteOver } from './revocable.ts'
import { SECRET, START } from './sealed.ts'

type Handler = (session: Session) => unknown

/** An app whose errors are answered by the adapter, and one request of it with this token. */
function app(store: WatchedStore, options: { onStoreError?: 'anonymous' } = {}) {
  const sessions = new SessionManager({
    ...options,
    store: new CookieStore({ secret: SECRET, revocations: store }),
    now: () => START,
  })
  const visit = (token: string, handler: Handler): Promise<Response> =>
    withSession(sessions, async (_request, session) => {
      await handler(session)
      return new Response('ok', { headers: { 'x-app': 'was here' } })
    })(new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } }))
  return { sessions, visit }
}

const cookieOf = (response: Response): string | undefined =>
  response.headers.getSetCookie()[0]?.replace(/^[^=]+=([^;]*);.*$/, '$1')

describe('at load', () => {
  it('P11: down is 503 with Retry-After: nobody is let in, nobody is anonymous, the cookie survives', async () => {
    const store = new WatchedStore()
    const { sessions, visit } = app(store)
    const token = await sessions.createSession({}, { subject: 'u_42' })
    store.down(true)
    let served = false
    const response = await visit(token, () => void (served = true))
    expect([response.status, served, response.headers.has('retry-after')]).toEqual([503, false, true])
    expect(response.headers.getSetCookie()).toEqual([])
    await expect(sessions.findSession(token)).rejects.toThrow(StoreUnavailableError)
    store.down(false)
    expect(await sessions.findSession(token)).toBeDefined()
  })

  it('P11: `onStoreError: "anonymous"` is an empty session that cannot be written, and not the sealed one', async () => {
    const store = new WatchedStore()
    const { sessions, visit } = app(store, { onStoreError: 'anonymous' })
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
    store.down(true)
    const response = await visit(token, (session) => {
      expect([session.subject, session.data]).toEqual([undefined, {}])
      expect(() => session.set('n', 2)).toThrow(StoreUnavailableError)
    })
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
  })

  it('P11, S24: a mark that cannot be read, or of something else, lets nobody in', async () => {
    for (const spoil of [{ data: 'no json' }, { data: '1' }, { id: 'another' }, { version: 'x' as never }]) {
      const store = new WatchedStore()
      const { sessions } = app(store)
      const token = await sessions.createSession()
      await sessions.removeSession(token)
      const [mark] = await marksIn(store.inner)
      if (mark) store.inner.set(mark.id, { ...mark, ...spoil })
      await expect(sessions.findSession(token)).rejects.toThrow(StoreUnavailableError)
    }
  })

  it('P13: neither the event nor the error says whose cookie it was', async () => {
    const store = new WatchedStore()
    const site = siteOver(store)
    const { token } = await site.begin({ canary: 'c4n4ry' }, 'u_42')
    store.down(true)
    store.failure = () => new Error(`near "${token}", 'u_42'`)
    const failure = await site.one.findSession(token).catch((error: unknown) => error)
    const said = JSON.stringify([site.reports, failure]) + String((failure as Error).cause)
    for (const secret of [token, 'u_42', 'c4n4ry']) expect(said).not.toContain(secret)
    expect(site.reports).toMatchObject([{ name: 'storeError' }])
  })
})

describe('at commit', () => {
  const changes: [name: string, handler: Handler][] = [
    ['a write', (session) => session.set('n', 2)],
    ['a logout', (session) => session.destroy()],
    ['a new token', (session) => session.regenerate()],
    ['a sign-in as another', (session) => void (session.subject = 'u_1')],
    ['a sign-out', (session) => session.regenerate({ keepData: false })],
  ]

  it.each(changes)(
    'P14: %s that cannot be remembered is a 503 without a cookie, and the old one goes on',
    async (_, change) => {
      const store = new WatchedStore()
      const { sessions, visit } = app(store)
      const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
      const response = await visit(token, (session) => {
        store.down(true)
        change(session)
      })
      expect([response.status, response.headers.getSetCookie(), response.headers.get('x-app')]).toEqual([503, [], null])
      store.down(false)
      expect((await sessions.findSession(token))?.data).toEqual({ n: 1 })
    },
  )

  it.each(changes)(
    'R13 P14: each call of %s made to fail, before or after it took effect, is never a mix',
    async (_, change) => {
      const mixes: string[] = []
      for (const after of [false, true]) {
        for (const method of ['get', 'create', 'update'] as const) {
          for (let which = 0; which < 3; which++) {
            const store = new WatchedStore()
            const { sessions, visit } = app(store)
            const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
            const response = await visit(token, (session) => {
              let left = which
              store.before = (called) => {
                const fails = called === method && left-- === 0
                ;(after ? store.failingAfter : store.failing)[fails ? 'add' : 'delete'](method)
              }
              change(session)
            })
            store.before = () => undefined
            store.failing.clear()
            store.failingAfter.clear()
            const cookie = cookieOf(response)
            const [old, next] = [await sessions.findSession(token), cookie && (await sessions.findSession(cookie))]
            // A write keeps its id: both its seals are the session. Anything else leaves one of the two, or none, and says so.
            const what = `${method} ${which}, ${after ? 'after' : 'before'}`
            if (next && old && next.id !== old.id) mixes.push(`${what}: both are valid`)
            if (response.status === 200 && cookie && !next) mixes.push(`${what}: a dead cookie, and no error`)
            if (response.status !== 200 && !cookie && !after && !old) mixes.push(`${what}: neither is valid`)
          }
        }
      }
      expect(mixes).toEqual([])
    },
  )

  it('P15: a new token that was remembered is sent, though what came after it failed', async () => {
    const store = new WatchedStore()
    const { sessions, visit } = app(store)
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
    const response = await visit(token, (session) => {
      store.before = (method) => {
        if (method === 'create') store.before = () => void store.failing.add('get')
      }
      session.regenerate()
    })
    expect(response.status).toBe(503)
    store.before = () => undefined
    store.failing.clear()
    expect((await sessions.findSession(cookieOf(response) ?? ''))?.subject).toBe('u_42')
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('P7 R08: and it is spared like the one before it, though nobody came to say so', async () => {
    const store = new WatchedStore()
    const { sessions, visit } = app(store)
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
    await sessions.removeSessionsOf('u_42', { except: (await sessions.findSession(token))?.id })
    store.failing.add('update')
    const response = await visit(token, (session) => session.regenerate())
    const next = cookieOf(response) ?? ''
    expect([response.status, (await sessions.findSession(next))?.subject]).toEqual([503, 'u_42'])
    store.failing.clear()
    const last = cookieOf(await visit(next, (session) => session.regenerate())) ?? ''
    const found = await Promise.all([token, next, last].map((each) => sessions.findSession(each)))
    expect(found.map((each) => each?.subject)).toEqual([undefined, undefined, 'u_42'])
    await sessions.removeSessionsOf('u_42')
    expect(await sessions.findSession(last)).toBeUndefined()
  })

  it('removeSession, removeSessionById and removeSessionsOf that could not be remembered throw', async () => {
    const store = new WatchedStore()
    const { sessions } = app(store)
    const token = await sessions.createSession({}, { subject: 'u_42' })
    const id = (await sessions.findSession(token))?.id ?? ''
    store.failing.add('create')
    await expect(sessions.removeSession(token)).rejects.toThrow(StoreUnavailableError)
    await expect(sessions.removeSessionById(id)).rejects.toThrow(StoreUnavailableError)
    await expect(sessions.removeSessionsOf('u_42')).rejects.toThrow(StoreUnavailableError)
  })
})
