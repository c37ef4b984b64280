/** Beside Hono's own middleware, helpers and response habits. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { secureHeaders } from 'hono/secure-headers'
import { stream, streamSSE, streamText } from 'hono/streaming'
import { SessionManager, SessionStateError } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { gate } from '../support/flow.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n?: number; big?: string }

function shop() {
  const store = new WatchedStore()
  const sessions = new SessionManager<Shop>({ store })
  const app = new Hono<SessionEnv<typeof sessions>>()
  const browser = new Browser(async (request) => app.fetch(request))
  return { store, sessions, app, browser }
}

const ours = (response: Response): string[] =>
  response.headers.getSetCookie().filter((line) => line.startsWith('__Host-session='))

/** A body without Content-Length, which bodyLimit has to read and put into a new request. */
const chunked = (): RequestInit =>
  ({ method: 'POST', body: new Blob(['a body']).stream(), duplex: 'half' }) as RequestInit

describe('beside Hono’s own middleware', () => {
  it('bodyLimit replaces c.req.raw: the session is still loaded and committed once', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions), bodyLimit({ maxSize: 100 }))
    app.post('/', async (c) => {
      c.var.session.data.big = await c.req.text()
      return c.text('ok')
    })
    const response = await browser.fetch('/', chunked())
    expect([response.status, ours(response).length]).toEqual([200, 1])
    expect(store.take()).toEqual(['create'])
    expect(JSON.parse((await store.row()).data)).toEqual({ big: 'a body' })
  })

  it('bodyLimit between two mounts of one manager: still one session', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions), bodyLimit({ maxSize: 100 }), session(sessions))
    app.post('/', (c) => {
      c.var.session.data.n = 1
      return c.text('ok')
    })
    expect(ours(await browser.fetch('/', chunked()))).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
  })

  it('sessions.regenerate(c.req.raw) after bodyLimit acts on the session that is committed', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions), bodyLimit({ maxSize: 100 }))
    app.post('/', async (c) => {
      const next = await sessions.regenerate(c.req.raw)
      next.data.n = 2
      return c.text('ok')
    })
    browser.plant(await sessions.createSession({ n: 1 }))
    const before = await store.row()
    const response = await browser.fetch('/', chunked())
    expect(ours(response)).toHaveLength(1)
    const { id, data } = await store.row()
    expect([id === before.id, JSON.parse(data)]).toEqual([false, { n: 2 }])
  })

  it('a refused body (413) commits what was written before', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(session(sessions), async (c, next) => {
      c.var.session.data.n = 1
      await next()
    })
    app.use(bodyLimit({ maxSize: 2 }))
    app.post('/', (c) => c.text('ok'))
    const response = await browser.fetch('/', chunked())
    expect([response.status, ours(response).length]).toEqual([413, 1])
    expect(await store.rows()).toHaveLength(1)
  })

  it.each(['outside', 'inside'] as const)('compress %s ours: body and cookie arrive', async (place) => {
    const { sessions, app, browser } = shop()
    if (place === 'outside') app.use(compress(), session(sessions))
    else app.use(session(sessions), compress())
    const text = 'x'.repeat(5000)
    app.get('/', (c) => {
      c.var.session.data.n = 1
      return c.text(text)
    })
    const response = await browser.fetch('/', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(ours(response)).toHaveLength(1)
    const body = response.body?.pipeThrough(new DecompressionStream('gzip'))
    expect(await new Response(body).text()).toBe(text)
    expect(response.headers.get('vary')).toContain('Cookie')
  })

  it.each(['outside', 'inside'] as const)(
    'etag %s ours: the cookie arrives, and so does a later 304',
    async (place) => {
      const { sessions, app, browser } = shop()
      if (place === 'outside') app.use(etag(), session(sessions))
      else app.use(session(sessions), etag())
      app.get('/', (c) => {
        c.var.session.data.n = 1
        return c.text('page')
      })
      const first = await browser.fetch()
      expect(ours(first)).toHaveLength(1)
      const again = await browser.fetch('/', { headers: { 'If-None-Match': first.headers.get('etag') as string } })
      expect(again.status).toBe(304)
      expect(again.headers.get('vary')).toBe('Cookie')
    },
  )

  it('etag inside ours: a 304 carries a new cookie too', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions), etag())
    app.get('/', (c) => {
      c.var.session.data.n = 1
      return c.text('page')
    })
    const tag = (await browser.fetch()).headers.get('etag') as string
    browser.cookies = []
    const response = await browser.fetch('/', { headers: { 'If-None-Match': tag } })
    expect([response.status, ours(response).length]).toEqual([304, 1])
  })

  it.each(['outside', 'inside'] as const)('cors and secureHeaders %s ours keep their headers', async (place) => {
    const { sessions, app, browser } = shop()
    const others = [cors({ origin: 'https://app.example', credentials: true }), secureHeaders()] as const
    if (place === 'outside') app.use(...others, session(sessions))
    else app.use(session(sessions), ...others)
    app.get('/', (c) => {
      c.var.session.data.n = 1
      return c.text('ok')
    })
    const response = await browser.fetch('/', { headers: { Origin: 'https://app.example' } })
    expect(ours(response)).toHaveLength(1)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(response.headers.get('vary')?.split(', ').toSorted()).toEqual(['Cookie', 'Origin'])
  })

  it('a CORS preflight that cors answers never reaches the session', async () => {
    const { store, sessions, app, browser } = shop()
    app.use(cors(), session(sessions)).post('/', (c) => c.text('ok'))
    browser.plant(await sessions.createSession({}))
    store.take()
    const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' }
    expect((await browser.fetch('/', { method: 'OPTIONS', headers })).status).toBe(204)
    expect(store.take()).toEqual([])
  })
})

describe('F13: cookies of the app’s own', () => {
  it('set before, inside and after ours, all arrive once', async () => {
    const { sessions, app, browser } = shop()
    app.use(async (c, next) => {
      c.header('Set-Cookie', 'before=1', { append: true })
      await next()
      c.header('Set-Cookie', 'after=1', { append: true })
      setCookie(c, 'helper', '1')
    })
    app.use(session(sessions), async (c, next) => {
      await next()
      c.header('Set-Cookie', 'inner=1', { append: true })
    })
    app.get('/', (c) => {
      c.header('Set-Cookie', 'handler=1', { append: true })
      c.var.session.data.n = 1
      return c.redirect('/next')
    })
    const response = await browser.fetch()
    const names = response.headers.getSetCookie().map((line) => line.split('=')[0])
    expect(names.toSorted()).toEqual(['__Host-session', 'after', 'before', 'handler', 'helper', 'inner'])
  })

  it('a cookie under our name that the app set itself gives way to ours', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions)).get('/', (c) => {
      c.header('Set-Cookie', '__Host-session=planted; Path=/; Secure', { append: true })
      c.var.session.data.n = 1
      return c.text('ok')
    })
    const response = await browser.fetch()
    expect(ours(response)).toHaveLength(1)
    expect(browser.value()).not.toBe('planted')
  })
})

describe('F11: Hono’s streams', () => {
  it.each([
    ['stream', stream],
    ['streamText', streamText],
    ['streamSSE', streamSSE],
  ] as [string, typeof stream][])(
    '%s: the cookie leaves before the body; a late write is a SessionStateError',
    async (_, helper) => {
      const { store, sessions, app, browser } = shop()
      const [late, caught] = [gate(), gate<unknown>()]
      app.use(session(sessions)).get('/', (c) => {
        c.var.session.data.n = 1
        return helper(c, async (out) => {
          await late.promise
          try {
            c.var.session.data.n = 2
          } catch (error) {
            caught.open(error)
          }
          await out.write('first byte')
        })
      })
      const response = await browser.fetch()
      expect(ours(response)).toHaveLength(1)
      late.open()
      expect(await response.text()).toContain('first byte')
      expect(await caught.promise).toBeInstanceOf(SessionStateError)
      expect(JSON.parse((await store.row()).data)).toEqual({ n: 1 })
    },
  )

  it('save() before streaming makes the token readable in the stream', async () => {
    const { sessions, app, browser } = shop()
    app.use(session(sessions)).get('/', async (c) => {
      c.var.session.data.n = 1
      await c.var.session.save()
      const { token } = c.var.session
      return streamText(c, async (out) => void (await out.write(String(token))))
    })
    const response = await browser.fetch()
    expect(await response.text()).toBe(browser.value())
    expect(ours(response)).toHaveLength(1)
  })
})
