/**
 * What a user relies on in the types of every entry, as the package test has it checked by Deno. A declaration that is not
 * found would leave `any`, or what can be guessed from JavaScript; either is an error here.
 */
import { Hono } from 'hono'
import {
  perEnv,
  type Session,
  type SessionInfo,
  SessionManager,
  type SessionOptions,
  type SessionRecord,
  Store,
  type StoreModel,
} from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { requireSubject, session, type SessionEnv } from 'latchkey/hono'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { sessionsTable, SqliteStore } from 'latchkey/stores/sqlite'
import { faulty, loginAs, storeCases, testClock } from 'latchkey/testing'

type Shop = { cart: string[]; theme?: 'dark' }
type Notes = { notice: string }

type IsAny<T> = 0 extends 1 & T ? true : false
/** An argument that only fits where nothing is `any`: neither the value, nor what it takes or is made from. */
type Known<T> =
  IsAny<T> extends true
    ? never
    : T extends abstract new (...args: infer Args) => infer Made
      ? true extends IsAny<Made> | { [K in keyof Args]: IsAny<Args[K]> }[number]
        ? never
        : T
      : T extends (...args: infer Args) => infer Result
        ? true extends IsAny<Result> | { [K in keyof Args]: IsAny<Args[K]> }[number]
          ? never
          : T
        : T
function known<T>(..._values: Known<T>[]): void {}

known<typeof perEnv>(perEnv)
known<typeof SessionManager>(SessionManager)
known<typeof Store>(Store)
known<typeof withSession>(withSession)
known<typeof session>(session)
known<typeof requireSubject>(requireSubject)
known<typeof CloudflareKVStore>(CloudflareKVStore)
known<typeof CookieStore>(CookieStore)
known<typeof CookieCache>(CookieCache)
known<typeof LibsqlStore>(LibsqlStore)
known<typeof MemoryStore>(MemoryStore)
known<typeof SqliteStore>(SqliteStore)
known<typeof sessionsTable.id>(sessionsTable.id)
known<typeof faulty>(faulty)
known<typeof loginAs>(loginAs)
known<typeof storeCases>(storeCases)
known<typeof testClock>(testClock)

const options: SessionOptions<Shop> = { store: new MemoryStore({ maxSessions: 10 }), ttl: '1d' }
export const sessions = new SessionManager<Shop, Notes>({ ...options, initial: () => ({ cart: [] }) })
// @ts-expect-error: Shop has a required key
export const missing = new SessionManager<Shop>()
// @ts-expect-error: a cart holds text
export const wrong = new SessionManager<Shop>({ initial: () => ({ cart: [1] }) })
// @ts-expect-error: there is no such option
export const misspelt = new SessionManager({ tll: '1d' })

export const app = new Hono<SessionEnv<typeof sessions>>().use(session(sessions))
app.get('/', requireSubject(), (c) => {
  const notice: string | undefined = c.var.session.flash('notice')
  // @ts-expect-error: a cart holds text
  c.var.session.data.cart.push(1)
  return c.json({ notice, size: c.var.session.data.cart.length })
})

export const handler: (request: Request) => Promise<Response> = withSession(sessions, (_request, { data }) => {
  // @ts-expect-error: the only theme is dark
  data.theme = 'light'
  return Response.json(data)
})

export class MyStore extends Store {
  override get(id: string): SessionRecord | undefined {
    // @ts-expect-error: an id is text
    const other: number = id
    return void other
  }
  override set(): void {}
  override destroy(): void {}
}

const model: StoreModel = new LibsqlStore({ url: 'file:sessions.db' })
export const cached = new SessionManager({ store: new CookieCache(model, { secret: 's'.repeat(32) }) })
const list: SessionInfo[] = await sessions.listSessions('u_42')
// @ts-expect-error: a list holds no token
export const tokens = list.map(({ token }) => token)
const initial = (): Shop => ({ cart: [] })
export const timed = new SessionManager<Shop, Notes>({ now: testClock(0), initial })
export const visit: Session<Shop, Notes> = await timed.load(new Request('http://localhost/'))
