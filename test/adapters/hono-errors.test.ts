/** Errors under Hono: what is dropped and kept (P15), and how a store outage takes over the response (P11). */
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { cors } from 'hono/cors'
import { SessionManager, StoreUnavailableError, type Session } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n?: number; theme?: string }

async function shop() {
  const store = new WatchedStore()
  const sessions = new SessionManager<Shop>({ store })
  const app = new Hono<SessionEnv<typeof sessions>>()
  const browser = new Browser(async (request) => app.fetch(request))
  browser.plant(await sessions.createSession({ n: 1 }, { subject: 'u_42' }))
  store.take()
  return { store, sessions, app, browser }
}

const dataOf = async (store: WatchedStore): Promise<unknown> => JSON.parse((await store.row()).data)

// Hono's default handler reports plain errors on the console.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))
afterEach(() => void vi.restoreAllMocks())

describe('P11: an outage that the handler meets is answered with nothing of what the handler had set', () => {
  it.each([
    ['save()', false, 'update'],
    ['a lazy load', true, 'get'],
  ] as const)('at %s, by the default handler and by one’s own', async (_, lazy, method) => {
    const { store, sessions } = await shop()
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
    for (const own of [false, true]) {
      const app = new Hono<SessionEnv<typeof sessions, { lazy: true }>>()
      app.use(session(sessions, { lazy }) as ReturnType<typeof session<Shop, object, { lazy: true }>>)
      if (own) app.onError((_error, c) => c.text('Back soon', 503))
      app.get('/', async (c) => {
        c.header('X-User', 'u_42')
        c.header('Set-Cookie', 'welcome=u_42')
        c.header('Location', '/account')
        c.header('Cache-Control', 'public, max-age=60')
        const mine = typeof c.var.session === 'function' ? await c.var.session() : (c.var.session as Session<Shop>)
        mine.data.n = 2
        await mine.save()
        return c.text('not reached')
      })
      store.failing.add(method)
      const response = await app.request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
      store.down(false)
      expect(response.status).toBe(503)
      expect(await response.text()).toBe(own ? 'Back soon' : 'Service Unavailable')
      for (const name of ['x-user', 'set-cookie', 'location']) expect(response.headers.get(name)).toBeNull()
      expect(response.headers.get('cache-control') ?? '').not.toContain('public')
    }
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
  })
})

describe('errors under Hono', () => {
  it('P15: a plain Error drops data through the default handler', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions)).get('/', (c) => {
      c.var.session.data.n = 2
      throw new Error('oops')
    })
    expect((await browser.fetch()).status).toBe(500)
    expect(await dataOf(store)).toEqual({ n: 1 })
  })

  it.each([400, 200] as const)('P15: and also when the app’s own onError answers %i', async (status) => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions)).onError((_, c) => c.text('handled', status))
    app.get('/', (c) => {
      c.var.session.data.n = 2
      throw new Error('oops')
    })
    app.get('/leave', (c) => {
      c.var.session.destroy()
      throw new Error('oops')
    })
    expect((await browser.fetch()).status).toBe(status)
    expect(await dataOf(store)).toEqual({ n: 1 })
    expect((await browser.fetch('/leave')).headers.getSetCookie()).toHaveLength(1)
    expect(await store.rows()).toEqual([])
  })

  it('P15: an HTTPException of 4xx commits as usual, whatever onError makes of it below 500', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions)).onError((_, c) => c.text('handled', 422))
    app.get('/', (c) => {
      c.var.session.data.n = 2
      throw new HTTPException(400)
    })
    expect((await browser.fetch()).status).toBe(422)
    expect(await dataOf(store)).toEqual({ n: 2 })
  })

  it('P15: an HTTPException that onError answers with 500 drops data', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions)).onError((_, c) => c.text('handled', 500))
    app.get('/', (c) => {
      c.var.session.data.n = 2
      throw new HTTPException(400)
    })
    await browser.fetch()
    expect(await dataOf(store)).toEqual({ n: 1 })
  })

  it('P14 P15: a StoreUnavailableError of save() drops data and repeats nothing, also when onError answers 400', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions)).onError((_, c) => c.text('handled', 400))
    app.get('/', async (c) => {
      c.var.session.data.n = 2
      store.failing.add('update')
      await c.var.session.save().finally(() => store.failing.clear())
      return c.text('ok')
    })
    expect((await browser.fetch()).status).toBe(400)
    expect(store.take()).toEqual(['get', 'update'])
    expect(await dataOf(store)).toEqual({ n: 1 })
  })

  it('P15: an error thrown by a middleware inside ours, after the handler had answered, drops data too', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions), async (_, next) => {
      await next()
      throw new Error('after')
    })
    app.get('/', (c) => {
      c.var.session.data.n = 2
      return c.text('ok')
    })
    expect((await browser.fetch()).status).toBe(500)
    expect(await dataOf(store)).toEqual({ n: 1 })
  })

  it.each(['a string', { status: 400 }, null, undefined])(
    'P15: a thrown %j is thrown on, after data was dropped and destroy() carried out',
    async (thrown) => {
      const { store, sessions, app, browser } = await shop()
      app.use(session(sessions))
      app.get('/', (c) => {
        c.var.session.data.n = 2
        throw thrown
      })
      app.get('/leave', (c) => {
        c.var.session.destroy()
        throw thrown
      })
      const outcome = (path: string): Promise<unknown> =>
        browser.fetch(path).then(
          () => 'answered',
          (error: unknown) => ({ error }),
        )
      expect(await outcome('/')).toEqual({ error: thrown })
      expect(await dataOf(store)).toEqual({ n: 1 })
      expect(await outcome('/leave')).toEqual({ error: thrown })
      expect(await store.rows()).toEqual([])
    },
  )

  it.each([
    ['a plain Error', () => new Error('oops')],
    ['an HTTPException of 500', () => new HTTPException(500)],
    [
      'an HTTPException of 403 with a response',
      () => new HTTPException(403, { res: new Response('no', { status: 403 }) }),
    ],
    ['an outage', () => new StoreUnavailableError()],
  ])('P15: a token that save() persisted is sent on the response to %s', async (_, fail) => {
    const { sessions, app, browser } = await shop()
    const before = browser.value()
    app.use(session(sessions))
    app.get('/', async (c) => {
      c.var.session.regenerate()
      await c.var.session.save()
      throw fail()
    })
    app.get('/who', (c) => c.text(c.var.session.subject ?? 'nobody'))
    await browser.fetch()
    expect(browser.value()).not.toBe(before)
    expect(await (await browser.fetch('/who')).text()).toBe('u_42')
  })

  it.each(['outer', 'inner'] as const)(
    'P15: of two managers, when the %s one’s store fails at commit, the token the other persisted is still sent',
    async (broken) => {
      const [outerStore, innerStore] = [new WatchedStore(), new WatchedStore()]
      const outer = new SessionManager<Shop>({ store: outerStore, cookie: { name: '__Host-outer' } })
      const inner = new SessionManager<Shop>({ store: innerStore, cookie: { name: '__Host-inner' } })
      const app = new Hono<SessionEnv<typeof outer, { as: 'outer' }> & SessionEnv<typeof inner, { as: 'inner' }>>()
      app.use(session(outer, { as: 'outer' }))
      app.use(session(inner, { as: 'inner' }))
      app.get('/', async (c) => {
        c.var.outer.subject = c.var.inner.subject = 'u_42'
        await (broken === 'outer' ? c.var.inner : c.var.outer).save()
        return c.text('ok')
      })
      ;(broken === 'outer' ? outerStore : innerStore).failing.add('create')
      const response = await app.request('https://shop.example/')
      expect(response.status).toBe(503)
      const kept = broken === 'outer' ? '__Host-inner' : '__Host-outer'
      expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(`^${kept}=`)])
    },
  )
})

describe('a store outage under Hono', () => {
  it('P11: at load the default handler answers 503 with Retry-After, and the handler does not run', async () => {
    const { store, sessions, app, browser } = await shop()
    const handler = vi.fn<() => Response>(() => new Response('ok'))
    app.use(session(sessions)).get('/', handler)
    store.down(true)
    const response = await browser.fetch()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(response.headers.getSetCookie()).toEqual([])
    expect(handler).not.toHaveBeenCalled()
  })

  it('P11: with nothing but the middleware mounted, too', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(session(sessions))
    store.down(true)
    const response = await browser.fetch('/missing')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
  })

  it.each(['load', 'commit'] as const)('P11: at %s the app’s own onError takes over', async (when) => {
    const { store, sessions, app, browser } = await shop()
    const seen: unknown[] = []
    app.use(session(sessions)).onError((error, c) => {
      seen.push(error)
      return c.html('<h1>Back in a minute</h1>', 503, { 'Retry-After': '60' })
    })
    app.get('/', (c) => {
      c.var.session.data.n = 2
      c.header('X-Total', '42')
      c.header('Set-Cookie', 'other=1')
      return c.redirect('/done', 303)
    })
    store.failing.add(when === 'load' ? 'get' : 'update')
    const response = await browser.fetch()
    expect(seen).toEqual([expect.any(StoreUnavailableError)])
    expect([response.status, await response.text()]).toEqual([503, '<h1>Back in a minute</h1>'])
    expect(response.headers.get('retry-after')).toBe('60')
    for (const name of ['location', 'set-cookie', 'x-total']) expect(response.headers.get(name)).toBeNull()
  })

  it.each([
    ['c.header(), before answering', (c: any) => (c.header('X-Total', '42'), c.text('ok'))],
    ['the response', () => new Response('ok', { headers: { 'X-Total': '42', ETag: '"a"' } })],
    ['c.res', (c: any) => (c.res.headers.set('X-Total', '42'), c.body('ok'))],
    ['c.redirect()', (c: any) => (c.header('X-Total', '42'), c.redirect('/done'))],
    ['c.status()', (c: any) => (c.status(201), c.header('X-Total', '42'), c.json({ ok: 1 }))],
  ] as [string, (c: any) => Response][])(
    'P11: at commit nothing that the handler had set by %s remains',
    async (_, respond) => {
      const { store, sessions, app, browser } = await shop()
      app.use(session(sessions)).get('/', (c) => {
        c.var.session.data.n = 2
        return respond(c)
      })
      store.failing.add('update')
      const response = await browser.fetch()
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
      for (const name of ['location', 'set-cookie', 'x-total', 'etag']) expect(response.headers.get(name)).toBeNull()
      expect(await response.text()).toBe('Service Unavailable')
    },
  )

  it.each(['load', 'commit'] as const)(
    'P11: at %s CORS headers survive, or no page could read the 503',
    async (when) => {
      for (const place of ['outside', 'inside'] as const) {
        const { store, sessions, app, browser } = await shop()
        const allow = cors({ origin: 'https://app.example', credentials: true })
        if (place === 'outside') app.use(allow, session(sessions))
        else app.use(session(sessions), allow)
        app.get('/', (c) => {
          c.var.session.data.n = 2
          return c.text('ok')
        })
        store.failing.add(when === 'load' ? 'get' : 'update')
        const response = await browser.fetch('/', { headers: { Origin: 'https://app.example' } })
        expect(response.status).toBe(503)
        if (when === 'load' && place === 'inside') continue
        expect(response.headers.get('access-control-allow-origin'), place).toBe('https://app.example')
        expect(response.headers.get('access-control-allow-credentials'), place).toBe('true')
        expect(response.headers.get('vary'), place).toContain('Origin')
      }
    },
  )

  it('P11: middleware outside ours still finishes the 503', async () => {
    const { store, sessions, app, browser } = await shop()
    app.use(async (c, next) => {
      await next()
      c.header('X-Request-Id', 'r_1')
      c.header('Set-Cookie', 'outer=1', { append: true })
    })
    app.use(session(sessions)).get('/', (c) => {
      c.var.session.data.n = 2
      return c.text('ok')
    })
    store.failing.add('update')
    const response = await browser.fetch()
    expect([response.status, response.headers.get('x-request-id')]).toEqual([503, 'r_1'])
    expect(response.headers.getSetCookie()).toEqual(['outer=1'])
  })
})
