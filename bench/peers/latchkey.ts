/** latchkey, as its README sets it up: under Hono, and around a raw handler. */
import { Hono } from 'hono'
import { SessionManager, type Session, type SessionOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { answer, SECRET, seedData, type Contestant, type Data, type Fetch } from '../contestant.ts'

/** Three cookies hold what the largest payload needs; a smaller one goes into one cookie. */
const COOKIE = { chunks: 3 }

function fill(one: Session<Partial<Data>>, payload: number): void {
  Object.assign(one.data, seedData(payload))
}

function signIn(one: Session<Partial<Data>>, payload: number): string {
  if (one.data.n === undefined) fill(one, payload)
  else one.data.n += 1
  one.subject = 'u_42'
  return `${answer(one.data)}:${one.subject}`
}

function underHono(sessions: SessionManager<Partial<Data>>, payload: number): Fetch {
  const app = new Hono<SessionEnv<typeof sessions>>()
  app.use(session(sessions))
  app.get('/none', (c) => c.text('ok'))
  app.get('/read', (c) => c.text(answer(c.var.session.data)))
  app.get('/seed', (c) => {
    fill(c.var.session, payload)
    return c.text('seeded')
  })
  app.get('/write', (c) => {
    const { data } = c.var.session
    data.n = (data.n ?? 0) + 1
    return c.text(answer(data))
  })
  app.get('/login', (c) => c.text(signIn(c.var.session, payload)))
  return app.fetch
}

function aroundHandler(sessions: SessionManager<Partial<Data>>, payload: number): Fetch {
  return withSession(sessions, (request, one) => {
    if (request.url.endsWith('/none')) return new Response('ok')
    if (request.url.endsWith('/read')) return new Response(answer(one.data))
    if (request.url.endsWith('/login')) return new Response(signIn(one, payload))
    if (request.url.endsWith('/seed')) {
      fill(one, payload)
      return new Response('seeded')
    }
    one.data.n = (one.data.n ?? 0) + 1
    return new Response(answer(one.data))
  })
}

/** As many as `memory.ts` makes, and no session of another sample's is ever put out. */
const MANY = 2_000_000

/** Called once for a world, and what it returns once for each manager. */
type Make = () => () => SessionOptions

function latchkey(name: string, kind: 'memory' | 'sealed', make: Make, adapter = underHono): Contestant {
  return {
    name: `latchkey, ${name}`,
    role: 'latchkey',
    kind,
    open: (payload) => {
      const options = make()
      return { app: () => adapter(new SessionManager<Partial<Data>>(options() as object), payload) }
    },
  }
}

const memory: Make = () => {
  const store = new MemoryStore({ maxSessions: MANY })
  return () => ({ store })
}
const signed: Make = () => {
  const store = new MemoryStore({ maxSessions: MANY })
  return () => ({ store, secret: SECRET })
}
/** A store of its own for every manager, so that a new instance is new down to its keys. */
const sealed: Make = () => () => ({ store: new CookieStore({ secret: SECRET }), cookie: COOKIE })

export const latchkeyMemory: Contestant = latchkey('memory', 'memory', memory)
export const latchkeySigned: Contestant = latchkey('memory, signed', 'memory', signed)
export const latchkeySealed: Contestant = latchkey('sealed', 'sealed', sealed)
export const latchkeyMemoryFetch: Contestant = latchkey('memory, raw fetch', 'memory', memory, aroundHandler)
export const latchkeySealedFetch: Contestant = latchkey('sealed, raw fetch', 'sealed', sealed, aroundHandler)

export { underHono }
