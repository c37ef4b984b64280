/**
 * A Worker of its own, in which everything is made at the top of the module. There workerd allows no I/O, no timers and no
 * randomness: were there any, this Worker would not start.
 */
import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/d1'
import { Hono } from 'hono'
import { perEnv, SessionManager, type Session } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { MemoryStore } from 'latchkey/stores/memory'
import { SqliteStore } from 'latchkey/stores/sqlite'

type Env = typeof env

interface Visits {
  visits: number
}

const secret = 'a secret of 32 bytes or more, for tests'
const initial = (): Visits => ({ visits: 0 })

const d1 = new SqliteStore(drizzle(env.DB))
const managers = {
  memory: new SessionManager<Visits>({ store: new MemoryStore(), secret, initial }),
  cookie: new SessionManager<Visits>({ store: new CookieStore({ secret }), initial }),
  kv: new SessionManager<Visits>({ store: new CloudflareKVStore(env.SESSIONS), secret, initial }),
  cached: new SessionManager<Visits>({
    store: new CookieCache(new CloudflareKVStore(env.SESSIONS), { secret }),
    initial,
  }),
  d1: new SessionManager<Visits>({ store: d1, secret, initial }),
}
const fromEnv = perEnv((bindings: Env) => {
  return new SessionManager<Visits>({ store: new CloudflareKVStore(bindings.SESSIONS), initial })
})

async function answer(_request: Request, current: Session<Visits>): Promise<Response> {
  current.data.visits++
  return Response.json(current.data)
}

const plain = Object.fromEntries(
  Object.entries(managers).map(([name, manager]) => [name, withSession(manager, answer)]),
) as Record<string, (request: Request) => Promise<Response>>
plain['perEnv'] = withSession(fromEnv, answer)

const hono = new Hono<{ Bindings: Env } & SessionEnv<typeof fromEnv>>().basePath('/hono')
hono.use(session(fromEnv))
hono.get('/', async (c) => answer(c.req.raw, c.var.session))

let migrated: Promise<void> | undefined

export default {
  async fetch(request: Request, bindings: Env, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    const name = new URL(request.url).pathname.slice(1)
    if (name === 'd1') await (migrated ??= d1.migrate())
    if (name === 'hono') return hono.fetch(request, bindings, ctx as never)
    const handler = plain[name] as unknown as (...args: unknown[]) => Promise<Response>
    return handler(request, bindings, ctx)
  },
}
