/** The cookie and its surroundings: clearing, caches, two of them, and other ways to carry a token (F14, F15, F20, F22). */
import type { CookieOptions } from 'latchkey'
import { Browser } from '../../support/browser.ts'
import { check, same } from './assert.ts'
import type { AnySession } from './adapters.ts'
import type { FlowCase } from './case.ts'
import { setting } from './site.ts'

const SHAPES: readonly [CookieOptions, string, string[]][] = [
  [{}, '__Host-session', ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']],
  [
    { domain: 'shop.example', partitioned: true, sameSite: 'none' },
    '__Secure-session',
    ['Domain=shop.example', 'HttpOnly', 'Partitioned', 'Path=/', 'SameSite=None', 'Secure'],
  ],
  [
    { name: 'sid', path: '/app', httpOnly: false, sameSite: 'strict' },
    'sid',
    ['Path=/app', 'SameSite=Strict', 'Secure'],
  ],
]

const ACCESSES: Record<string, (session: AnySession) => unknown> = {
  data: (session) => session.data,
  "'key' in data": (session) => 'key' in session.data,
  'Object.keys(data)': (session) => Object.keys(session.data),
  'get()': (session) => session.get('key'),
  'has()': (session) => session.has('key'),
  id: (session) => session.id,
  token: (session) => session.token,
  subject: (session) => session.subject,
  isNew: (session) => session.isNew,
  createdAt: (session) => session.createdAt,
  expiresAt: (session) => session.expiresAt,
  transport: (session) => session.transport,
  info: (session) => session.info,
  lifetime: (session) => session.lifetime,
  'flash()': (session) => session.flash('notice'),
  'verifyCsrf()': (session) => session.verifyCsrf('x'),
  'touch()': (session) => session.touch(),
}

export const cookieFlows: readonly FlowCase[] = [
  {
    title: 'F14 clearing the cookie repeats Path, Domain, Secure, HttpOnly and Partitioned',
    async run(open) {
      for (const [cookie, name, attributes] of SHAPES) {
        const site = await open({ cookie })
        const [set, cleared] = [
          await site.visit((session) => session.set('n', 1), { path: '/app/' }),
          await site.visit((session) => session.destroy(), { path: '/app/' }),
        ].map((response) => {
          const lines = setting(response, name)
          same(lines.length, 1, `the Set-Cookie lines of ${name}`)
          return String(lines[0]).split('; ').slice(1)
        })
        const others = (parts: string[] = []): string[] =>
          parts.filter((part) => !part.startsWith('Max-Age')).toSorted()
        same(others(set), attributes, 'the attributes it is set with')
        same(others(cleared), attributes, 'the attributes it is cleared with')
        check(cleared?.includes('Max-Age=0'), 'It is not cleared.')
        same(site.browser.cookies, [], 'what is left in the browser')
      }
    },
  },
  {
    title: 'F14 destroy() clears no cookie that was not sent',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => session.destroy())
      same(response.headers.getSetCookie(), [], 'Set-Cookie')
    },
  },
  {
    title: 'F15 access by any member adds Vary: Cookie and keeps shared caches away',
    async run(open) {
      for (const [name, access] of Object.entries(ACCESSES)) {
        const site = await open()
        const response = await site.visit(async (session) => void (await access(session)))
        same(response.headers.get('vary'), 'Cookie', `Vary after ${name}`)
        same(response.headers.get('cache-control'), 'private, no-cache', `Cache-Control after ${name}`)
      }
    },
  },
  {
    title: 'F15 a response that sets or clears the cookie is private, no-store, whatever it said, and leaves every CDN',
    async run(open) {
      const site = await open()
      const cdn = { 'CDN-Cache-Control': 'max-age=60', 'Surrogate-Control': 'max-age=60', Expires: 'Wed, 01 Jan 2098' }
      const headers = { 'Cache-Control': 'public, max-age=31536000, immutable', ...cdn }
      const set = await site.visit((session) => session.set('n', 1) && new Response('ok', { headers }))
      const cleared = await site.visit((session) => session.destroy() ?? new Response('ok', { headers }))
      for (const response of [set, cleared]) {
        same(setting(response).length, 1, 'Set-Cookie lines')
        same(response.headers.get('cache-control'), 'private, no-store', 'Cache-Control')
        for (const name of Object.keys(cdn)) same(response.headers.get(name), null, name)
      }
    },
  },
  {
    title: 'F15 a session that was loaded and not looked at changes no header',
    async run(open) {
      const site = await open()
      await site.visit((session) => (session.subject = 'u_42'))
      const page = (): Response => new Response('ok', { headers: { 'Cache-Control': 'public, max-age=60' } })
      const response = await site.visit(page)
      const found = ['vary', 'cache-control', 'set-cookie'].map((name) => response.headers.get(name))
      same(found, [null, 'public, max-age=60', null], 'Vary, Cache-Control and Set-Cookie')
    },
  },
  {
    title: 'F20 two managers with two cookies on one request are independent',
    async run(open) {
      const [shop, staff] = [await open(), await open({ cookie: { name: '__Host-admin' } })]
      const routes: Record<string, (customer: AnySession, admin: AnySession) => unknown> = {
        '/login': (customer, admin) => void ([customer.subject, admin.subject] = ['u_42', 'a_1']),
        '/who': (customer, admin) => Response.json([customer.subject ?? null, admin.subject ?? null]),
        '/leave': (_customer, admin) => admin.destroy(),
        '/rotate': (customer) => customer.regenerate(),
      }
      const serve = shop.place.adapter.serve([shop.sessions, staff.sessions], ([customer, admin], { url }) =>
        routes[new URL(url).pathname]?.(customer as AnySession, admin as AnySession),
      )
      const browser = new Browser(serve, { now: shop.now })
      const lines = async (path: string): Promise<number[]> => {
        const response = await browser.fetch(path)
        return [setting(response).length, setting(response, '__Host-admin').length]
      }
      same(await lines('/login'), [1, 1], 'the cookies of the login')
      same(await (await browser.fetch('/who')).json(), ['u_42', 'a_1'], 'the subjects')
      same(await lines('/leave'), [0, 1], 'the cookies when one left')
      same(await lines('/rotate'), [1, 0], 'the cookies when the other rotated')
      same(await (await browser.fetch('/who')).json(), ['u_42', null], 'the subjects afterwards')
    },
  },
  {
    title: 'F22 a token in the Authorization header is ignored unless bearer is asked for',
    async run(open) {
      const site = await open()
      await site.visit((session) => (session.subject = 'u_42'))
      const headers = { Authorization: `Bearer ${site.browser.value()}` }
      const seen = await site.see(({ isNew, subject }) => [isNew, subject], { by: site.stranger(), headers })
      same(seen, [true, undefined], 'the session')
    },
  },
  {
    title: 'F22 with bearer asked for the header counts, a cookie does not, and none is set',
    async run(open) {
      const site = await open({ transport: 'bearer' })
      const token = await site.sessions.createSession({ n: 1 }, { subject: 'u_42' })
      const headers = { Authorization: `Bearer ${token}` }
      same(await site.see(({ subject, data }) => [subject, data], { headers }), ['u_42', { n: 1 }], 'by the header')
      site.browser.plant(token)
      const response = await site.visit((session) => {
        same([session.isNew, session.transport], [true, 'bearer'], 'by the cookie')
        session.set('n', 2)
      })
      same([response.headers.getSetCookie(), response.headers.get('vary')], [[], 'Authorization'], 'Set-Cookie, Vary')
    },
  },
]
