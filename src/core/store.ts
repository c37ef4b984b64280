/**
 * The store contract. A store keeps records by id and never sees a token, a cookie or a `Session`, except in the four
 * lifecycle methods at the end, which the manager calls so that overriding one takes effect everywhere. Three methods
 * make a store; the base class builds the rest on them, atomic within one process. Imports no other part of the core
 * at run time but errors, so that stores can import it alone.
 */
import { SessionStateError } from './errors.ts'
import type { SessionRecord } from './record.ts'
import type { Session } from './session.ts'

export type MaybePromise<T> = T | Promise<T>

/** What the row must still be for a compare-and-set to go through. */
export interface Expected {
  version: number
  verifier: string
}

export type UpdateResult = 'ok' | 'conflict' | 'gone'

/** What a store claims. What it does not claim holds within one process only, and the docs say so. */
export interface StoreCapabilities {
  /** `create`, `update` and `touch` are one step each, for every process that shares the store. */
  atomic: boolean
  /** `'eventual'` when a read may miss a write that was acknowledged. */
  consistency: 'strong' | 'eventual'
  /** The shortest life, in milliseconds, that the backend itself can enforce. */
  minTtl?: number
  /** The record lives in the token itself (`CookieStore`). */
  carriesRecord?: boolean
}

/** What a sealed token is bound to, and where `open` may say why it refused one. */
export interface SealContext {
  /** The cookie's configured name, without its prefix. */
  name: string
  /** Told why a token was refused, for the `rejected` event. */
  reject?(reason: 'malformed' | 'key' | 'signature'): void
}

/**
 * The bare contract, for a store written from nothing. `get`, `set` and `destroy` are enough; what is missing is built
 * on them as in `Store`, lifecycle methods fall back to the manager's own, and a call that needs another missing
 * method is a `SessionUnsupportedError`.
 */
export interface StoreModel {
  /** The record, or `undefined` when there is none. Throws only when the backend failed; `SessionNotFoundError` means missing. */
  get(id: string): MaybePromise<SessionRecord | undefined>
  /** Writes the record whatever was there. */
  set(id: string, record: SessionRecord): MaybePromise<void>
  /** Removes the record, idempotently; may tell whether there was one. */
  destroy(id: string): MaybePromise<boolean | void>
  /** Inserts; `false`, and nothing touched, if the id is taken (S04). */
  create?(record: SessionRecord): MaybePromise<boolean>
  /**
   * Compare-and-set: replaces the row only if it still is `expected`. Never inserts (S06). Keeps the later `expiresAt`
   * of the two unless `exactExpiry`, which comes with a changed lifetime or subject.
   */
  update?(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): MaybePromise<UpdateResult>
  /**
   * Moves the expiry forward, never back and never past `endsAt`, only if the row still is `expected` (S18, S19).
   * Writes no data and leaves `version` alone. `false` when the row was not that.
   */
  touch?(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): MaybePromise<boolean>
  /** Removes up to `limit` records with `expiresAt <= now`; how many it removed (S20). */
  removeExpired?(now: number, limit: number): MaybePromise<number>
  /** How many records have `expiresAt <= now`. */
  countExpired?(now: number): MaybePromise<number>
  /** Every record, in no order. */
  all?(): AsyncIterable<SessionRecord>
  /** How many records there are, expired ones that were not swept included. */
  length?(): MaybePromise<number>
  /** Removes every record. */
  clear?(): MaybePromise<void>
  /** All records of a subject, expired ones that were not swept included. */
  findBySubject?(subject: string): MaybePromise<SessionRecord[]>
  /** Removes all records of a subject, except one; the ids it removed. */
  removeBySubject?(subject: string, exceptId?: string): MaybePromise<string[]>
  /** Only for stores whose token carries the record: the token. */
  seal?(record: SessionRecord, context: SealContext): MaybePromise<string>
  /** Only for stores whose token carries the record: the record, or `undefined`. Never throws for bad input. */
  open?(token: string, context: SealContext): MaybePromise<SessionRecord | undefined>
  readonly capabilities?: StoreCapabilities
  generate?(request: Request, manager?: object): MaybePromise<Session>
  regenerate?(request: Request, manager?: object): MaybePromise<Session>
  load?(id: string, manager?: object): MaybePromise<SessionRecord | undefined>
  createSession?(request: Request, record: SessionRecord, bind?: boolean, manager?: object): MaybePromise<Session>
}

/** What a manager does for the lifecycle methods of its store. */
export interface Lifecycle {
  generate(request: Request): Session
  regenerate(request: Request): Promise<Session>
  createSession(request: Request, record: SessionRecord, bind: boolean): Session
}

const lifecycles = new WeakMap<object, Lifecycle>()
const managersOf = new WeakMap<object, { first: WeakRef<object>; several: boolean }>()

/** Makes a manager known to its store. Weak on both sides: neither keeps the other alive. */
export function attach(store: object, manager: object, lifecycle: Lifecycle): void {
  lifecycles.set(manager, lifecycle)
  const known = managersOf.get(store)
  if (known) known.several = true
  else managersOf.set(store, { first: new WeakRef(manager), several: false })
}

function lifecycleOf(store: object, manager: object | undefined): Lifecycle {
  const known = managersOf.get(store)
  if (!manager && known?.several) {
    throw new SessionStateError('This store serves several managers. Pass the manager as the last argument.')
  }
  const lifecycle = lifecycles.get(manager ?? known?.first.deref() ?? store)
  if (!lifecycle)
    throw new SessionStateError('This store has no manager yet. Give it to a `new SessionManager({ store })`.')
  return lifecycle
}

/** Runs the tasks of one id one after the other, so that the base class's get-compare-set is one step in this process. */
class Lock {
  readonly #tails = new Map<string, Promise<unknown>>()
  async run<T>(id: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.#tails.get(id) ?? Promise.resolve()).then(task)
    const tail = turn.catch(() => {})
    this.#tails.set(id, tail)
    try {
      return await turn
    } finally {
      if (this.#tails.get(id) === tail) this.#tails.delete(id)
    }
  }
}

const locks = new WeakMap<object, Lock>()
function exclusively<T>(store: object, id: string, task: () => Promise<T>): Promise<T> {
  let lock = locks.get(store)
  if (!lock) locks.set(store, (lock = new Lock()))
  return lock.run(id, task)
}

/** The base of all stores: extend it with `get`, `set` and `destroy`, and override what the backend can do better. */
export abstract class Store implements StoreModel {
  abstract get(id: string): MaybePromise<SessionRecord | undefined>
  abstract set(id: string, record: SessionRecord): MaybePromise<void>
  abstract destroy(id: string): MaybePromise<boolean | void>

  get capabilities(): StoreCapabilities {
    return { atomic: false, consistency: 'strong' }
  }

  create(record: SessionRecord): MaybePromise<boolean> {
    return exclusively(this, record.id, async () => {
      if (await this.get(record.id)) return false
      await this.set(record.id, record)
      return true
    })
  }

  update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): MaybePromise<UpdateResult> {
    return exclusively(this, record.id, async () => {
      const current = await this.get(record.id)
      if (!current) return 'gone'
      if (current.version !== expected.version || current.verifier !== expected.verifier) return 'conflict'
      const expiresAt = options?.exactExpiry ? record.expiresAt : Math.max(record.expiresAt, current.expiresAt)
      await this.set(record.id, { ...record, expiresAt })
      return 'ok'
    })
  }

  touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): MaybePromise<boolean> {
    return exclusively(this, id, async () => {
      const current = await this.get(id)
      if (!current || current.version !== expected.version || current.verifier !== expected.verifier) return false
      const latest = Math.min(expiresAt, current.endsAt ?? Infinity)
      await this.set(id, {
        ...current,
        expiresAt: Math.max(current.expiresAt, latest),
        lastSeenAt: Math.max(current.lastSeenAt, lastSeenAt),
      })
      return true
    })
  }

  removeExpired?(now: number, limit: number): MaybePromise<number>
  countExpired?(now: number): MaybePromise<number>
  all?(): AsyncIterable<SessionRecord>
  length?(): MaybePromise<number>
  clear?(): MaybePromise<void>
  findBySubject?(subject: string): MaybePromise<SessionRecord[]>
  removeBySubject?(subject: string, exceptId?: string): MaybePromise<string[]>
  seal?(record: SessionRecord, context: SealContext): MaybePromise<string>
  open?(token: string, context: SealContext): MaybePromise<SessionRecord | undefined>

  /** Where every new request-bound session starts. */
  generate(request: Request, manager?: object): MaybePromise<Session> {
    return lifecycleOf(this, manager).generate(request)
  }

  /** Ends the request's session and starts an empty one under a new id. */
  regenerate(request: Request, manager?: object): MaybePromise<Session> {
    return lifecycleOf(this, manager).regenerate(request)
  }

  /** The record the manager goes on with; the core judges its secret and its times. */
  load(id: string, _manager?: object): MaybePromise<SessionRecord | undefined> {
    return this.get(id)
  }

  /** Builds the `Session` of a stored record, and binds it to the request unless `bind` is `false`. */
  createSession(request: Request, record: SessionRecord, bind = true, manager?: object): MaybePromise<Session> {
    return lifecycleOf(this, manager).createSession(request, record, bind)
  }
}

/** A bare `StoreModel`, completed by the base class: what the model has is called, what it lacks is built. */
class CompletedStore extends Store {
  readonly #model: StoreModel
  constructor(model: StoreModel) {
    super()
    this.#model = model
    const own = this as unknown as Record<string, unknown>
    for (const name of DELEGATED) {
      if (typeof model[name] === 'function') own[name] = (model[name] as (...args: unknown[]) => unknown).bind(model)
    }
  }
  override get capabilities(): StoreCapabilities {
    return this.#model.capabilities ?? super.capabilities
  }
  get(id: string): MaybePromise<SessionRecord | undefined> {
    return this.#model.get(id)
  }
  set(id: string, record: SessionRecord): MaybePromise<void> {
    return this.#model.set(id, record)
  }
  destroy(id: string): MaybePromise<boolean | void> {
    return this.#model.destroy(id)
  }
}

const DELEGATED = [
  'create',
  'update',
  'touch',
  'removeExpired',
  'countExpired',
  'all',
  'length',
  'clear',
  'findBySubject',
  'removeBySubject',
  'seal',
  'open',
  'generate',
  'regenerate',
  'load',
  'createSession',
] as const satisfies (keyof StoreModel)[]

const completed = new WeakMap<StoreModel, Store>()

/** The full store behind what the user gave: itself, or a bare model completed (once, so that its lock is shared). */
export function completeStore(model: StoreModel): Store {
  if (model instanceof Store) return model
  let store = completed.get(model)
  if (!store) completed.set(model, (store = new CompletedStore(model)))
  return store
}

/** The store's own name, for messages. */
export function storeName(model: object): string {
  return model.constructor?.name || 'store'
}

/** Destroys a record, in turn with the base class's compare-and-set where the store relies on that (P6). */
export function destroyRecord(store: Store, id: string): Promise<boolean | void> {
  const task = async (): Promise<boolean | void> => store.destroy(id)
  return store.update === Store.prototype.update ? exclusively(store, id, task) : task()
}
