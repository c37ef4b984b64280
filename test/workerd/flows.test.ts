/** Whole requests inside of a Worker: both adapters, over the stores that Workers have. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/d1'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { perEnv, SessionConfigError, SessionManager, type Session, type SessionOptions, type Store } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session as honoSession } from 'latchkey/hono'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { sessionsTableNamed, SqliteStore } from 'latchkey/stores/sqlite'
import { faulty, testClock } from 'latchkey/testing'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'

type Data = Record<string, any>
type Handle = (session: Session<Data>, request: Request) => unknown
type Serve = (request: Request, env: object, ctx: object) => Promise<Response>

let made = 0

const stores: Record<string, () => Promise<Store>> = {
  CloudflareKVStore: async () => new CloudflareKVStore(env.SESSIONS, { prefix: `flow${made++}:` }),
  'SqliteStore on D1': async () => {
    const store = new SqliteStore(drizzle(env.DB), { table: sessionsTableNamed(`flow_${made++}`) })
    await store.migrate()
    return store
  },
  CookieStore: async () => new CookieStore({ secret: 's'.repeat(32) }),
}

type CloudflareSocket = WebSocket & { accept(): void }

function socketPair(): [client: CloudflareSocket, server: CloudflareSocket] {
  const { WebSocketPair } = globalThis as unknown as { WebSocketPair: new () => CloudflareSocket[] }
  return Object.values(new WebSocketPair()) as [CloudflareSocket, CloudflareSocket]
}

const answer = (value: unknown): Response => (value instanceof Response ? value : new Response('ok'))

const adapters: Record<string, (sessions: SessionManager<Data>, handle: Handle) => Serve> = {
  'latchkey/fetch': (sessions, handle) => {
    const fetch = withSession(sessions, async (request, session, ..._rest: object[]) =>
      answer(await handle(session, request)),
    )
    return (request, ...rest) => fetch(request, ...rest)
  },
  'latchkey/hono': (sessions, handle) => {
    const app = new Hono()
    app.use(honoSession(sessions))
    app.all('*', async (c) => answer(await handle(c.get('session' as never) as Session<Data>, c.req.raw)))
    return async (request, bindings, ctx) => app.fetch(request, bindings, ctx as never)
  },
}

function flow(adapter: keyof typeof adapters, store: Store, options: Partial<SessionOptions> = {}) {
  const sessions = new SessionManager<Data>({ ...options, store, initial: () => ({}) })
  let handle: Handle = () => undefined
  const serve = adapters[adapter]!(sessions, (session, request) => handle(session, request))
  const browser = new Browser((request) => serve(request, env, createExecutionContext()))
  const visit = (next: Handle, by = browser): Promise<Response> => {
    handle = next
    return by.fetch()
  }
  return { sessions, browser, visit }
}

const cases = Object.keys(adapters).flatMap((adapter) => Object.keys(stores).map((store) => ({ adapter, store })))

describe.each(cases)('$adapter over $store', ({ adapter, store: name }) => {
  const open = async (options?: Partial<SessionOptions>) => {
    const store = await stores[name]!()
    return { store, ...flow(adapter, store, options) }
  }

  it('F01 an anonymous visitor whom nobody wrote to leaves no row and no cookie (P2)', async () => {
    const { store, browser, visit } = await open()
    const response = await visit((session) => expect(session.isNew).toBe(true))
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
    expect(browser.cookies).toEqual([])
    expect((await store.length?.()) ?? 0).toBe(0)
  })

  it('F02 a token nobody issued is never adopted (P8)', async () => {
    const { browser, visit } = await open()
    browser.plant(`${'a'.repeat(22)}.${'b'.repeat(43)}`)
    await visit((session) => session.set('n', 1))
    expect(browser.value()).not.toContain('a'.repeat(22))
  })

  it('F03 signing in brings a new token, F17 nested changes are kept, F19 signing out ends them', async () => {
    const { browser, visit } = await open()
    await visit((session) => session.set('cart', { items: [1] }))
    const before = browser.value()
    await visit((session) => {
      session.subject = 'u_42'
      session.data['cart'].items.push(2)
    })
    expect(browser.value()).not.toBe(before)
    await visit((session) => expect([session.subject, session.data]).toEqual(['u_42', { cart: { items: [1, 2] } }]))
    await visit((session) => session.destroy())
    expect(browser.cookies).toEqual([])
    await visit((session) => expect(session.isNew).toBe(true))
  })

  it('F07 after a 500 the data is as it was, F08 an HTTPException commits', async () => {
    const { visit } = await open()
    await visit((session) => session.set('n', 1))
    await visit((session) => {
      session.set('n', 2)
      return new Response('no', { status: 500 })
    })
    await visit((session) => expect(session.data).toEqual({ n: 1 }))
    const response = await visit((session) => {
      session.set('n', 3)
      throw new HTTPException(403)
    })
    expect(response.status).toBe(403)
    await visit((session) => expect(session.data).toEqual({ n: 3 }))
  })

  it('F09 the cookie is on a redirect, and on a response of another Worker, whose headers nobody can change (P16)', async () => {
    const { browser, visit } = await open()
    const redirected = await visit((session) => {
      session.set('n', 1)
      return Response.redirect('https://shop.example/next', 303)
    })
    expect([redirected.status, redirected.headers.getSetCookie().length]).toEqual([303, 1])
    browser.cookies = []
    const proxied = await visit(async (session) => {
      session.set('n', 1)
      const response = await env.MODULE_SCOPE.fetch('https://other.example/memory')
      expect(() => response.headers.set('x', 'y')).toThrow(TypeError)
      return response
    })
    expect(proxied.headers.getSetCookie().filter((line) => line.startsWith('__Host-session=')).length).toBe(1)
    expect(await proxied.json()).toEqual({ visits: 1 })
  })

  it('F11 a streamed body carries the cookie before its first byte', async () => {
    const { visit } = await open()
    const response = await visit((session) => {
      session.set('n', 1)
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
      const writer = writable.getWriter()
      void writer.write(new TextEncoder().encode('streamed')).then(() => writer.close())
      return new Response(readable)
    })
    expect(response.headers.getSetCookie().length).toBe(1)
    expect(await response.text()).toBe('streamed')
  })

  it('F12 two saves are one Set-Cookie', async () => {
    const { visit } = await open()
    const response = await visit(async (session) => {
      session.set('a', 1)
      await session.save()
      session.set('b', 2)
      await session.save()
    })
    expect(response.headers.getSetCookie().length).toBe(1)
    await visit((session) => expect(session.data).toEqual({ a: 1, b: 2 }))
  })

  it('F10 an upgrade is passed through with its WebSocket, which works; a new session is not stored there (P16)', async () => {
    const { browser, visit } = await open()
    const response = await visit((session) => {
      session.set('n', 1)
      const [client, server] = socketPair()
      server.accept()
      server.addEventListener('message', ({ data }) => server.send(`echo ${data}`))
      return new Response(null, { status: 101, webSocket: client } as ResponseInit)
    })
    expect([response.status, response.headers.getSetCookie(), browser.cookies]).toEqual([101, [], []])
    const { webSocket } = response as Response & { webSocket: CloudflareSocket }
    const echo = new Promise((resolve) => webSocket.addEventListener('message', ({ data }) => resolve(data)))
    webSocket.accept()
    webSocket.send('hello')
    expect(await echo).toBe('echo hello')
    webSocket.close()
  })
})

describe.each(Object.keys(adapters))('%s', (adapter) => {
  it('hands a touch to `waitUntil`: the response does not wait for it, and it is done (P14)', async () => {
    const now = testClock(Date.now())
    const store = faulty(new CloudflareKVStore(env.SESSIONS, { prefix: `touch${made++}:`, now }))
    const { browser, visit, sessions } = flow(adapter, store, { now, ttl: '1h' })
    await visit((session) => (session.subject = 'u_1'))
    now.advance('30m')
    const release = store.stall('touch')
    const ctx = createExecutionContext()
    const response = await adapters[adapter]!(sessions, () => undefined)(browser.request(), env, ctx)
    expect(response.status).toBe(200)
    release()
    await waitOnExecutionContext(ctx)
    const [row] = (await store.findBySubject?.('u_1')) ?? []
    expect([row?.lastSeenAt, row?.expiresAt]).toEqual([now(), now() + 3_600_000])
  })
})

describe('managers on Workers', () => {
  it('without a store are a SessionConfigError: isolates share no memory', () => {
    expect(navigator.userAgent).toBe('Cloudflare-Workers')
    expect(() => new SessionManager()).toThrow(SessionConfigError)
    expect(() => new SessionManager()).toThrow('isolates share no memory')
  })

  it('perEnv makes one per environment, from its bindings, for both adapters and for handlers', async () => {
    let count = 0
    const prefix = `env${made++}:`
    const sessions = perEnv((bindings: { SESSIONS: typeof env.SESSIONS }) => {
      count++
      return new SessionManager<Data>({
        store: new CloudflareKVStore(bindings.SESSIONS, { prefix }),
        initial: () => ({}),
      })
    })
    const raw = withSession(sessions, async (_request, session, _env: typeof env, _ctx: object) => {
      session.subject = 'u_1'
      return new Response('ok')
    })
    const app = new Hono<{ Bindings: typeof env }>()
    app.use(honoSession(sessions))
    app.get('/', async (c) => c.json((await sessions(c.env).listSessions('u_1')).length))

    const browser = new Browser((request) => raw(request, env, createExecutionContext()))
    await browser.fetch()
    const listed = await app.fetch(browser.request(), env, createExecutionContext() as never)
    expect([await listed.json(), count]).toEqual([1, 1])
    await app.fetch(browser.request(), { ...env }, createExecutionContext() as never)
    expect(count).toBe(2)
  })
})
