/**
 * A store that fails or stalls on command, and counts its calls: for tests of what an application does when its store is
 * down or slow, and the barrier with which the conformance kit forces races to overlap. It stands in front of a real
 * store and adds nothing to what that one does.
 */
import { completeStore, destroyRecord, Store } from '../core/store.ts'
import type { MaybePromise, StoreCallOptions, StoreCapabilities, StoreModel } from '../core/store.ts'
import type { SessionRecord } from '../core/record.ts'
import type { Copies, Revocations } from '../core/store-model.ts'

const RECORD_METHODS = ['create', 'update', 'touch', 'load'] as const
const OPTIONAL_METHODS = [
  'removeExpired',
  'countExpired',
  'all',
  'length',
  'clear',
  'findBySubject',
  'removeBySubject',
  'seal',
  'open',
] as const
const LIFECYCLE_METHODS = ['generate', 'regenerate', 'createSession'] as const

/** The methods that can be made to fail or stall, and are counted. */
export type StoreMethod =
  | 'get'
  | 'set'
  | 'destroy'
  | (typeof RECORD_METHODS)[number]
  | (typeof OPTIONAL_METHODS)[number]

/** How a method fails. */
export interface FailOptions {
  /** How many calls fail. Default: all, until `heal()`. */
  times?: number
  /** What is thrown. Default: a plain `Error`. */
  error?: unknown
  /** `true`: the call takes effect first and fails then, as when the answer got lost. Default `false`. */
  after?: boolean
}

/** Lets the stalled calls go on, and those to come. */
export interface Release {
  (): void
  /** Resolves once this many calls wait. Default 1. */
  reached(count?: number): Promise<void>
}

interface Failure {
  left: number
  error: unknown
  after: boolean
}

type Gate = <T>(method: StoreMethod, call: () => MaybePromise<T>) => Promise<T>

/** The store behind, with `get` and `set` gated, so that what is built on them meets the gate too: the base class, a load. */
class Backend extends Store {
  readonly #store: Store
  readonly #gate: Gate
  constructor(store: Store, gate: Gate) {
    super()
    this.#store = store
    this.#gate = gate
    const own = this as unknown as Record<string, unknown>
    for (const name of [...RECORD_METHODS, ...OPTIONAL_METHODS, ...LIFECYCLE_METHODS]) {
      const method = store[name] as ((...args: unknown[]) => unknown) | undefined
      if (method && method !== Store.prototype[name]) own[name] = method.bind(store)
    }
    // A wrapper's own load reads, too, past this `get`: from whatever it wraps.
    if (store.load !== Store.prototype.load) this.load = (...args) => gate('get', () => store.load(...args))
  }
  get(id: string, options?: StoreCallOptions): Promise<SessionRecord | undefined> {
    return this.#gate('get', () => this.#store.get(id, options))
  }
  set(id: string, record: SessionRecord, options?: StoreCallOptions): Promise<void> {
    return this.#gate('set', () => this.#store.set(id, record, options))
  }
  destroy(id: string, options?: StoreCallOptions): MaybePromise<boolean | void> {
    // In turn with what the store behind does under its own lock, beside what this one's base class does.
    return destroyRecord(this.#store, id, options)
  }
  override get capabilities(): StoreCapabilities {
    return this.#store.capabilities
  }
}

/** A store in front of another one; see `faulty`. */
export class FaultyStore extends Store {
  /** How often each method was called, what the base class calls included. */
  readonly calls: Record<StoreMethod, number>
  readonly #store: Store
  readonly #backend: Backend
  readonly #failures = new Map<StoreMethod, Failure>()
  readonly #stalls = new Map<StoreMethod, { opened: Promise<void>; arrive: () => void }>()

  constructor(model: StoreModel) {
    super()
    this.#store = completeStore(model)
    const gate: Gate = (method, call) => this.#pass(method, call)
    const backend = new Backend(this.#store, gate)
    this.#backend = backend
    const names = ['get', 'set', 'destroy', ...RECORD_METHODS, ...OPTIONAL_METHODS] as const
    this.calls = Object.fromEntries(names.map((name) => [name, 0])) as Record<StoreMethod, number>

    const own = this as unknown as Record<string, unknown>
    for (const name of [...RECORD_METHODS, ...OPTIONAL_METHODS]) {
      const method = backend[name] as ((...args: unknown[]) => never) | undefined
      if (!method) continue
      if (name === 'all') own[name] = () => this.#everything()
      else own[name] = (...args: unknown[]) => this.#pass(name, () => method.apply(backend, args))
    }
    for (const name of LIFECYCLE_METHODS) {
      if (backend[name] !== Store.prototype[name]) own[name] = backend[name]
    }
  }

  override get capabilities(): StoreCapabilities {
    return this.#store.capabilities
  }
  override get copies(): Copies | undefined {
    return this.#store.copies
  }
  override get revocations(): Revocations | undefined {
    return this.#store.revocations
  }
  override get(id: string, options?: StoreCallOptions): Promise<SessionRecord | undefined> {
    return this.#backend.get(id, options)
  }
  override set(id: string, record: SessionRecord, options?: StoreCallOptions): Promise<void> {
    return this.#backend.set(id, record, options)
  }
  override destroy(id: string, options?: StoreCallOptions): Promise<boolean | void> {
    return this.#pass('destroy', () => destroyRecord(this.#backend, id, options))
  }

  /** Makes a method fail. Returns what ends it. */
  fail(method: StoreMethod, options: FailOptions = {}): () => void {
    const { times = Infinity, error = new Error(`${method} failed on command`), after = false } = options
    const failure = { left: times, error, after }
    this.#failures.set(method, failure)
    return () => {
      if (this.#failures.get(method) === failure) this.#failures.delete(method)
    }
  }

  /** Makes every call of a method wait, before it takes effect, until the returned function is called. */
  stall(method: StoreMethod): Release {
    let waiting = 0
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const watchers: { count: number; resolve: () => void }[] = []
    const arrive = (): void => {
      waiting++
      for (const { count, resolve } of watchers) if (waiting >= count) resolve()
    }
    const stalled = { opened, arrive }
    this.#stalls.set(method, stalled)
    const release = (): void => {
      if (this.#stalls.get(method) === stalled) this.#stalls.delete(method)
      open()
    }
    const reached = (count = 1): Promise<void> =>
      waiting >= count ? Promise.resolve() : new Promise((resolve) => watchers.push({ count, resolve }))
    return Object.assign(release, { reached })
  }

  /** Ends every failure. */
  heal(): void {
    this.#failures.clear()
  }

  async #pass<T>(method: StoreMethod, call: () => MaybePromise<T>): Promise<T> {
    this.calls[method]++
    const stalled = this.#stalls.get(method)
    if (stalled) {
      stalled.arrive()
      await stalled.opened
    }
    const failure = this.#failures.get(method)
    if (!failure || failure.left <= 0) return call()
    failure.left--
    if (failure.after) await call()
    throw failure.error
  }

  async *#everything(): AsyncGenerator<SessionRecord, void, undefined> {
    await this.#pass('all', () => {})
    if (this.#backend.all) yield* this.#backend.all()
  }
}

/**
 * Puts a store in front of `store` that fails or stalls when told to. Use it in the place of the store, in one manager's
 * `store` option:
 *
 * ```ts
 * const store = faulty(new MemoryStore())
 * const sessions = new SessionManager({ store })
 * store.fail('get', { times: 1 }) // the next load throws StoreUnavailableError
 * const release = store.stall('update') // writes wait ...
 * await release.reached() // ... until one has come
 * release()
 * ```
 */
export function faulty(store: StoreModel): FaultyStore {
  return new FaultyStore(store)
}
