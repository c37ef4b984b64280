/**
 * The recipe of docs/keys.md, step by step, over every kind of key at once: two instances are deployed one after the other,
 * and visitors are served by either at random. In the overlap nobody is logged out; what a removed secret made, ends.
 */
import { SessionManager, type Session, type StoreModel } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { CookieStore } from 'latchkey/stores/cookie'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'

type Data = Record<string, any>
type Handler = (session: Session<Data>) => unknown
type Serve = (request: Request, handler: Handler) => Promise<Response>
type Kind = (backend: MemoryStore, secret: string[]) => { store: StoreModel; secret?: string[] }

const ONE = 'secret of the first generation, 32 bytes'
const TWO = 'secret of the second generation, 32 bytes'
const THREE = 'secret of the third generation, 32 bytes'
const DAY = 86_400_000
const START = Date.UTC(2030, 0, 1)

/** Where the secrets go, for each kind. The backend outlives every deploy. */
const KINDS: Record<string, Kind> = {
  'signed tokens': (store, secret) => ({ store, secret }),
  'sealed cookies': (_, secret) => ({ store: new CookieStore({ secret }) }),
  'encrypted rows': (backend, secret) => ({ store: new EncryptedStore(backend, { secret }) }),
  'copies of a CookieCache': (store, secret) => ({ store: new CookieCache(store, { secret }) }),
  'all of them at once': (backend, secret) => ({
    store: new CookieCache(new EncryptedStore(backend, { secret }), { secret }),
    secret,
  }),
}

/** A small generator, so that a failure can be seen again (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

class Site {
  readonly clock = { now: START }
  readonly draw = random(20300101)
  readonly #backend = new MemoryStore()
  readonly #kind: Kind
  readonly #instances: Serve[] = []
  loggedOut = 0

  constructor(kind: string) {
    this.#kind = KINDS[kind] as Kind
  }

  /** Replaces one instance. */
  deploy(instance: 0 | 1, ...secrets: string[]): void {
    const sessions = new SessionManager<Data>({
      ...this.#kind(this.#backend, secrets),
      initial: () => ({}),
      ttl: '5d',
      absolute: '30d',
      now: () => this.clock.now,
    })
    this.#instances[instance] = withSession(sessions, async (_request, session, handler: Handler) => {
      await handler(session)
      return new Response('ok')
    })
  }

  visitor(): Browser {
    return new Browser(() => Promise.reject(new Error('visit it')), { now: () => this.clock.now })
  }

  async visit(browser: Browser, handler: Handler, instance = this.draw(2)): Promise<void> {
    const serve = this.#instances[instance] as Serve
    const response = await serve(browser.request(), handler)
    for (const line of response.headers.getSetCookie()) browser.accept(line, new URL(browser.origin))
  }

  async signIn(name: string): Promise<Browser> {
    const browser = this.visitor()
    await this.visit(browser, (session) => {
      session.subject = name
      session.data = { n: 0 }
    })
    return browser
  }

  /** Everybody comes a few times, to either instance: to look, to change something, for a new token. */
  async traffic(browsers: readonly Browser[], count = 6): Promise<void> {
    for (const browser of browsers) {
      for (let visit = 0; visit < count; visit++) {
        const does = this.draw(4)
        this.clock.now += 20_000
        await this.visit(browser, (session) => {
          if (session.subject === undefined) this.loggedOut++
          else if (does === 0) session.update((data) => void data['n']++)
          else if (does === 1) session.regenerate()
        })
      }
    }
  }

  /** How many of these are signed in where they are served now. */
  async signedIn(browsers: readonly Browser[]): Promise<number> {
    let count = 0
    for (const browser of browsers) await this.visit(browser, (session) => void (count += session.subject ? 1 : 0))
    return count
  }
}

const people = (count: number): string[] => Array.from({ length: count }, (_, n) => `u_${n}`)

describe.each(Object.keys(KINDS))('C04: changing the secret of %s', (kind) => {
  it('by the recipe logs nobody out, three generations long, and nothing of a removed secret is accepted', async () => {
    const site = new Site(kind)
    for (const instance of [0, 1] as const) site.deploy(instance, ONE)
    let everybody = await Promise.all(people(8).map((name) => site.signIn(name)))
    for (const [last, next] of [
      [ONE, TWO],
      [TWO, THREE],
    ] as const) {
      // Known everywhere, used nowhere.
      for (const instance of [0, 1] as const) {
        site.deploy(instance, last, next)
        await site.traffic(everybody)
      }
      // Used, instance by instance.
      for (const instance of [0, 1] as const) {
        site.deploy(instance, next, last)
        await site.traffic(everybody)
      }
      const stale = everybody.map((browser) => browser.copy())
      expect(site.loggedOut).toBe(0)
      expect(await site.signedIn(everybody)).toBe(8)

      // The longest life of what the old secret made has passed for those who did nothing; the others came back.
      for (let day = 0; day < 30; day += 3) {
        site.clock.now += 3 * DAY
        for (const [n, browser] of everybody.entries())
          await site.visit(browser, (session) => {
            if (session.subject === undefined) site.loggedOut++
            session.set('day', day)
            // A new overall life, as by signing in again every now and then.
            if (day === 15) session.subject = `u_${n} again`
          })
      }
      expect(site.loggedOut).toBe(0)
      // An instance that was forgotten still used the old secret.
      site.deploy(0, last)
      const straggler = site.visitor()
      await site.visit(straggler, (session) => void (session.subject = 'late'), 0)
      for (const instance of [0, 1] as const) {
        site.deploy(instance, next)
        await site.traffic(everybody)
      }
      expect(site.loggedOut).toBe(0)
      expect(await site.signedIn(stale), 'cookies from before').toBe(0)
      // A copy decides nothing: its session is the store's.
      expect(await site.signedIn([straggler])).toBe(kind === 'copies of a CookieCache' ? 1 : 0)
      everybody = await Promise.all(people(8).map((name) => site.signIn(name)))
    }
  })
})

const ENDS = Object.keys(KINDS).filter((kind) => kind !== 'copies of a CookieCache')

describe.each(ENDS)('C04: of %s', (kind) => {
  it('a secret removed at once ends all it made, and only that; the cookies stay, should it come back', async () => {
    const site = new Site(kind)
    site.deploy(0, ONE)
    site.deploy(1, TWO, ONE)
    const olds = await Promise.all(
      people(4).map(async (name) => {
        const browser = site.visitor()
        await site.visit(browser, (session) => void (session.subject = name), 0)
        return browser
      }),
    )
    const news = site.visitor()
    await site.visit(news, (session) => void (session.subject = 'new'), 1)
    for (const instance of [0, 1] as const) site.deploy(instance, TWO)
    site.clock.now += 60_000
    expect([await site.signedIn(olds), await site.signedIn([news])]).toEqual([0, 1])
    for (const instance of [0, 1] as const) site.deploy(instance, TWO, ONE)
    expect(await site.signedIn(olds)).toBe(4)
  })

  it('a new secret used at once is unknown to the instance not deployed yet: why the recipe has a first step', async () => {
    const site = new Site(kind)
    for (const instance of [0, 1] as const) site.deploy(instance, ONE)
    const browser = await site.signIn('u_0')
    site.deploy(0, TWO, ONE)
    await site.visit(browser, (session) => session.regenerate(), 0)
    site.clock.now += 60_000
    let subject: string | undefined
    await site.visit(browser, (session) => void (subject = session.subject), 1)
    expect(subject).toBeUndefined()
    await site.visit(browser, (session) => void (subject = session.subject), 0)
    expect(subject).toBe('u_0')
  })
})

describe('C04: of copies of a CookieCache', () => {
  it('removing a secret at once ends no session: what does not open is read from the store', async () => {
    const site = new Site('copies of a CookieCache')
    for (const instance of [0, 1] as const) site.deploy(instance, ONE)
    const everybody = await Promise.all(people(4).map((name) => site.signIn(name)))
    for (const instance of [0, 1] as const) site.deploy(instance, TWO)
    await site.traffic(everybody)
    expect([site.loggedOut, await site.signedIn(everybody)]).toEqual([0, 4])
  })
})
