/** Sessions in KV, served from several places of the world at once, each behind the others by up to 60 seconds. */
import { env } from 'cloudflare:workers'
import { SessionManager, type Session, type SessionOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { testClock, type TestClock } from 'latchkey/testing'
import { Browser } from '../support/browser.ts'
import { StaleKV } from '../support/stale-kv.ts'

export type Data = Record<string, any>
type Handle = (session: Session<Data>) => unknown

export interface Place {
  store: CloudflareKVStore
  sessions: SessionManager<Data>
  /** A request of this browser's, answered here. */
  visit(browser: Browser, handle: Handle): Promise<Response>
  /** What a handler here sees of this browser's session. */
  see<T>(browser: Browser, look: (session: Session<Data>) => T): Promise<T>
  /** The same, for a request that asks the store whatever its copy says. */
  seeFresh<T>(browser: Browser, look: (session: Session<Data>) => T): Promise<T>
  /** A request that has loaded its session here and run its handler; what is returned commits it. */
  begin(browser: Browser, handle: Handle): Promise<() => Promise<Response>>
}

export interface World {
  now: TestClock
  browser(): Browser
  /** A place; `lag` is how long it goes on seeing what it has seen, by default the full 60 seconds. */
  place(name: string, lag?: number): Place
}

let worlds = 0

/** @param cached with a CookieCache of 30 seconds in front of the store */
export function world(options: Partial<SessionOptions> & { cached?: boolean } = {}): World {
  const { cached = false, ...rest } = options
  const now = testClock(Date.now())
  const kv = new StaleKV(env.SESSIONS, now)
  const prefix = `world${worlds++}:`
  const browserOf = (): Browser =>
    new Browser(
      async () => {
        throw new Error('Say where: place.visit(browser, …)')
      },
      { now },
    )
  const accept = (browser: Browser, response: Response): Response => {
    for (const line of response.headers.getSetCookie()) browser.accept(line, new URL(browser.origin))
    return response
  }

  return {
    now,
    browser: browserOf,
    place(name, lag) {
      const store = new CloudflareKVStore(kv.from(name, lag), { prefix, now })
      const front = cached ? new CookieCache(store, { secret: 'k'.repeat(32), ttl: '30s' }) : store
      const sessions = new SessionManager<Data>({ ...rest, store: front, now, initial: () => ({}) })
      const visit = async (browser: Browser, handle: Handle): Promise<Response> => {
        const serve = withSession(sessions, async (_request, session) => {
          await handle(session)
          return new Response('ok')
        })
        return accept(browser, await serve(browser.request()))
      }
      const commitLater = async (browser: Browser, handle: Handle) => {
        const session = await sessions.load(browser.request())
        await handle(session)
        return async () => accept(browser, await sessions.commit(session, new Response('ok')))
      }
      return {
        store,
        sessions,
        visit,
        begin: commitLater,
        async see(browser, look) {
          const seen: ReturnType<typeof look>[] = []
          await visit(browser, (session) => void seen.push(look(session)))
          return seen[0] as ReturnType<typeof look>
        },
        async seeFresh(browser, look) {
          const session = await sessions.load(browser.request(), { fresh: true })
          const seen = look(session)
          accept(browser, await sessions.commit(session, new Response('ok')))
          return seen
        },
      }
    },
  }
}

/** Signs in, and answers with the browser that is signed in. */
export async function signIn(here: World, place: Place, data: Data = {}): Promise<Browser> {
  const browser = here.browser()
  await place.visit(browser, (session) => {
    session.subject = 'u_42'
    Object.assign(session.data, data)
  })
  return browser
}
