/** One session reached in two ways: from the adapter and from the manager, before and after it was begun anew. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'

type Data = { x?: number }

function shop() {
  const store = new MemoryStore()
  const sessions = new SessionManager<Data>({ store })
  return { store, sessions }
}

const request = (token?: string): Request =>
  new Request('https://shop.example/', token === undefined ? {} : { headers: { cookie: `__Host-session=${token}` } })

const tokenOf = (response: Response): string =>
  /^__Host-session=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? ''

describe('lazy: a session that the handler had from the manager is committed too', () => {
  type Work = (sessions: SessionManager<Data>, request: Request) => Promise<unknown>
  const adapters: [string, (sessions: SessionManager<Data>, work: Work) => (request: Request) => Promise<Response>][] =
    [
      [
        'withSession',
        (sessions, work) =>
          withSession(sessions, async (one) => (await work(sessions, one), new Response('ok')), { lazy: true }),
      ],
      [
        'Hono',
        (sessions, work) => {
          const app = new Hono<SessionEnv<typeof sessions, { lazy: true }>>()
          app.use(session(sessions, { lazy: true }))
          app.get('/', async (c) => (await work(sessions, c.req.raw), c.text('ok')))
          return async (one) => app.fetch(one)
        },
      ],
    ]

  it.each(adapters)('%s: a sign-in through regenerate(request)', async (_, make) => {
    const { sessions } = shop()
    const old = await sessions.createSession({ x: 1 })
    const fetch = make(sessions, async (all, one) => ((await all.regenerate(one)).subject = 'u_1'))
    const response = await fetch(request(old))
    expect(await sessions.findSession(old)).toBeUndefined()
    expect(await sessions.findSession(tokenOf(response))).toMatchObject({ subject: 'u_1', data: {} })
  })

  it.each(adapters)('%s: a change through load(request)', async (_, make) => {
    const { sessions } = shop()
    const token = await sessions.createSession({ x: 1 })
    await make(sessions, async (all, one) => ((await all.load(one)).data.x = 2))(request(token))
    expect(await sessions.retrieveSession(token)).toEqual({ x: 2 })
  })

  it.each(adapters)('%s: where nobody asked, nothing is read', async (_, make) => {
    const { sessions, store } = shop()
    const token = await sessions.createSession({ x: 1 })
    store.get = () => expect.unreachable()
    expect((await make(sessions, async () => {})(request(token))).headers.get('vary')).toBeNull()
  })
})

describe('regenerate(request), more than once', () => {
  it('the handler’s session is the one that is answered with, however often it is begun anew', async () => {
    const { sessions } = shop()
    const fetch = withSession(sessions, async (one, mine) => {
      const results = [await sessions.regenerate(one), await sessions.regenerate(one)]
      for (const result of [...results, await sessions.load(one)]) expect(result).toBe(mine)
      mine.subject = 'u_1'
      return new Response('ok')
    })
    expect(await sessions.findSession(tokenOf(await fetch(request())))).toMatchObject({ subject: 'u_1' })
  })

  it('at once: both results are it', async () => {
    const { sessions } = shop()
    const fetch = withSession(sessions, async (one, mine) => {
      const [first, second] = await Promise.all([sessions.regenerate(one), sessions.regenerate(one)])
      expect([first, second]).toEqual([mine, mine])
      first.subject = 'u_1'
      return new Response('ok')
    })
    expect(await sessions.findSession(tokenOf(await fetch(request())))).toMatchObject({ subject: 'u_1' })
  })
})

it('of two new sessions on one answer the cookie is that of the one the handler has from the adapter', async () => {
  const { sessions } = shop()
  const app = new Hono<SessionEnv<typeof sessions>>()
  app.use(session(sessions), bodyLimit({ maxSize: 100 }))
  app.post('/', async (c) => {
    c.var.session.subject = 'u_1'
    // bodyLimit has replaced the request, for which the manager knows no session yet.
    ;(await sessions.load(c.req.raw)).data.x = 1
    return c.text('ok')
  })
  const body = new Blob(['n=1']).stream()
  const response = await app.request('/', { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect(response.headers.getSetCookie()).toHaveLength(1)
  const token = /^session=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? ''
  expect(await sessions.findSession(token)).toMatchObject({ subject: 'u_1' })
})

it('a session that came as a bearer token is ended without clearing the cookie of another', async () => {
  const sessions = new SessionManager<Data>({ store: new MemoryStore(), transport: ['bearer', 'cookie'] })
  const [bearer, cookie] = [await sessions.createSession({ x: 1 }), await sessions.createSession({ x: 2 })]
  const fetch = withSession(sessions, async (one) => (await sessions.regenerate(one), new Response('ok')))
  const headers = { authorization: `Bearer ${bearer}`, cookie: `__Host-session=${cookie}` }
  const response = await fetch(new Request('https://shop.example/', { headers }))
  expect(response.headers.getSetCookie()).toEqual([])
  expect([await sessions.findSession(bearer), (await sessions.findSession(cookie))?.data]).toEqual([
    undefined,
    { x: 2 },
  ])
})
