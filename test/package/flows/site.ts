/** What a request case works with: an app through one adapter, over one store, on a clock of its own, and browsers to visit it. */
import { SessionManager, type SessionEvent, type SessionOptions, type StoreModel } from 'latchkey'
import { faulty, testClock, type FaultyStore, type TestClock } from 'latchkey/testing'
import type { Subject } from '../../runtimes/conformance.ts'
import { Browser } from '../../support/browser.ts'
import type { Adapter, AnyData, AnyManager, AnySession } from './adapters.ts'
import { check, Unmet } from './assert.ts'

/** What one visit does. */
export type Handler = (session: AnySession, request: Request) => unknown
export type SiteOptions = Omit<SessionOptions<AnyData>, 'store' | 'now'>
export type Visit = RequestInit & { path?: string; by?: Browser }

const EVENTS = ['created', 'loaded', 'updated', 'touched', 'regenerated', 'destroyed', 'expired', 'rejected', 'lost']

/** Where a case is run. */
export interface Place {
  subject: Subject
  adapter: Adapter
  /** An http server that answers `from upstream`, with `X-Upstream` and a cookie of its own. */
  upstream: string
}

export class Site {
  readonly place: Place
  readonly now: TestClock
  readonly sessions: AnyManager
  /** In front of the store: makes it fail, and counts its calls. */
  readonly door: FaultyStore
  readonly browser: Browser
  readonly events: SessionEvent[] = []
  readonly close: () => Promise<void>
  #handler: Handler = () => undefined

  private constructor(
    place: Place,
    now: TestClock,
    store: StoreModel,
    door: FaultyStore,
    close: () => Promise<void>,
    options: SiteOptions,
  ) {
    const hook = (event: SessionEvent): void => void this.events.push(event)
    const on = Object.fromEntries([...EVENTS, 'conflict', 'merged', 'storeError'].map((name) => [name, hook]))
    this.place = place
    this.now = now
    this.door = door
    this.close = close
    this.sessions = new SessionManager<AnyData, AnyData>({ initial: () => ({}), ...options, on, store, now })
    const serve = place.adapter.serve([this.sessions], ([session], request) =>
      this.#handler(session as AnySession, request),
    )
    this.browser = new Browser(serve, { now })
  }

  static async open(place: Place, options: SiteOptions = {}): Promise<Site> {
    // The real time at the start, so that a backend which expires by itself does not do so during a case.
    const now = testClock(Date.now())
    const doors: FaultyStore[] = []
    const guard = (inner: StoreModel): FaultyStore => {
      const door = faulty(inner)
      doors.push(door)
      return door
    }
    const { store, close } = await place.subject.open({ now, guard })
    // A cache has the door between itself and its store; every other store has it in front.
    const front = doors.length > 0 ? store : guard(store)
    return new Site(place, now, front, doors[0] as FaultyStore, close, options)
  }

  /** One request by the site's browser, or by another one. A check that fails in the handler fails the case. */
  async visit(handler: Handler, { path = '/', by = this.browser, ...init }: Visit = {}): Promise<Response> {
    const unmet: Unmet[] = []
    this.#handler = async (session, request) => {
      try {
        return await handler(session, request)
      } catch (error) {
        if (error instanceof Unmet) unmet.push(error)
        throw error
      }
    }
    const response = await by.fetch(path, init)
    if (unmet[0]) throw unmet[0]
    return response
  }

  /** What a handler sees of the session in one request. */
  async see<T>(look: (session: AnySession, request: Request) => T | Promise<T>, visit: Visit = {}): Promise<T> {
    const seen: T[] = []
    const { status } = await this.visit(async (session, request) => void seen.push(await look(session, request)), visit)
    check(seen.length === 1, `The handler was not run, or it failed: the answer was ${status}.`)
    return seen[0] as T
  }

  /** Another browser, without a cookie. */
  stranger(): Browser {
    const browser = this.browser.copy()
    browser.cookies = []
    return browser
  }

  /** Another browser with a copy of the session's cookie, and of no other: not of the one in which `CookieCache` seals its copy. */
  thief(): Browser {
    const browser = this.browser.copy()
    browser.cookies = browser.cookies.filter(({ name }) => name === SESSION)
    return browser
  }

  /** How often the store was asked for anything. */
  calls(): number {
    return Object.values(this.door.calls).reduce((sum, count) => sum + count, 0)
  }
}

export const SESSION = '__Host-session'

/** The Set-Cookie lines for a cookie. */
export function setting(response: Response, name: string = SESSION): string[] {
  return response.headers.getSetCookie().filter((line) => line.startsWith(`${name}=`))
}
