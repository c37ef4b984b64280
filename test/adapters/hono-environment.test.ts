/** The Hono middleware and what surrounds it: bindings, the execution context; and `requireSubject`. */
import { Hono, type ExecutionContext } from 'hono'
import { SessionManager, perEnv } from 'latchkey'
import { requireSubject, session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n?: number; theme?: string }

function shop(options: { now?: () => number; onStoreError?: 'throw' | 'anonymous' } = {}) {
  const store = new WatchedStore()
  const sessions = new SessionManager<Shop>({ store, ...options })
  const app = new Hono<SessionEnv<typeof sessions>>()
  const browser = new Browser(async (request) => app.fetch(request))
  return { store, sessions, app, browser }
}

describe('session(): where the manager comes from', () => {
  it('perEnv makes one manager per bindings object, and is callable from handlers', async () => {
    const make = vi.fn<(env: { DB: MemoryStore }) => SessionManager<Shop>>(
      (env) => new SessionManager<Shop>({ store: env.DB }),
    )
    const sessions = perEnv(make)
    const app = new Hono<{ Bindings: { DB: MemoryStore } } & SessionEnv<typeof sessions>>()
    app.use(session(sessions))
    app.get('/', async (c) => {
      c.var.session.subject = 'u_42'
      await c.var.session.save()
      return c.json((await sessions(c.env).listSessions('u_42')).length)
    })
    const [one, two] = [{ DB: new MemoryStore() }, { DB: new MemoryStore() }]
    const counts: unknown[] = []
    for (const env of [one, one, two]) counts.push(await (await app.request('/', {}, env)).json())
    expect(counts).toEqual([1, 2, 1])
    expect(make.mock.calls).toEqual([[one], [two]])
  })

  it.each([
    ['Node, whose c.env is { incoming, outgoing }', () => ({ incoming: {}, outgoing: {} })],
    ['Deno, whose c.env has remoteAddr', () => ({ remoteAddr: { hostname: '::1' }, completed: Promise.resolve() })],
    ['a runtime with an empty c.env', () => ({})],
    ['a runtime with none', () => undefined],
  ] as [string, () => object | undefined][])('perEnv makes one manager for the whole process on %s', async (_, env) => {
    const make = vi.fn<(env: object) => SessionManager<Shop>>(() => new SessionManager<Shop>())
    const sessions = perEnv(make)
    const app = new Hono<SessionEnv<typeof sessions>>()
    app.use(session(sessions))
    app.get('/', (c) => {
      expect(sessions(c.env as object)).toBe(make.mock.results[0]?.value)
      c.var.session.data.n = (c.var.session.data.n ?? 0) + 1
      return c.json(c.var.session.data)
    })
    const browser = new Browser(async (request) => app.fetch(request, env()))
    for (let n = 1; n <= 3; n++) expect(await (await browser.fetch()).json()).toEqual({ n })
    expect(make).toHaveBeenCalledTimes(1)
    expect(make.mock.calls[0]?.[0]).toBe(process.env)
  })

  it('a plain function is called once per adapter', async () => {
    const make = vi.fn<(env: object) => SessionManager<Shop>>(() => new SessionManager<Shop>())
    const app = new Hono()
    app.use('/a', session(make)).use('/b', session(make))
    app.all('*', (c) => c.text('ok'))
    const env = { KEY: 1 }
    for (const path of ['/a', '/a', '/b', '/a']) await app.request(path, {}, env)
    expect(make.mock.calls).toEqual([[env], [env]])
  })
})

describe('session(): waitUntil', () => {
  const context = (waitUntil: ExecutionContext['waitUntil']): ExecutionContext =>
    ({ waitUntil, passThroughOnException() {}, props: {} }) as unknown as ExecutionContext

  it('P14: the execution context gets the touch; without one, or with a broken one, it is awaited', async () => {
    let now = 0
    const { store, sessions, app, browser } = shop({ now: () => now })
    app.use(session(sessions)).get('/', (c) => c.text('ok'))
    browser.plant(await sessions.createSession({ n: 1 }))
    const later = (): number => (now += 12 * 3_600_000)

    const waitUntil = vi.fn<(promise: Promise<unknown>) => void>()
    let release = (): void => {}
    store.before = (method) => (method === 'touch' ? new Promise<void>((resolve) => (release = resolve)) : undefined)
    later()
    await app.fetch(browser.request(), {}, context(waitUntil))
    expect(waitUntil).toHaveBeenCalledTimes(1)
    release()
    await waitUntil.mock.calls[0]?.[0]
    expect((await store.row()).lastSeenAt).toBe(now)

    store.before = () => undefined
    later()
    await app.fetch(browser.request(), {})
    expect((await store.row()).lastSeenAt).toBe(now)
    later()
    const broken = context(() => {
      throw new TypeError('Illegal invocation')
    })
    expect((await app.fetch(browser.request(), {}, broken)).status).toBe(200)
    expect((await store.row()).lastSeenAt).toBe(now)
  })
})

describe('requireSubject()', () => {
  it('is 401 unless signed in, and lets through who is', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions))
    app.get('/login', (c) => {
      c.var.session.subject = 'u_42'
      return c.text('ok')
    })
    app.get('/account', requireSubject(), (c) => c.text(String(c.var.session.subject)))
    const refused = await browser.fetch('/account')
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([401, []])
    expect(refused.headers.get('vary')).toBe('Cookie')
    await browser.fetch('/login')
    const allowed = await browser.fetch('/account')
    expect([allowed.status, await allowed.text()]).toEqual([200, 'u_42'])
  })

  it('works with lazy sessions and under another name', async () => {
    const sessions = new SessionManager<Shop>()
    const app = new Hono<SessionEnv<typeof sessions, { lazy: true; as: 'admin' }>>()
    app.use(session(sessions, { lazy: true, as: 'admin' }))
    app.get('/login', async (c) => {
      const admin = await c.var.admin()
      admin.subject = 'a_1'
      return c.text('ok')
    })
    app.get('/account', requireSubject({ as: 'admin' }), (c) => c.text('in'))
    const browser = new Browser(async (request) => app.fetch(request))
    expect((await browser.fetch('/account')).status).toBe(401)
    await browser.fetch('/login')
    expect((await browser.fetch('/account')).status).toBe(200)
  })

  it('P11: is 503, not 401, while the store is down and `onStoreError: anonymous` stands in', async () => {
    const { store, sessions, app, browser } = shop({ onStoreError: 'anonymous' })
    app.use(session(sessions))
    app.get('/account', requireSubject(), (c) => c.text('in'))
    app.get('/', (c) => c.text(c.var.session.subject ?? 'nobody'))
    browser.plant(await sessions.createSession({}, { subject: 'u_42' }))
    store.down(true)
    expect(await (await browser.fetch('/')).text()).toBe('nobody')
    const response = await browser.fetch('/account')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(response.headers.get('cache-control')).toContain('no-store')
    store.down(false)
    expect((await browser.fetch('/account')).status).toBe(200)
  })

  it('says what is missing when session() is not mounted before it', async () => {
    const app = new Hono().use(requireSubject()).onError((error, c) => c.text(error.message, 500))
    expect(await (await app.request('/')).text()).toContain('session(…)')
  })
})
