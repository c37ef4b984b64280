/** What users rely on at compile time. The type check of the repository runs these; at run time they only construct. */
// oxlint-disable no-new, vitest/expect-expect
import { Hono } from 'hono'
import { perEnv, SessionManager, type Session, type SessionInfo, type SessionOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { requireSubject, session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, expectTypeOf, it } from 'vitest'

type Shop = { cart: { sku: string; n: number }[]; theme?: 'dark' }
type Notes = { notice: string; count: number }

const shop = (): SessionManager<Shop, Notes> => new SessionManager<Shop, Notes>({ initial: () => ({ cart: [] }) })
const devalue = {
  stringify: (value: unknown) => JSON.stringify(value),
  parse: (text: string): unknown => JSON.parse(text),
}
/** Its body is checked and never run. */
const checked = (_body: () => unknown): void => expect(_body).toBeTypeOf('function')

describe('`initial`', () => {
  it('is required exactly when Data has required keys', () => {
    checked(() => {
      new SessionManager()
      new SessionManager({})
      new SessionManager({ ttl: '1h' })
      new SessionManager<{ theme?: string }>()
      new SessionManager<{ theme?: string }>({ initial: () => ({}) })
      new SessionManager<Record<string, number>>()
      new SessionManager<Partial<Shop>>({ store: new MemoryStore() })
      new SessionManager<Shop>({ initial: () => ({ cart: [] }) })
      // @ts-expect-error Shop has a required key
      new SessionManager<Shop>()
      // @ts-expect-error and so there must be an `initial`
      new SessionManager<Shop>({ store: new MemoryStore() })
      // @ts-expect-error which returns all of it
      new SessionManager<Shop>({ initial: () => ({}) })
      // @ts-expect-error of the right types
      new SessionManager<Shop>({ initial: () => ({ cart: 'empty' }) })
    })
  })

  it('alone is enough for Data to be inferred', () => {
    const sessions = new SessionManager({ initial: () => ({ visits: 0 }) })
    expectTypeOf(sessions).toEqualTypeOf<SessionManager<{ visits: number }>>()
  })
})

describe('data that JSON cannot hold', () => {
  it('demands a serializer, at any depth', () => {
    checked(() => {
      new SessionManager<{ at?: Date }>({ serializer: devalue })
      new SessionManager<{ at: Date }>({ serializer: devalue, initial: () => ({ at: new Date() }) })
      // @ts-expect-error a Date comes back from JSON as text
      new SessionManager<{ at?: Date }>()
      // @ts-expect-error also beside other options
      new SessionManager<{ at?: Date }>({ ttl: '1h' })
      // @ts-expect-error and beside `initial`
      new SessionManager<{ at: Date }>({ initial: () => ({ at: new Date() }) })
      // @ts-expect-error a Map comes back as {}
      new SessionManager<{ seen?: Map<string, number> }>({})
      // @ts-expect-error a Set does as well
      new SessionManager<{ seen?: ReadonlySet<string> }>({})
      // @ts-expect-error a bigint throws
      new SessionManager<{ n?: bigint }>({})
      // @ts-expect-error a function is dropped
      new SessionManager<{ f?: () => void }>({})
      // @ts-expect-error inside an array of objects
      new SessionManager<{ orders?: { at: Date }[] }>({})
      // @ts-expect-error inside a tuple
      new SessionManager<{ pair?: readonly [string, bigint] }>({})
      // @ts-expect-error as one of several
      new SessionManager<{ at?: string | Date }>({})
      // @ts-expect-error or null
      new SessionManager<{ at: Date | null }>({ initial: () => ({ at: null }) })
      // @ts-expect-error under any key
      new SessionManager<Record<string, Date>>({})
    })
  })

  it('and what it can hold does not', () => {
    type Tree = { value: number; children: Tree[] }
    interface Named {
      name: string
      tags: readonly string[]
    }
    checked(() => {
      new SessionManager<{ a?: string | number | boolean | null; list?: (string | null)[]; o?: { x?: { y: 1 } } }>()
      new SessionManager<{ tree?: Tree }>()
      new SessionManager<{ who?: Named }>()
      new SessionManager<{ any?: any; unknown?: unknown; never?: never }>()
      new SessionManager<Record<string, unknown>>()
      new SessionManager<Record<string, any>>()
      new SessionManager<object>()
    })
  })
})

describe('Session', () => {
  it('types data, keys and flash messages', () => {
    type Typed = Session<Shop, Notes>
    expectTypeOf<Typed['data']>().toEqualTypeOf<Shop>()
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof shop>['load']>>>().toEqualTypeOf<Typed>()
    checked((one?: Typed) => {
      if (!one) return
      expectTypeOf(one.data.cart[0]?.n).toEqualTypeOf<number | undefined>()
      expectTypeOf(one.get('theme')).toEqualTypeOf<'dark' | undefined>()
      expectTypeOf(one.flash('notice')).toEqualTypeOf<string | undefined>()
      expectTypeOf(one.flash('count')).toEqualTypeOf<number | undefined>()
      expectTypeOf(one.flash('notice', 'x')).toEqualTypeOf<void>()
      expectTypeOf(one.subject).toEqualTypeOf<string | undefined>()
      expectTypeOf(one.token).toEqualTypeOf<string | undefined>()
      expectTypeOf(one.info).toEqualTypeOf<Record<string, string>>()
      one.set('theme', 'dark').set('cart', [])
      one.update((data) => void data.cart.pop())
      one.update((data) => ({ ...data, theme: 'dark' }))
      one.lifetime = { ttl: '60d', absolute: false, persistent: true }
      // @ts-expect-error no such key
      one.get('basket')
      // @ts-expect-error not its type
      one.set('theme', 'light')
      // @ts-expect-error no such message
      one.flash('warning')
      // @ts-expect-error not its type
      one.flash('count', 'many')
      // @ts-expect-error an async change could not be replayed
      one.update(async (data) => data)
      // @ts-expect-error no such unit
      one.lifetime = { ttl: '60 days' }
      // @ts-expect-error the id is the library's to give
      one.id = 'mine'
      // @ts-expect-error not a list
      one.data.cart = 'empty'
    })
  })

  it('without type parameters takes any data and any message', () => {
    checked((one?: Session) => {
      if (!one) return
      one.data['anything'] = { at: 'all' }
      one.set('x', 1).flash('y', 2)
      expectTypeOf(one.get('x')).toBeUnknown()
      expectTypeOf(one.flash('y')).toBeUnknown()
    })
  })

  it('cannot be made by hand', () => {
    checked((Class?: typeof Session) => {
      // @ts-expect-error only a manager builds sessions
      return Class && new Class()
    })
  })
})

describe('SessionManager', () => {
  it('types its headless calls', () => {
    checked(async () => {
      const sessions = shop()
      const token = await sessions.createSession({ cart: [] }, { subject: 'u', ttl: '60d', info: { device: 'x' } })
      expectTypeOf(token).toBeString()
      await sessions.createSession({ theme: 'dark' })
      await sessions.createSession()
      expectTypeOf(await sessions.retrieveSession(token)).toEqualTypeOf<Shop>()
      expectTypeOf(await sessions.findSession(token)).toEqualTypeOf<(SessionInfo & { data: Shop }) | undefined>()
      expectTypeOf(await sessions.updateSession(token, { cart: [] })).toEqualTypeOf<Shop>()
      expectTypeOf(await sessions.updateSession(token, (data) => void data.cart.pop())).toEqualTypeOf<Shop>()
      expectTypeOf(await sessions.regenerateSession(token)).toBeString()
      expectTypeOf(await sessions.removeSession(token)).toBeBoolean()
      expectTypeOf(await sessions.removeExpiredSessions({ batch: 10 })).toBeNumber()
      // @ts-expect-error not its data
      await sessions.createSession({ basket: [] })
      // @ts-expect-error all of the data, or a function
      await sessions.updateSession(token, { theme: 'dark' })
      // @ts-expect-error no such unit
      await sessions.createSession({}, { ttl: '60x' })
    })
  })

  it('refuses options that are not there or of the wrong type', () => {
    checked(() => {
      // @ts-expect-error a typing mistake
      new SessionManager({ tll: '1h' })
      // @ts-expect-error of the wrong type
      new SessionManager({ trustProxy: 'yes' })
      // @ts-expect-error no such transport
      new SessionManager({ transport: 'header' })
      // @ts-expect-error no store
      new SessionManager({ store: {} })
      // @ts-expect-error no such event
      new SessionManager({ on: { login: () => {} } })
      // @ts-expect-error not in lower case
      new SessionManager({ cookie: { sameSite: 'Lax' } })
      const env: { SESSION_SECRET?: string } = {}
      new SessionManager({ secret: env.SESSION_SECRET })
      const options: SessionOptions<Shop> = { transport: ['bearer', 'cookie'], absolute: false }
      return options
    })
  })
})

describe('latchkey/hono', () => {
  it('types c.var.session without a cast, on chained routes too', async () => {
    const sessions = shop()
    const app = new Hono<SessionEnv<typeof sessions>>()
      .use(session(sessions))
      .post('/cart/:sku', (c) => {
        expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop, Notes>>()
        c.var.session.data.cart.push({ sku: c.req.param('sku'), n: 1 })
        return c.json(c.var.session.data)
      })
      .get('/', requireSubject(), (c) => {
        // @ts-expect-error no such key
        void c.var.session.data.basket
        return c.json({ notice: c.var.session.flash('notice') ?? null })
      })
    const response = await app.request('/cart/a', { method: 'POST' })
    expect(await response.json()).toEqual({ cart: [{ sku: 'a', n: 1 }] })
  })

  it('types it without SessionEnv where the middleware is chained', () => {
    const sessions = shop()
    new Hono().use(session(sessions)).get('/', (c) => {
      expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop, Notes>>()
      return c.text('')
    })
    new Hono().get('/', session(sessions), (c) => {
      expectTypeOf(c.get('session').data).toEqualTypeOf<Shop>()
      return c.text('')
    })
  })

  it('types another name, and lazy sessions', () => {
    const sessions = shop()
    type Env = SessionEnv<typeof sessions, { as: 'admin'; lazy: true }>
    expectTypeOf<Env['Variables']>().toEqualTypeOf<{ admin: () => Promise<Session<Shop, Notes>> }>()
    new Hono()
      .use(session(sessions, { as: 'admin' }))
      .use(session(sessions, { as: 'later', lazy: true }))
      .get('/', async (c) => {
        expectTypeOf(c.var.admin).toEqualTypeOf<Session<Shop, Notes>>()
        expectTypeOf(await c.var.later()).toEqualTypeOf<Session<Shop, Notes>>()
        // @ts-expect-error under its new name only
        return c.text(String(c.var.session))
      })
  })

  it('joins the bindings and variables of the app', () => {
    const sessions = perEnv(
      (env: { KV: string }) =>
        new SessionManager<Shop>({ initial: () => ({ cart: [] }), on: {}, ttl: env.KV ? '1h' : '2h' }),
    )
    type Env = SessionEnv<typeof sessions> & { Bindings: { KV: string }; Variables: { user: number } }
    new Hono<Env>().use(session(sessions)).get('/', (c) => {
      expectTypeOf(c.var.session.data).toEqualTypeOf<Shop>()
      expectTypeOf(c.var.user).toBeNumber()
      expectTypeOf(c.env.KV).toBeString()
      expectTypeOf(sessions(c.env)).toExtend<SessionManager<Shop>>()
      return c.text('')
    })
  })
})

describe('perEnv', () => {
  it('keeps the types of the manager and of its environment', () => {
    const sessions = perEnv((_env: { DB: string }) => shop())
    expectTypeOf(sessions).toEqualTypeOf<(env: { DB: string }) => SessionManager<Shop, Notes>>()
    checked(() => {
      // @ts-expect-error not that environment
      sessions({ KV: 'x' })
    })
  })
})

describe('latchkey/fetch', () => {
  it('types the session, and hands the rest through', () => {
    const handler = withSession(shop(), (request, one, env: { KEY: string }, context: { n: number }) => {
      expectTypeOf(request).toEqualTypeOf<Request>()
      expectTypeOf(one).toEqualTypeOf<Session<Shop, Notes>>()
      return Response.json([one.data.cart, env.KEY, context.n])
    })
    expectTypeOf(handler).toEqualTypeOf<
      (request: Request, env: { KEY: string }, context: { n: number }) => Promise<Response>
    >()
    checked(() => {
      // @ts-expect-error without what the handler needs
      void handler(new Request('https://example.com/'))
    })
  })

  it('types a lazy session', () => {
    withSession(
      shop(),
      async (_request, one) => {
        expectTypeOf(one).toEqualTypeOf<() => Promise<Session<Shop, Notes>>>()
        return new Response(JSON.stringify((await one()).data.cart))
      },
      { lazy: true },
    )
  })

  it('takes a function of the environment', () => {
    const sessions = perEnv((_env: { DB: string }) => shop())
    const handler = withSession(sessions, (_request, one, env: { DB: string }) => {
      expectTypeOf(one.data).toEqualTypeOf<Shop>()
      return new Response(env.DB)
    })
    expectTypeOf(handler).parameter(1).toEqualTypeOf<{ DB: string }>()
  })

  it('a handler may return nothing, as Bun wants after an upgrade, and nothing else', () => {
    const upgraded = withSession(shop(), (request) => (request.headers.has('upgrade') ? undefined : new Response()))
    expectTypeOf(upgraded).returns.resolves.toEqualTypeOf<Response | undefined>()
    checked(() => {
      // @ts-expect-error text is no response
      withSession(shop(), () => 'hi')
    })
  })
})
