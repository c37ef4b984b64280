/** What is particular to `withSession`: its arguments, its options, and what a raw handler may return or throw. */
import { SessionConflictError, SessionManager, StoreUnavailableError, perEnv, type Session } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n?: number; theme?: string }

function shop(options: { now?: () => number } = {}): { store: WatchedStore; sessions: SessionManager<Shop> } {
  const store = new WatchedStore()
  return { store, sessions: new SessionManager<Shop>({ store, ...options }) }
}

const get = (path = '/'): Request => new Request(`https://shop.example${path}`)

describe('withSession: arguments and results', () => {
  it('passes on whatever the runtime passes', async () => {
    const handler = vi.fn<(request: Request, session: Session<Shop>, ...rest: unknown[]) => Response>(
      () => new Response('ok'),
    )
    const fetch = withSession(shop().sessions, handler)
    const [request, env, ctx] = [get(), { KEY: 1 }, { waitUntil() {} }]
    await fetch(request, env, ctx)
    expect(handler).toHaveBeenCalledWith(request, expect.anything(), env, ctx)
  })

  it('works as a property, without `this`', async () => {
    const worker = { fetch: withSession(shop().sessions, (_, session) => Response.json(session.data)) }
    const { fetch } = worker
    expect(await (await fetch(get())).json()).toEqual({})
  })

  it('undefined is passed on, as Bun wants it after an upgrade; the session of that request is committed', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession({ n: 1 })
    const fetch = withSession(sessions, (_request, session) => {
      session.data.n = 2
      return undefined
    })
    const result = await fetch(new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } }))
    expect(result).toBeUndefined()
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
    expect(await fetch(get())).toBeUndefined()
    expect(await store.rows()).toHaveLength(1)
  })

  it('the same request is the same session: nested, it loads and commits once', async () => {
    const { store, sessions } = shop()
    const seen: unknown[] = []
    const inner = withSession(sessions, (_, session) => {
      seen.push(session)
      session.data.n = 1
      return new Response('ok')
    })
    const browser = new Browser(
      withSession(sessions, (request, session) => {
        seen.push(session)
        return inner(request)
      }),
    )
    const response = await browser.fetch()
    expect(seen[0]).toBe(seen[1])
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
  })

  it('a handler may be synchronous, and may throw synchronously', async () => {
    const fetch = withSession(shop().sessions, (): Response => {
      throw new RangeError('sync')
    })
    await expect(fetch(get())).rejects.toThrow(RangeError)
  })
})

describe('withSession: lazy', () => {
  it('reads nothing until asked, and commits only if asked', async () => {
    const { store, sessions } = shop()
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    store.take()
    const fetch = withSession(
      sessions,
      async (request, session) => {
        if (!request.url.endsWith('/ask')) return new Response('static')
        const [one, two] = await Promise.all([session(), session()])
        expect(one).toBe(two)
        one.data.n = (one.data.n ?? 0) + 1
        return new Response('ok')
      },
      { lazy: true },
    )
    const silent = await fetch(new Request('https://shop.example/', { headers: { cookie } }))
    expect(store.take()).toEqual([])
    expect([...silent.headers.keys()]).toEqual(['content-type'])
    const asked = await fetch(new Request('https://shop.example/ask', { headers: { cookie } }))
    expect(store.take()).toEqual(['get', 'update'])
    expect(asked.headers.get('vary')).toBe('Cookie')
  })

  it('P11: asked while the store is down, it is 503', async () => {
    const { store, sessions } = shop()
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    store.down(true)
    const fetch = withSession(sessions, async (_, session) => Response.json((await session()).data), { lazy: true })
    const response = await fetch(new Request('https://shop.example/', { headers: { cookie } }))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('P11: a handler that catches the outage of its own asking may answer as it likes', async () => {
    const { store, sessions } = shop()
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    store.down(true)
    const handler = async (_: Request, session: () => Promise<Session<Shop>>): Promise<Response> =>
      session().then(
        () => new Response('signed in'),
        (error: unknown) => new Response(error instanceof StoreUnavailableError ? 'static page' : 'other'),
      )
    const fetch = withSession(sessions, handler, { lazy: true })
    const response = await fetch(new Request('https://shop.example/', { headers: { cookie } }))
    expect([response.status, await response.text()]).toEqual([200, 'static page'])
  })
})

describe('withSession: errors', () => {
  it('P15: what a handler throws is thrown on, the same object, after destroy() was carried out', async () => {
    const { store, sessions } = shop()
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 }, { subject: 'u_42' })}`
    for (const thrown of [new Error('oops'), 'a string', undefined, { status: 400 }]) {
      const fetch = withSession(sessions, (_, session): Response => {
        session.data.n = 2
        throw thrown
      })
      const request = new Request('https://shop.example/', { headers: { cookie } })
      expect(
        await fetch(request).then(
          () => 'answered',
          (error: unknown) => ({ error }),
        ),
      ).toEqual({ error: thrown })
      expect(JSON.parse((await store.row()).data)).toEqual({ n: 1 })
    }
    const leave = withSession(sessions, (_, session): Response => {
      session.destroy()
      throw new Error('oops')
    })
    await expect(leave(new Request('https://shop.example/', { headers: { cookie } }))).rejects.toThrow('oops')
    expect(await store.rows()).toEqual([])
  })

  it('P15: regenerate() beside such an error leaves the visitor the token they hold, since no other can reach them', async () => {
    const { sessions } = shop()
    const token = await sessions.createSession({}, { subject: 'u_42' })
    const fetch = withSession(sessions, (_, session): Response => {
      session.regenerate()
      throw new Error('oops')
    })
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    await expect(fetch(request)).rejects.toThrow('oops')
    expect(await sessions.findSession(token)).toMatchObject({ subject: 'u_42' })
  })

  it('P14: an error of the commit that is no outage is thrown', async () => {
    const { store, sessions } = shop()
    store.failure = () => new SessionConflictError('changed')
    store.failing.add('create')
    const fetch = withSession(sessions, (_, session) => {
      session.data.n = 1
      return new Response('ok')
    })
    await expect(fetch(get())).rejects.toThrow(SessionConflictError)
  })
})

describe('withSession: where the manager comes from', () => {
  it('perEnv makes one manager per environment object, and is callable from handlers', async () => {
    const make = vi.fn<(env: { DB: MemoryStore }) => SessionManager<Shop>>(
      (env) => new SessionManager<Shop>({ store: env.DB }),
    )
    const sessions = perEnv(make)
    const seen = new Set<unknown>()
    const fetch = withSession(sessions, (_request, session, env: { DB: MemoryStore }, _ctx: object) => {
      seen.add(sessions(env))
      session.data.n = 1
      return new Response('ok')
    })
    const [one, two] = [{ DB: new MemoryStore() }, { DB: new MemoryStore() }]
    for (const env of [one, one, two, one]) await fetch(get(), env, {})
    expect(make.mock.calls).toEqual([[one], [two]])
    expect(seen.size).toBe(2)
    expect([one.DB.length(), two.DB.length()]).toEqual([3, 1])
  })

  it('perEnv takes bindings for an environment whatever their names, `incoming` and `requestIP` among them', () => {
    const env = { incoming: { send: () => {} }, requestIP: { limit: () => {} } }
    const make = vi.fn<(env: object) => SessionManager<Shop>>(() => new SessionManager<Shop>())
    perEnv(make)(env)
    expect(make.mock.calls).toEqual([[env]])
    expect(make.mock.calls[0]?.[0]).toBe(env)
  })

  it.each([
    ['Node, whose env is { incoming, outgoing }', () => ({ incoming: {}, outgoing: {} })],
    [
      'Deno, whose info has remoteAddr',
      () => ({ remoteAddr: { hostname: '127.0.0.1' }, completed: Promise.resolve() }),
    ],
    ['Bun, which passes its server', () => ({ requestIP: () => null, port: 3000 })],
    ['an empty env', () => ({})],
    ['no env at all', () => undefined],
    ['null for an env', () => null],
  ] as [string, () => object | null | undefined][])(
    'perEnv makes one manager for the whole process on %s',
    async (_, env) => {
      const make = vi.fn<(env: object) => SessionManager<Shop>>(() => new SessionManager<Shop>())
      const fetch = withSession(perEnv(make), (_request, session, _env: object) => {
        session.data.n = (session.data.n ?? 0) + 1
        return Response.json(session.data)
      })
      const browser = new Browser((request) => fetch(request, env() as object))
      for (let n = 1; n <= 3; n++) expect(await (await browser.fetch()).json()).toEqual({ n })
      expect(make).toHaveBeenCalledTimes(1)
      expect(make.mock.calls[0]?.[0]).toBe(process.env)
    },
  )

  it('a plain function is called once per adapter, with what the first request brought', async () => {
    const make = vi.fn<(env: object) => SessionManager<Shop>>(() => new SessionManager<Shop>())
    const handler = (_request: Request, _session: Session<Shop>, _env: object): Response => new Response('ok')
    const [first, second] = [withSession(make, handler), withSession(make, handler)]
    const env = { KEY: 1 }
    for (const fetch of [first, first, second, first]) await fetch(get(), env)
    expect(make.mock.calls).toEqual([[env], [env]])
  })

  it('a plain function that threw is asked again', async () => {
    let tries = 0
    const fetch = withSession(
      () => {
        if (++tries === 1) throw new Error('not configured')
        return new SessionManager<Shop>()
      },
      () => new Response('ok'),
    )
    await expect(fetch(get())).rejects.toThrow('not configured')
    expect((await fetch(get())).status).toBe(200)
  })
})

describe('withSession: waitUntil', () => {
  it('P14: gets the touch, and nothing but a touch; without it the touch is awaited', async () => {
    let now = 0
    const { store, sessions } = shop({ now: () => now })
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    const request = (): Request => new Request('https://shop.example/', { headers: { cookie } })
    const waitUntil = vi.fn<(promise: Promise<unknown>) => void>()
    const fetch = withSession(sessions, (same, session, ..._rest: unknown[]) => {
      if (same.method === 'POST') session.data.n = 2
      return new Response('ok')
    })

    let release = (): void => {}
    store.before = (method) => (method === 'touch' ? new Promise<void>((resolve) => (release = resolve)) : undefined)
    now += 12 * 3_600_000
    await fetch(request(), { KEY: 1 }, { waitUntil })
    expect(waitUntil).toHaveBeenCalledTimes(1)
    expect((await store.row()).lastSeenAt).toBe(0)
    release()
    await waitUntil.mock.calls[0]?.[0]
    expect((await store.row()).lastSeenAt).toBe(now)

    store.before = () => undefined
    now += 12 * 3_600_000
    await fetch(new Request(request(), { method: 'POST' }), {}, { waitUntil })
    expect(waitUntil).toHaveBeenCalledTimes(1)
    now += 12 * 3_600_000
    await fetch(request(), {})
    expect((await store.row()).lastSeenAt).toBe(now)
  })

  it('keeps its `this`, as ExecutionContext wants it', async () => {
    let now = 0
    const { sessions } = shop({ now: () => now })
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    now += 12 * 3_600_000
    class ExecutionContext {
      #promises: Promise<unknown>[] = []
      waitUntil(promise: Promise<unknown>): void {
        this.#promises.push(promise)
      }
      get count(): number {
        return this.#promises.length
      }
    }
    const ctx = new ExecutionContext()
    const fetch = withSession(sessions, (_request, _session, _env: object, _ctx: object) => new Response('ok'))
    await fetch(new Request('https://shop.example/', { headers: { cookie } }), {}, ctx)
    expect(ctx.count).toBe(1)
  })
})
