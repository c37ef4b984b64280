/**
 * A site for the race tests: two managers that share their records, as two instances of an app do, and requests that are
 * under way until the test lets them finish. Every answer passes through one browser only if the test hands it over.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  SessionManager,
  Store,
  type Session,
  type SessionEvent,
  type SessionOptions,
  type SessionRecord,
} from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { onTestFinished } from 'vitest'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const START = Date.UTC(2030, 0, 1)

export interface Data extends Record<string, unknown> {
  n?: number
}
export interface Flash extends Record<string, unknown> {
  notice?: string
}
type AnySession = Session<Data, Flash>
export type Manager = SessionManager<Data, Flash>
type Options = Omit<SessionOptions<Data>, 'store' | 'now'>

/** A manager over a store, of sessions that begin empty. */
export function managerOver(store: Store, options: Partial<SessionOptions<Data>> = {}): Manager {
  return new SessionManager<Data, Flash>({ initial: () => ({}), ...options, store })
}

/** Three methods and nothing else: the rest is the base class's. Every call takes a turn of the event loop. */
export class ThreeMethodStore extends Store {
  readonly records = new Map<string, string>()
  async get(id: string): Promise<SessionRecord | undefined> {
    await undefined
    const text = this.records.get(id)
    return text === undefined ? undefined : (JSON.parse(text) as SessionRecord)
  }
  async set(id: string, record: SessionRecord): Promise<void> {
    await undefined
    this.records.set(id, JSON.stringify(record))
  }
  async destroy(id: string): Promise<void> {
    await undefined
    this.records.delete(id)
  }
}

/** The stores that keep every promise of section 5, and how two instances of an app come to share one. */
export const STORES: { name: string; open: () => [Store, Store] }[] = [
  {
    name: 'MemoryStore',
    open() {
      const store = new MemoryStore()
      return [store, store]
    },
  },
  {
    name: 'a store of three methods',
    open() {
      const store = new ThreeMethodStore()
      return [store, store]
    },
  },
  {
    name: 'LibsqlStore, two clients of one file',
    open() {
      const directory = mkdtempSync(join(tmpdir(), 'latchkey-'))
      const url = `file:${join(directory, 'sessions.db')}`
      const stores: [LibsqlStore, LibsqlStore] = [new LibsqlStore({ url }), new LibsqlStore({ url })]
      onTestFinished(() => {
        for (const store of stores) store.close()
        rmSync(directory, { recursive: true, force: true })
      })
      return stores
    },
  },
]

/** A request under way: loaded, its handler at work, its answer not sent yet. */
export interface Underway {
  session: AnySession
  /** The handler returns: commits, and tells the token that the answer sets; `''` when it clears the cookie. */
  finish(status?: number): Promise<string | undefined>
}

export class Site {
  readonly stores: readonly [Store, Store]
  readonly one: Manager
  readonly two: Manager
  readonly clock = { now: START }
  /** What happened, in order, as event names and as whole events. */
  readonly events: string[] = []
  readonly reports: (SessionEvent & { name: string })[] = []
  #turn = 0

  constructor([first, second]: readonly [Store, Store], options: Options = {}) {
    this.stores = [first, second]
    const names =
      'created loaded updated touched regenerated destroyed expired rejected conflict merged lost storeError'.split(' ')
    const on = Object.fromEntries(
      names.map((name) => [
        name,
        (event: SessionEvent) => {
          this.events.push(name)
          this.reports.push({ name, ...event })
        },
      ]),
    )
    const shared = { ...options, on, now: () => this.clock.now }
    this.one = managerOver(first, shared)
    this.two = managerOver(second, shared)
  }

  /** A request arrives and its session is loaded; by the one instance and the other in turn. */
  async request(token?: string): Promise<Underway> {
    const sessions = this.#turn++ % 2 === 0 ? this.one : this.two
    const request = new Request(
      'https://shop.example/',
      token ? { headers: { cookie: `__Host-session=${token}` } } : {},
    )
    const session = await sessions.load(request)
    return {
      session,
      finish: async (status = 200) => {
        const response = await sessions.commit(session, new Response('ok', { status }))
        const cookies = response.headers.getSetCookie().filter((header) => header.startsWith('__Host-session='))
        if (cookies.length > 1) throw new Error(`${cookies.length} cookies of one name (P16)`)
        return cookies[0]?.slice('__Host-session='.length, cookies[0].indexOf(';'))
      },
    }
  }

  /** A whole request; the token that its answer sets. */
  async visit(token: string | undefined, handler: (session: AnySession) => unknown): Promise<string | undefined> {
    const { session, finish } = await this.request(token)
    await handler(session)
    return finish()
  }

  /** What a token opens, read by the other instance than created it. */
  async data(token: string): Promise<Data | undefined> {
    return (await this.two.findSession(token))?.data
  }

  async row(id: string | undefined): Promise<SessionRecord | undefined> {
    return (await this.stores[1].get(id as string)) ?? undefined
  }

  /** A stored session, with the event log starting after it. */
  async begin(data: Data = {}, subject?: string): Promise<{ token: string; id: string }> {
    const token = await this.one.createSession(data, subject === undefined ? {} : { subject })
    this.events.length = this.reports.length = 0
    return { token, id: token.split('.')[0] as string }
  }
}

export const idOf = (token: string | undefined): string => token?.split('.')[0] ?? ''
