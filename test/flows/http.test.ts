/** The main flow over a real HTTP server, with a cookie jar that knows the RFC: what a person with a browser does. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { SessionManager, type Session, type SessionInfo } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session as honoSession, type SessionEnv } from 'latchkey/hono'
import { CookieJar } from 'tough-cookie'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY, HOUR } from '../support/flow.ts'

type Shop = { visits: number; cart: string[] }
type Notes = { notice: string }
type Manager = SessionManager<Shop, Notes>

/** The shop, without a framework: what each path does. */
async function shop(sessions: Manager, request: Request, session: Session<Shop, Notes>): Promise<Response> {
  const { pathname } = new URL(request.url)
  const form = request.method === 'POST' ? await request.formData() : new FormData()
  const seeOther = (to: string): Response => new Response(null, { status: 303, headers: { Location: to } })
  switch (pathname) {
    case '/':
      session.data.visits++
      return Response.json({ ...session.data, subject: session.subject, notice: session.flash('notice') })
    case '/page':
      return Response.json({ ...session.data, subject: session.subject })
    case '/cart':
      session.data.cart.push(String(form.get('sku')))
      session.flash('notice', `${form.get('sku')} is in your cart`)
      return seeOther('/')
    case '/login':
      session.subject = String(form.get('user'))
      session.info = { device: request.headers.get('user-agent') ?? '' }
      if (form.get('remember')) session.lifetime = { ttl: '60d', absolute: '1y' }
      session.flash('notice', 'Welcome back')
      return seeOther('/')
    case '/devices':
      return Response.json(await sessions.listSessions(session.subject as string, { current: session }))
    case '/devices/end':
      await sessions.removeSessionById(String(form.get('id')), { subject: session.subject as string })
      return seeOther('/devices')
    case '/devices/end-others':
      return Response.json(await sessions.removeSessionsOf(session.subject as string, { except: session }))
    case '/logout':
      session.destroy()
      return seeOther('/')
    case '/proxy':
      session.data.visits++
      return fetch(String(form.get('url')))
    default:
      return new Response('Not Found', { status: 404 })
  }
}

const servers: [string, (sessions: Manager) => (request: Request) => Response | Promise<Response>][] = [
  [
    'latchkey/hono',
    (sessions) => {
      const app = new Hono<SessionEnv<typeof sessions>>()
      app.use(honoSession(sessions))
      app.all('*', (c) => shop(sessions, c.req.raw, c.var.session))
      return app.fetch
    },
  ],
  ['latchkey/fetch', (sessions) => withSession(sessions, (request, session) => shop(sessions, request, session))],
]

/** A person at a browser: follows redirects, keeps cookies. */
class Visitor {
  jar = new CookieJar()
  readonly #url: string
  readonly #name: string
  constructor(url: string, name: string) {
    this.#url = url
    this.#name = name
  }

  async send(path: string, form?: Record<string, string>, fixed?: string): Promise<Response> {
    const url = new URL(path, this.#url).href
    const cookie = fixed ?? (await this.jar.getCookieString(url))
    const init: RequestInit = { redirect: 'manual', headers: { 'User-Agent': this.#name, ...(cookie && { cookie }) } }
    if (form) Object.assign(init, { method: 'POST', body: new URLSearchParams(form) })
    const response = await fetch(url, init)
    for (const line of response.headers.getSetCookie()) await this.jar.setCookie(line, url)
    return response
  }

  async open<T = Record<string, unknown>>(path: string, form?: Record<string, string>): Promise<T> {
    const response = await this.send(path, form)
    const location = response.headers.get('location')
    return location ? this.open<T>(location) : ((await response.json()) as T)
  }

  cookie(): Promise<string> {
    return this.jar.getCookieString(this.#url)
  }
}

describe.each(servers)('over real HTTP, with %s', (_, serve) => {
  let server: Server
  let url: string
  let clock: { now: number }
  let sessions: Manager

  beforeEach(async () => {
    clock = { now: Date.now() }
    sessions = new SessionManager<Shop, Notes>({ initial: () => ({ visits: 0, cart: [] }), now: () => clock.now })
    server = createAdaptorServer({ fetch: serve(sessions) }) as Server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  it('F01 F24: whoever looks around without writing, or with a stranger’s cookie, gets none', async () => {
    const visitor = new Visitor(url, 'phone')
    for (const cookie of ['', 'session=garbage', 'session=; session=x', 'other=1; session="a.b"']) {
      const response = await visitor.send('/page', undefined, cookie)
      expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
      expect(response.headers.get('vary')).toBe('Cookie')
    }
  })

  it('visits, cart and flash: counted, kept, and shown once', async () => {
    const visitor = new Visitor(url, 'phone')
    expect(await visitor.open('/')).toEqual({ visits: 1, cart: [] })
    expect(await visitor.open('/')).toEqual({ visits: 2, cart: [] })
    expect(await visitor.open('/cart', { sku: 'mug' })).toEqual({
      visits: 3,
      cart: ['mug'],
      notice: 'mug is in your cart',
    })
    expect(await visitor.open('/')).toEqual({ visits: 4, cart: ['mug'] })
    const [cookie] = await visitor.jar.getCookies(url)
    expect(cookie).toMatchObject({ key: 'session', httpOnly: true, secure: false, sameSite: 'lax', path: '/' })
  })

  it('F03 P8: signing in keeps the cart, changes the token, and leaves the old one dead', async () => {
    const visitor = new Visitor(url, 'phone')
    await visitor.open('/cart', { sku: 'mug' })
    const before = await visitor.cookie()
    const welcome = await visitor.open('/login', { user: 'u_42' })
    expect(welcome).toMatchObject({ subject: 'u_42', cart: ['mug'], notice: 'Welcome back' })
    expect(await visitor.cookie()).not.toBe(before)
    const replayed = await new Visitor(url, 'thief').send('/page', undefined, before)
    expect(await replayed.json()).toEqual({ visits: 0, cart: [] })
    expect(replayed.headers.getSetCookie()).toEqual([])
  })

  it('remember me: a year in the cookie; without it the ordinary month', async () => {
    const days = async (form: Record<string, string>): Promise<number> => {
      const visitor = new Visitor(url, 'phone')
      await visitor.open('/login', form)
      const [cookie] = await visitor.jar.getCookies(url)
      return Math.round(Number(cookie?.maxAge) / 86_400)
    }
    expect(await days({ user: 'u_42' })).toBe(30)
    expect(await days({ user: 'u_42', remember: 'on' })).toBe(365)
  })

  it('remember me: 59 days away and still signed in; without it, one day and signed out', async () => {
    const [remembered, ordinary] = [new Visitor(url, 'phone'), new Visitor(url, 'laptop')]
    await remembered.open('/login', { user: 'u_42', remember: 'on' })
    await ordinary.open('/login', { user: 'u_42' })
    clock.now += DAY - HOUR
    expect(await ordinary.open('/page')).toMatchObject({ subject: 'u_42' })
    clock.now += 58 * DAY
    expect(await remembered.open('/page')).toMatchObject({ subject: 'u_42' })
    expect(await ordinary.open('/page')).not.toHaveProperty('subject')
  })

  it('I01: devices are listed, ended one by one, or all but this one; none of it shows a token', async () => {
    const devices = ['phone', 'laptop', 'tablet', 'tv'].map((name) => new Visitor(url, name)) as [Visitor, ...Visitor[]]
    for (const device of devices) await device.open('/login', { user: 'u_42' })
    await new Visitor(url, 'stranger').open('/login', { user: 'u_1' })
    const [phone] = devices
    const list = await phone.open<SessionInfo[]>('/devices')
    expect(list.map(({ info }) => info['device']).toSorted()).toEqual(['laptop', 'phone', 'tablet', 'tv'])
    expect(list.filter(({ current }) => current).map(({ info }) => info['device'])).toEqual(['phone'])
    for (const device of devices) {
      const [, secret = '?'] = (await device.cookie()).split('.')
      expect(JSON.stringify(list)).not.toContain(secret)
    }

    const laptop = list.find(({ info }) => info['device'] === 'laptop') as SessionInfo
    expect(await phone.open<SessionInfo[]>('/devices/end', { id: laptop.id })).toHaveLength(3)
    expect(await devices[1]?.open('/page')).not.toHaveProperty('subject')
    expect(await phone.open<number>('/devices/end-others', {})).toBe(2)
    expect(await phone.open<SessionInfo[]>('/devices')).toHaveLength(1)
    for (const device of devices.slice(1)) expect(await device.open('/page')).not.toHaveProperty('subject')
    expect(await sessions.listSessions('u_1')).toHaveLength(1)
  })

  it('I01: nobody can end a session that is not theirs', async () => {
    const [mine, theirs] = [new Visitor(url, 'phone'), new Visitor(url, 'laptop')]
    await mine.open('/login', { user: 'u_42' })
    await theirs.open('/login', { user: 'u_1' })
    const [target] = await sessions.listSessions('u_1')
    await mine.open('/devices/end', { id: String(target?.id) })
    expect(await theirs.open('/page')).toMatchObject({ subject: 'u_1' })
  })

  it('F19 P6: after logout every cookie the visitor ever held is dead, and nothing brings it back', async () => {
    const visitor = new Visitor(url, 'phone')
    await visitor.open('/')
    const dead = [await visitor.cookie()]
    await visitor.open('/login', { user: 'u_42' })
    dead.push(await visitor.cookie())
    const response = await visitor.send('/logout', {})
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^session=;.*Max-Age=0/)])
    expect(await visitor.cookie()).toBe('')
    for (const cookie of dead) {
      for (const path of ['/page', '/']) {
        const replayed = await new Visitor(url, 'thief').send(path, undefined, cookie)
        const body = (await replayed.json()) as Shop
        expect(body).not.toHaveProperty('subject')
        expect(body.cart).toEqual([])
      }
    }
  })

  it('P4: two tabs at once lose nothing', async () => {
    const visitor = new Visitor(url, 'phone')
    await visitor.open('/')
    await Promise.all([visitor.open('/'), visitor.open('/cart', { sku: 'mug' })])
    expect(await visitor.open('/page')).toMatchObject({ cart: ['mug'] })
  })

  it('F09 P16: a proxied response carries the cookie through the real server', async () => {
    const upstream = createServer((_request, response) => response.setHeader('X-Upstream', 'yes').end('from upstream'))
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`
    const visitor = new Visitor(url, 'phone')
    const response = await visitor.send('/proxy', { url: target })
    expect([await response.text(), response.headers.get('x-upstream')]).toEqual(['from upstream', 'yes'])
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await visitor.open('/page')).toMatchObject({ visits: 1 })
    upstream.closeAllConnections()
    await new Promise((resolve) => upstream.close(resolve))
  })

  it('P16: HEAD gets the headers of GET, and a 404 gets no cookie', async () => {
    const visitor = new Visitor(url, 'phone')
    const head = await fetch(`${url}/`, { method: 'HEAD' })
    expect(head.headers.getSetCookie()).toHaveLength(1)
    const missing = await visitor.send('/nowhere')
    expect([missing.status, missing.headers.getSetCookie()]).toEqual([404, []])
  })
})
