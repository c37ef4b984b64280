/**
 * A world of one visitor for the model: the real manager over a store whose every call waits for the scheduler, and an
 * honest browser, which sends the cookie it holds when it sends and applies Set-Cookie in the order answers arrive.
 * What happens next is always one choice among the requests that can move: to be sent, to have its store call carried
 * out, to have its answer arrive. Between two choices exactly one request runs, so a run is repeated by its choices.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { SessionManager, type Session, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { SteppedStore, SteppedThreeMethodStore, type Step } from './stepped-store.ts'

export type Data = { a?: string; b?: string; n?: number; mine?: string }
type Visit = Session<Data, { notice: string }>

export const NOW = 1_700_000_000_000
export const OLD_ID = 'the-old-session'
const OLD_SECRET = 'o'.repeat(43)
/** The token the browser starts with; the attacker has a copy. */
export const OLD_TOKEN = `${OLD_ID}.${OLD_SECRET}`
/** Who is signed in at the start, and whom a login makes it. */
export const USER = 'u_1'
export const NEWCOMER = 'u_2'

/** What a request's handler does. A read is due for a touch, unless another request was there first. */
export const HANDLERS = {
  read: (session) => void session.data.a,
  writeA: (session, name) => void (session.data.a = name),
  writeB: (session, name) => void (session.data.b = name),
  increment: (session) => session.update((data) => void (data.n = (data.n ?? 0) + 1)),
  login: (session) => {
    session.subject = NEWCOMER
    session.data.mine = 'private'
  },
  loginAndWrite: (session, name) => {
    session.data.a = name
    session.subject = NEWCOMER
    session.data.mine = 'private'
  },
  regenerate: (session) => session.regenerate(),
  signOut: (session) => session.regenerate({ keepData: false }),
  logout: (session) => session.destroy(),
  csrf: async (session) => void (await session.csrfToken()),
} satisfies Record<string, (session: Visit, name: string) => void | Promise<void>>

export type Kind = keyof typeof HANDLERS
/**
 * `visitor`: a session without a subject. `user`: a signed-in one. `rotating`: the same, its token old enough for
 * `rotateEvery`. `nothing`: no cookie yet.
 */
export type Start = 'visitor' | 'user' | 'rotating' | 'nothing'

export function startsSignedIn(start: Start): boolean {
  return start === 'user' || start === 'rotating'
}

/** `three methods`: only `get`, `set` and `destroy` are the store's, and all else the base class's, each call a move. */
export type StoreKind = 'memory' | 'three methods'

/** What a request waits for, and what that touches. */
type Wait =
  | { on: 'send' }
  | { on: 'store'; call: string; id: string; writes: boolean; go: () => void }
  | { on: 'arrival'; cookie: string }

export interface Actor {
  name: string
  kind: Kind
  wait: Wait | undefined
  /** When it was sent and when its cookie arrived, as the number of the choice. */
  sentAt: number
  arrivedAt: number
  sentToken: string | undefined
  session: Visit | undefined
  answered: boolean
  /** Was signed in already, as whom a login makes it: then a login is an ordinary write. */
  knownBefore: boolean
  /** Who it was served as. */
  servedAs: string | undefined
  error: unknown
  lost: boolean
}

/** Which request the code that runs belongs to. One for all worlds: older runtimes never let go of one. */
const running = new AsyncLocalStorage<Actor>()

export class World {
  readonly kinds: readonly Kind[]
  readonly start: Start
  readonly storeKind: StoreKind
  readonly actors: Actor[]
  readonly records = new MemoryStore()
  readonly sessions: SessionManager<Data, { notice: string }>
  /** Every token that ever left the server, the first one included. */
  readonly tokens: string[] = []
  readonly trace: string[] = []
  /** Set by a broken invariant that only shows in between. */
  readonly broken: string[] = []
  jar: string | undefined
  lastCookieFrom: Actor | undefined
  /** How often the old session has changed its token. */
  turns = 0
  #settled: (() => void) | undefined
  #clock = 0

  constructor(kinds: readonly Kind[], start: Start, storeKind: StoreKind) {
    this.kinds = kinds
    this.start = start
    this.storeKind = storeKind
    this.actors = kinds.map((kind, index) => ({
      name: `${kind}#${index + 1}`,
      kind,
      wait: { on: 'send' },
      sentAt: -1,
      arrivedAt: -1,
      sentToken: undefined,
      session: undefined,
      answered: false,
      knownBefore: false,
      servedAs: undefined,
      error: undefined,
      lost: false,
    }))
    const step: Step = (call, id, writes, run) => this.#store(call, id, writes, run)
    this.sessions = new SessionManager<Data, { notice: string }>({
      store:
        storeKind === 'memory' ? new SteppedStore(this.records, step) : new SteppedThreeMethodStore(this.records, step),
      now: () => NOW,
      ...(start === 'rotating' ? { rotateEvery: '1h' } : {}),
      on: {
        lost: () => {
          const actor = running.getStore()
          if (actor) actor.lost = true
        },
      },
    })
    if (start === 'nothing') return
    this.records.set(OLD_ID, oldRecord(start))
    this.tokens.push(OLD_TOKEN)
    this.jar = OLD_TOKEN
  }

  /** The requests that can move. Two of a kind are sent in their order: the other way round is the same run. */
  movable(): number[] {
    const able: number[] = []
    for (const [index, actor] of this.actors.entries()) {
      if (!actor.wait) continue
      const twin =
        actor.wait.on === 'send' && this.actors.findIndex((other) => other.kind === actor.kind && unsent(other))
      if (twin === false || twin === index) able.push(index)
    }
    return able
  }

  /** Whether two moves can change places without anybody noticing. */
  independent(one: number, other: number): boolean {
    const [a, b] = [this.actors[one]?.wait, this.actors[other]?.wait]
    if (!a || !b) return true
    if (a.on === 'store' && b.on === 'store') {
      // Over the base class a call may also take or free its lock, so every order counts.
      return this.storeKind === 'memory' && (a.id !== b.id || !(a.writes || b.writes))
    }
    if (a.on === 'store' || b.on === 'store') return true
    return a.on === 'send' && b.on === 'send'
  }

  /** Lets one request move, until it waits again or is done. */
  async move(index: number): Promise<void> {
    const actor = this.actors[index] as Actor
    const wait = actor.wait as Wait
    actor.wait = undefined
    this.#clock++
    if (wait.on === 'arrival') return this.#arrive(actor, wait.cookie)
    const settled = new Promise<void>((resolve) => (this.#settled = resolve))
    if (wait.on === 'store') wait.go()
    else void running.run(actor, () => this.#request(actor))
    // One that waits for the base class's lock does not settle: it stands still when there is nothing left to run.
    await (this.storeKind === 'memory' ? settled : new Promise((resolve) => setImmediate(resolve)))
  }

  /** A request of somebody else with a token of their own, after everything; the token it is answered with. */
  async visit(token: string, handler: (session: Visit) => void): Promise<string | undefined> {
    const session = await this.sessions.load(
      new Request('https://shop.example/', { headers: { cookie: cookie(token) } }),
    )
    handler(session)
    return tokenIn(await this.sessions.commit(session, new Response('ok')))
  }

  async #request(actor: Actor): Promise<void> {
    actor.sentAt = this.#clock
    actor.sentToken = this.jar
    this.trace.push(`${actor.name} is sent with ${this.nameOf(this.jar)}`)
    try {
      const request = new Request('https://shop.example/', this.jar ? { headers: { cookie: cookie(this.jar) } } : {})
      actor.session = await this.sessions.load(request)
      actor.servedAs = actor.session.subject
      actor.knownBefore = actor.servedAs === NEWCOMER
      await HANDLERS[actor.kind](actor.session, actor.name)
      const response = await this.sessions.commit(actor.session, new Response('ok'))
      actor.answered = true
      const set = response.headers.getSetCookie()[0]
      const token = tokenIn(response)
      if (token) this.tokens.push(token)
      // An answer without a cookie changes nothing on arrival: it may arrive at once.
      if (set !== undefined) actor.wait = { on: 'arrival', cookie: token ?? '' }
      this.trace.push(`${actor.name} is answered${actor.lost ? ', its write lost' : ''}`)
    } catch (error) {
      actor.error = error
      this.trace.push(`${actor.name} fails: ${String(error)}`)
    }
    this.#settled?.()
  }

  #arrive(actor: Actor, token: string): void {
    actor.arrivedAt = this.#clock
    this.jar = token || undefined
    this.lastCookieFrom = actor
    this.trace.push(`${actor.name}'s answer arrives: the browser holds ${this.nameOf(this.jar)}`)
  }

  /** A store call: carried out when the scheduler says so. Outside the model's requests at once. */
  #store<T>(call: string, id: string, writes: boolean, run: () => T): T | Promise<T> {
    const actor = running.getStore()
    if (!actor) return run()
    return new Promise((resolve, reject) => {
      const go = (): void => {
        const before = this.records.get(OLD_ID)
        try {
          const result = run()
          const shown = typeof result === 'object' ? 'a record' : String(result)
          this.trace.push(`${actor.name}: ${call}(${id === OLD_ID ? 'old id' : 'new id'}) → ${shown}`)
          this.#watch(before, this.records.get(OLD_ID))
          resolve(result)
        } catch (error) {
          reject(error as Error)
        }
      }
      actor.wait = { on: 'store', call, id, writes, go }
      this.#settled?.()
    })
  }

  /** What may never happen to the first session's row, however it ends. */
  #watch(before: SessionRecord | undefined, after: SessionRecord | undefined): void {
    if (!before && after) this.broken.push('P6: the old session was recreated under its id')
    if (before && after && before.verifier !== after.verifier) {
      this.turns++
      if (after.verifier === OLD_VERIFIER) this.broken.push('P7: the old token came back')
    }
  }

  nameOf(token: string | undefined): string {
    return token === undefined ? 'no token' : `token ${this.tokens.indexOf(token)}`
  }
}

function unsent(actor: Actor): boolean {
  return actor.wait?.on === 'send'
}

export function verifierOf(token: string): string {
  return createHash('sha256')
    .update(token.split('.')[1] as string)
    .digest('base64url')
}
const OLD_VERIFIER = verifierOf(OLD_TOKEN)

/** Seen last 20 hours ago: due for a touch under the default options. */
function oldRecord(start: Start): SessionRecord {
  const hour = 3_600_000
  const record: SessionRecord = {
    id: OLD_ID,
    verifier: OLD_VERIFIER,
    data: JSON.stringify(startsSignedIn(start) ? { mine: 'private' } : {}),
    version: 1,
    createdAt: NOW - 20 * hour,
    rotatedAt: NOW - 20 * hour,
    lastSeenAt: NOW - 20 * hour,
    expiresAt: NOW + 4 * hour,
    endsAt: NOW + 700 * hour,
  }
  return startsSignedIn(start) ? { ...record, subject: USER, authenticatedAt: NOW - 20 * hour } : record
}

function cookie(token: string): string {
  return `__Host-session=${token}`
}

/** The token a response sets; `undefined` when it sets none or clears it. */
function tokenIn(response: Response): string | undefined {
  const set = response.headers.getSetCookie().find((header) => header.startsWith('__Host-session='))
  return set?.slice('__Host-session='.length, set.indexOf(';')) || undefined
}
