/** The cookie's attributes, what caches are told, and which credential of a request counts. */
import { describe, expect, it } from 'vitest'
import { adapters, DAY, flow, HOUR, type AnySession } from '../support/flow.ts'
import { SessionManager } from 'latchkey'
import { Hono } from 'hono'
import { session as honoSession } from 'latchkey/hono'
import { withSession } from 'latchkey/fetch'
import { Browser } from '../support/browser.ts'

describe.each(adapters)('cookies and caches through $name', (adapter) => {
  it('the cookie is __Host-, HttpOnly, Secure, Lax and runs to the hard end', async () => {
    const shop = flow(adapter)
    const response = await shop.visit((session) => session.set('a', 1))
    const [pair, ...attributes] = (response.headers.getSetCookie()[0] as string).split('; ')
    expect(pair).toMatch(/^__Host-session=[\w-]{22}\.[\w-]{43}$/)
    expect(attributes.toSorted()).toEqual(['HttpOnly', `Max-Age=${30 * 86_400}`, 'Path=/', 'SameSite=Lax', 'Secure'])
  })

  it.each(['http://localhost:8787', 'http://shop.localhost', 'http://127.0.0.1:3000', 'http://[::1]:80'])(
    'on %s it is `session`, without Secure',
    async (origin) => {
      const shop = flow(adapter, { origin })
      const response = await shop.visit((session) => session.set('a', 1))
      expect(response.headers.getSetCookie()[0]).toMatch(/^session=/)
      expect(response.headers.getSetCookie()[0]).not.toMatch(/secure/i)
      expect(await shop.see((session) => session.data)).toEqual({ a: 1 })
    },
  )

  it.each([
    [{}, ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']],
    [
      { domain: 'shop.example', partitioned: true, sameSite: 'none' },
      ['Domain=shop.example', 'HttpOnly', 'Partitioned', 'Path=/', 'SameSite=None', 'Secure'],
    ],
    [{ name: 'sid', path: '/app', httpOnly: false, sameSite: 'strict' }, ['Path=/app', 'SameSite=Strict', 'Secure']],
  ] as const)(
    'F14: clearing repeats Path, Domain, Secure, HttpOnly and Partitioned: %j',
    async (cookie, attributes) => {
      const shop = flow(adapter, { cookie })
      const set = await shop.visit((session) => session.set('a', 1), { path: '/app/' })
      const cleared = await shop.visit((session) => session.destroy(), { path: '/app/' })
      const parts = (response: Response): string[] => {
        expect(response.headers.getSetCookie()).toHaveLength(1)
        const [, ...rest] = (response.headers.getSetCookie()[0] as string).split('; ')
        return rest.filter((part) => !part.startsWith('Max-Age')).toSorted()
      }
      expect(parts(set)).toEqual(attributes)
      expect(parts(cleared)).toEqual(attributes)
      expect(cleared.headers.getSetCookie()[0]).toContain('Max-Age=0')
      expect(shop.cookies).toEqual([])
    },
  )

  it('F14 P12: destroy() clears nothing that was not sent, and whatever was', async () => {
    const shop = flow(adapter)
    const without = await shop.visit((session) => session.destroy())
    expect(without.headers.getSetCookie()).toEqual([])
    shop.plant('garbage')
    const garbage = await shop.visit((session) => session.destroy())
    expect(garbage.headers.getSetCookie()).toHaveLength(1)
    expect(shop.cookies).toEqual([])
  })

  it('a cookie planted over http, or under the name of the other scheme, is not seen', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('a', 1))
    const attacker = shop.copy()
    attacker.cookies = []
    attacker.plant(shop.value() as string, 'session')
    attacker.plant(shop.value() as string, '__host-session')
    expect(await shop.see((session) => session.data, attacker)).toEqual({})
  })

  const accesses: [string, (session: AnySession) => unknown][] = [
    ['data', (session) => session.data],
    ["'key' in data", (session) => 'a' in session.data],
    ['Object.keys(data)', (session) => Object.keys(session.data)],
    ['get()', (session) => session.get('a')],
    ['has()', (session) => session.has('a')],
    ['id', (session) => session.id],
    ['token', (session) => session.token],
    ['subject', (session) => session.subject],
    ['authenticatedAt', (session) => session.authenticatedAt],
    ['isNew', (session) => session.isNew],
    ['createdAt', (session) => session.createdAt],
    ['lastSeenAt', (session) => session.lastSeenAt],
    ['expiresAt', (session) => session.expiresAt],
    ['transport', (session) => session.transport],
    ['info', (session) => session.info],
    ['lifetime', (session) => session.lifetime],
    ['flash()', (session) => session.flash('notice')],
    ['verifyCsrf()', (session) => session.verifyCsrf('x')],
    ['csrfToken()', (session) => session.csrfToken()],
    ['reload()', (session) => session.reload()],
    ['touch()', (session) => session.touch()],
    ['destroy()', (session) => session.destroy()],
  ]
  it.each(accesses)('F15: access by %s adds Vary: Cookie and keeps shared caches away', async (_, access) => {
    const shop = flow(adapter)
    const response = await shop.visit(async (session) => void (await access(session)))
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(response.headers.get('cache-control')).toMatch(/^private, no-(cache|store)$/)
  })

  it('F15: access before sessions.regenerate(request) is still access', async () => {
    const shop = flow(adapter)
    const response = await shop.visit(async (session, request) => {
      session.get('theme')
      await shop.sessions.regenerate(request)
    })
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(response.headers.get('cache-control')).toBe('private, no-cache')
  })

  it('F15: a session that was loaded and not looked at changes no header', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.subject = 'u_42'))
    const response = await shop.visit(() => new Response('ok', { headers: { 'Cache-Control': 'public, max-age=60' } }))
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual([null, 'public, max-age=60'])
  })

  it('F15: Vary keeps what was there, and says Cookie once', async () => {
    const shop = flow(adapter)
    const read = (vary: string): Promise<Response> =>
      shop.visit((session) => session.isNew && new Response('ok', { headers: { Vary: vary } }))
    expect((await read('Accept-Encoding')).headers.get('vary')).toBe('Accept-Encoding, Cookie')
    expect((await read('Origin, cookie')).headers.get('vary')).toBe('Origin, cookie')
    expect((await read('*')).headers.get('vary')).toBe('*')
  })

  it('F15: a response that sets the cookie is private, no-store, whatever it said, and leaves every CDN', async () => {
    const shop = flow(adapter)
    const headers = {
      'Cache-Control': 'public, max-age=31536000, immutable',
      'CDN-Cache-Control': 'max-age=60',
      'Cloudflare-CDN-Cache-Control': 'max-age=60',
      'Surrogate-Control': 'max-age=60',
      Expires: 'Wed, 01 Jan 2031 00:00:00 GMT',
    }
    const set = await shop.visit((session) => session.set('a', 1) && new Response('ok', { headers }))
    const cleared = await shop.visit((session) => session.destroy() ?? new Response('ok', { headers }))
    for (const response of [set, cleared]) {
      expect(response.headers.getSetCookie()).toHaveLength(1)
      expect(response.headers.get('cache-control')).toBe('private, no-store')
      for (const name of Object.keys(headers).slice(1)) expect(response.headers.get(name)).toBeNull()
    }
  })

  it('F15: one that only read: no-store with a subject, no-cache without, its own word first, or none at all', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('a', 1))
    const caching = async (init?: ResponseInit): Promise<string | null> =>
      (await shop.visit((session) => session.data && new Response('ok', init))).headers.get('cache-control')
    expect(await caching()).toBe('private, no-cache')
    await shop.visit((session) => (session.subject = 'u_42'))
    expect(await caching()).toBe('private, no-store')
    expect(await caching({ headers: { 'Cache-Control': 'private, max-age=5' } })).toBe('private, max-age=5')

    const off = flow(adapter, { cacheControl: false })
    const response = await off.visit((session) => session.set('a', 1))
    expect([response.headers.get('cache-control'), response.headers.get('vary')]).toEqual([null, 'Cookie'])
  })

  it('F22: a token in the Authorization header is ignored unless bearer is asked for', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.subject = 'u_42'))
    const headers = { Authorization: `Bearer ${shop.value()}` }
    const stranger = shop.copy()
    stranger.cookies = []
    await shop.visit((session) => expect(session.isNew).toBe(true), { by: stranger, headers })
    expect(shop.store.take()).toEqual(['create'])
  })

  it('F22: with `bearer` alone a cookie is ignored, and none is ever set', async () => {
    const shop = flow(adapter, { transport: 'bearer' })
    const token = await shop.sessions.createSession({ a: 1 }, { subject: 'u_42' })
    shop.plant(token)
    const response = await shop.visit((session) => {
      expect([session.isNew, session.transport]).toEqual([true, 'bearer'])
      session.data['b'] = 1
    })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(response.headers.get('vary')).toBe('Authorization')
  })

  it('`persistent: false` ends the cookie with the browser; a touch never sends one', async () => {
    const shop = flow(adapter)
    const response = await shop.visit((session) => {
      session.lifetime = { persistent: false }
    })
    expect(response.headers.getSetCookie()[0]).not.toMatch(/max-age|expires/i)
    expect(await shop.see((session) => session.isNew)).toBe(false)
    shop.restart()
    expect(await shop.see((session) => session.isNew)).toBe(true)
  })

  it('Max-Age is bounded by 400 days, and by `cookie.maxAge`', async () => {
    const forever = flow(adapter, { absolute: false })
    const first = await forever.visit((session) => session.set('a', 1))
    expect(first.headers.getSetCookie()[0]).toContain(`Max-Age=${(400 * DAY) / 1000}`)
    const short = flow(adapter, { cookie: { maxAge: '1h' } })
    const second = await short.visit((session) => session.set('a', 1))
    expect(second.headers.getSetCookie()[0]).toContain(`Max-Age=${HOUR / 1000}`)
  })
})

describe('F20: two managers with two cookies on one request', () => {
  const customers = new SessionManager()
  const staff = new SessionManager({ cookie: { name: '__Host-admin' } })
  const app = new Hono()
  app.use(honoSession(customers), honoSession(staff, { as: 'admin' }))
  const routes: Record<string, (customer: AnySession, admin: AnySession) => unknown> = {
    '/login': (customer, admin) => {
      customer.subject = 'u_42'
      admin.subject = 'a_1'
    },
    '/who': (customer, admin) => Response.json([customer.subject ?? null, admin.subject ?? null]),
    '/leave': (_customer, admin) => admin.destroy(),
    '/shop': (customer) => customer.regenerate(),
  }
  const answer = (path: string, customer: AnySession, admin: AnySession): Response =>
    (routes[path]?.(customer, admin) as Response | undefined) ?? new Response('ok')
  app.get('*', (c) =>
    answer(c.req.path, c.get('session' as never) as AnySession, c.get('admin' as never) as AnySession),
  )
  const nested = (request: Request): Promise<Response> =>
    withSession(customers, (same, customer) =>
      withSession(staff, (_, admin) =>
        answer(new URL(request.url).pathname, customer as AnySession, admin as AnySession),
      )(same),
    )(request)

  it.each([
    ['latchkey/hono', async (request: Request) => app.fetch(request)],
    ['latchkey/fetch', nested],
  ])('are independent through %s', async (_, send) => {
    const browser = new Browser(send)
    const login = await browser.fetch('/login')
    expect(login.headers.getSetCookie()).toHaveLength(2)
    expect(await (await browser.fetch('/who')).json()).toEqual(['u_42', 'a_1'])
    expect((await browser.fetch('/leave')).headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-admin=;/)])
    expect((await browser.fetch('/shop')).headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-session=/)])
    expect(await (await browser.fetch('/who')).json()).toEqual(['u_42', null])
  })
})
