/** What is particular to the Hono middleware: where it is mounted, how often, under which name, and how lazily. */
import { Hono } from 'hono'
import { SessionManager, type Session } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'
import { describe, expect, it } from 'vitest'
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

describe('session(): mounting', () => {
  it('mounted twice, a manager loads and commits once', async () => {
    const { store, sessions, app, browser } = shop()
    const seen: unknown[] = []
    app.use(session(sessions), async (c, next) => {
      seen.push(c.var.session)
      await next()
    })
    app.use('/admin/*', session(sessions))
    app.get('/admin/count', (c) => {
      seen.push(c.var.session)
      c.var.session.data.n = (c.var.session.data.n ?? 0) + 1
      return c.json(c.var.session.data)
    })
    const first = await browser.fetch('/admin/count')
    expect(first.headers.getSetCookie()).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
    expect(await (await browser.fetch('/admin/count')).json()).toEqual({ n: 2 })
    expect(store.take()).toEqual(['get', 'update'])
    expect(seen[0]).toBe(seen[1])
  })

  it.each([
    ['lazy outside, eager inside', true, false],
    ['eager outside, lazy inside', false, true],
    ['lazy twice', true, true],
  ])('mounted twice, %s, what the handler writes is committed once', async (_, outer, inner) => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions, { lazy: outer }) as never, session(sessions, { lazy: inner }) as never)
    app.get('/', async (c) => {
      const found: unknown = c.get('session')
      const own = (typeof found === 'function' ? await found() : found) as Session<Shop>
      own.data.n = 1
      return c.text('ok')
    })
    const response = await browser.fetch()
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
  })

  it('mounted twice under two names, both are the same session', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions), session(sessions, { as: 'again' }) as never)
    app.get('/', (c) => {
      expect(c.get('again' as never)).toBe(c.var.session)
      c.var.session.data.n = 1
      return c.text('ok')
    })
    expect((await browser.fetch()).headers.getSetCookie()).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
  })

  it('in a sub-app by app.route(), with an error handler of its own or not', async () => {
    const { sessions, app, browser } = shop()
    const sub = new Hono<SessionEnv<typeof sessions>>()
    sub.use(session(sessions))
    sub.get('/count', (c) => {
      c.var.session.data.n = (c.var.session.data.n ?? 0) + 1
      return c.json(c.var.session.data)
    })
    const guarded = new Hono<SessionEnv<typeof sessions>>().onError((_, c) => c.text('handled', 418 as 400))
    guarded.get('/fail', (c) => {
      c.var.session.data.n = 100
      throw new Error('oops')
    })
    app.use(session(sessions)).route('/sub', sub).route('/guarded', guarded)
    expect(await (await browser.fetch('/sub/count')).json()).toEqual({ n: 1 })
    expect((await browser.fetch('/guarded/fail')).status).toBe(418)
    expect(await (await browser.fetch('/sub/count')).json()).toEqual({ n: 2 })
  })

  it('around an app mounted by app.mount(), Hono or not, with sessions inside or outside', async () => {
    const { sessions, app, browser } = shop()
    const inner = new Hono<SessionEnv<typeof sessions>>().use(session(sessions)).get('/count', (c) => {
      c.var.session.data.n = (c.var.session.data.n ?? 0) + 1
      return c.json(c.var.session.data)
    })
    app.use('/outside/*', session(sessions), async (c, next) => {
      c.var.session.data.theme = 'dark'
      await next()
    })
    app.mount('/inside', inner.fetch)
    app.mount('/outside', (request: Request) => new Response(new URL(request.url).pathname))
    expect(await (await browser.fetch('/inside/count')).json()).toEqual({ n: 1 })
    const response = await browser.fetch('/outside/page')
    expect(await response.text()).toBe('/page')
    expect(await (await browser.fetch('/inside/count')).json()).toEqual({ theme: 'dark', n: 2 })
  })

  it('P16: mounted outside, and again inside a mounted app, which gets a request of its own: one cookie leaves', async () => {
    const { sessions, app, browser } = shop()
    const inner = new Hono<SessionEnv<typeof sessions>>().use(session(sessions)).get('/', (c) => {
      c.var.session.data.n = 1
      return c.text('ok')
    })
    app.use(session(sessions), async (c, next) => {
      c.var.session.data.theme = 'dark'
      await next()
    })
    app.mount('/inside', inner.fetch)
    const response = await browser.fetch('/inside')
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })

  it('as the handler of no route, it leaves the 404 alone', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions))
    const response = await browser.fetch('/missing')
    expect([response.status, response.headers.getSetCookie()]).toEqual([404, []])
  })

  it('a session written by the 404 handler is committed', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions))
    app.notFound((c) => {
      c.get('session').data.n = 404
      return c.text('not here', 404)
    })
    const response = await browser.fetch('/missing')
    expect([response.status, response.headers.getSetCookie().length]).toEqual([404, 1])
  })
})

describe('session(): lazy', () => {
  it('reads nothing until asked, and commits only if asked', async () => {
    const store = new WatchedStore()
    const sessions = new SessionManager<Shop>({ store })
    const app = new Hono<SessionEnv<typeof sessions, { lazy: true }>>()
    app.use(session(sessions, { lazy: true }))
    app.get('/static', (c) => c.text('static'))
    app.get('/ask', async (c) => {
      const [one, two] = await Promise.all([c.var.session(), c.var.session()])
      expect(one).toBe(two)
      one.data.n = (one.data.n ?? 0) + 1
      return c.json(one.data)
    })
    const browser = new Browser(async (request) => app.fetch(request))
    await browser.fetch('/ask')
    store.take()
    const silent = await browser.fetch('/static')
    expect(store.take()).toEqual([])
    expect([...silent.headers.keys()]).toEqual(['content-type'])
    expect(await (await browser.fetch('/ask')).json()).toEqual({ n: 2 })
    expect(store.take()).toEqual(['get', 'update'])
  })
})

describe('session(): F20 two managers side by side', () => {
  it('live under their own names, with `as`', async () => {
    const [customers, staff] = [
      new SessionManager<Shop>(),
      new SessionManager<{ role?: string }>({ cookie: { name: '__Host-admin' } }),
    ]
    const app = new Hono<SessionEnv<typeof customers> & SessionEnv<typeof staff, { as: 'admin' }>>()
    app.use(session(customers))
    app.use(session(staff, { as: 'admin' }))
    app.get('/both', (c) => {
      c.var.session.data.n = 1
      c.var.admin.data.role = 'root'
      return c.text('ok')
    })
    app.get('/who', (c) => c.json([c.var.session.data, c.var.admin.data]))
    const browser = new Browser(async (request) => app.fetch(request))
    expect((await browser.fetch('/both')).headers.getSetCookie()).toHaveLength(2)
    expect(await (await browser.fetch('/who')).json()).toEqual([{ n: 1 }, { role: 'root' }])
  })

  it('under one cookie they would overwrite each other: an error that names it', async () => {
    const app = new Hono()
    app.use(session(new SessionManager()))
    app.use('/admin/*', session(new SessionManager(), { as: 'admin' }))
    app.get('*', (c) => c.text('ok'))
    app.onError((error, c) => c.text(`${error.name}: ${error.message}`, 500))
    expect((await app.request('/')).status).toBe(200)
    const refused = await app.request('/admin/x')
    expect(refused.status).toBe(500)
    expect(await refused.text()).toMatch(
      /SessionConfigError: Two managers use the cookie `session`.*`cookie: \{ name \}`/,
    )
  })

  it('also where their names differ over https only, as one named `session` and the default do', async () => {
    const app = new Hono()
    app.use(session(new SessionManager()))
    app.use(session(new SessionManager({ cookie: { name: 'session' } }), { as: 'admin' }))
    app.get('*', (c) => c.text('ok'))
    app.onError((error, c) => c.text(error.message, 500))
    expect((await app.request('https://shop.example/')).status).toBe(200)
    expect(await (await app.request('http://localhost/')).text()).toMatch(/^Two managers use the cookie `session`/)
  })

  it('by bearer and by cookie they need no two names', async () => {
    const app = new Hono()
    app.use(session(new SessionManager({ transport: 'bearer' }), { as: 'api' }))
    app.use(session(new SessionManager({ transport: 'bearer' }), { as: 'jobs' }))
    app.use(session(new SessionManager()))
    app.get('*', (c) => c.text('ok'))
    expect((await app.request('/')).status).toBe(200)
  })

  it.each([[undefined], [{ secret: 'x' }], ['sessions']])('%s is no manager: an error at once', (given) => {
    expect(() => session(given as never)).toThrow(/needs a SessionManager, or a function that returns one/)
  })
})
