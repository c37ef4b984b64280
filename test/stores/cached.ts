/**
 * What the CookieCache tests share: an app with one browser over a `CookieCache`, in front of a store that counts its calls.
 * What the handler or the commit throws, the visit throws.
 */
import { SessionManager, type Session, type SessionEvent, type SessionOptions, type StoreModel } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieCache, type CookieCacheOptions } from 'latchkey/stores/cookie-cache'
import { Browser } from '../support/browser.ts'
import { WatchedStore } from '../support/watched-store.ts'

export const SECRET = 'the first secret: 32 bytes or more'
export const OLDER = 'an older secret, of 32 bytes or more'
export const TOKEN = '__Host-session'
export const COPY = '__Host-session.copy'
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const START = Date.UTC(2030, 0, 1)

export interface Data extends Record<string, any> {}
export type AppSession = Session<Data, Record<string, any>>
export type Handler = (session: AppSession, request: Request) => unknown

export interface AppOptions extends Omit<SessionOptions<Data>, 'store' | 'now' | 'on'> {
  cache?: Partial<CookieCacheOptions>
}

const EVENTS =
  'created loaded updated touched regenerated destroyed expired rejected conflict merged lost storeError'.split(' ')

export class CachedApp<S extends StoreModel = WatchedStore> extends Browser {
  readonly store: S
  readonly cache: CookieCache
  readonly sessions: SessionManager<Data, Record<string, any>>
  readonly clock: { now: number }
  readonly events: (SessionEvent & { name: string })[] = []
  readonly serve: (request: Request, handler: Handler) => Promise<Response>

  constructor(store: S, { cache = {}, ...options }: AppOptions = {}, clock: { now: number } = { now: START }) {
    super(() => Promise.reject(new Error('visit it')), { now: () => clock.now })
    const on = Object.fromEntries(
      EVENTS.map((name) => [name, (event: SessionEvent): void => void this.events.push({ name, ...event })]),
    )
    this.clock = clock
    this.store = store
    this.cache = new CookieCache(store, { secret: SECRET, ...cache })
    this.sessions = new SessionManager<Data, Record<string, any>>({
      initial: () => ({}),
      ...options,
      on,
      store: this.cache,
      now: () => clock.now,
    })
    this.serve = withSession(this.sessions, async (request, session, handler: Handler) => {
      const result = await handler(session, request)
      return result instanceof Response ? result : new Response('ok')
    })
  }

  /** One request with this browser's cookies; the cookies of the answer are kept. */
  async visit(handler: Handler): Promise<Response> {
    return this.keep(await this.serve(this.request(), handler))
  }

  /** What a handler sees. */
  async see<T>(look: (session: AppSession, request: Request) => T): Promise<Awaited<T>> {
    const seen: Awaited<T>[] = []
    await this.visit(async (session, request) => void seen.push(await look(session, request)))
    return seen[0] as Awaited<T>
  }

  /** A request under way: loaded and changed by its handler. The function commits it and gives its answer. */
  async underway(change: (session: AppSession) => unknown): Promise<() => Promise<Response>> {
    const session = await this.sessions.load(this.request())
    await change(session)
    return () => this.sessions.commit(session, new Response('ok'))
  }

  keep(response: Response): Response {
    for (const line of response.headers.getSetCookie()) this.accept(line, new URL(this.origin))
    return response
  }

  get token(): string {
    return this.value(TOKEN) ?? ''
  }

  /** A copy of this browser's cookies, those of these names only. */
  holding(...names: string[]): Browser {
    const other = this.copy()
    other.cookies = other.cookies.filter(({ name }) => names.includes(name))
    return other
  }

  /** What a request with another browser's cookies opens. */
  async opens(browser: Browser): Promise<Data | undefined> {
    let data: Data | undefined
    await this.serve(browser.request(), (session) => void (data = session.isNew ? undefined : { ...session.data }))
    return data
  }

  takeEvents(): string[] {
    return this.events.splice(0).map(({ name, reason }) => (reason ? `${name}: ${reason}` : name))
  }
}

/** An app over a counting store, whose visitor is signed in as `u_1`; the count starts after it. */
export async function signedIn(data: Data = { n: 1 }, options?: AppOptions): Promise<CachedApp> {
  const app = new CachedApp(new WatchedStore(), options)
  await app.visit((session) => {
    session.subject = 'u_1'
    session.data = data
  })
  app.store.take()
  app.takeEvents()
  return app
}

/** The names of the cookies that a response sets; those it clears with a minus. */
export function cookiesOf(response: Response): string[] {
  return response.headers
    .getSetCookie()
    .map((line) => (line.endsWith('; Max-Age=0') ? '-' : '') + line.slice(0, line.indexOf('=')))
}
