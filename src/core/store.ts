/**
 * The base class of stores: three methods make one, and the rest is built on them, atomic within one process. Imports
 * nothing of the core that imports a store, so that stores can import it alone.
 */
import { touched, updated } from './compare.ts'
import { SessionNotFoundError } from './errors.ts'
import { lifecycleOf } from './lifecycle.ts'
import { exclusively, unlessAborted } from './lock.ts'
import type { SessionRecord } from './record.ts'
import type { Session } from './session.ts'
import type {
  Copies,
  Expected,
  MaybePromise,
  Revocations,
  SealContext,
  StoreCallOptions,
  StoreCapabilities,
  StoreModel,
  UpdateOptions,
  UpdateResult,
} from './store-model.ts'

export type {
  Expected,
  MaybePromise,
  SealContext,
  StoreCallOptions,
  StoreCapabilities,
  StoreModel,
  UpdateOptions,
  UpdateResult,
}

/** The base of all stores: extend it with `get`, `set` and `destroy`, and override what the backend can do better. */
export abstract class Store implements StoreModel {
  abstract get(id: string, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined>
  abstract set(id: string, record: SessionRecord, options?: StoreCallOptions): MaybePromise<void>
  abstract destroy(id: string, options?: StoreCallOptions): MaybePromise<boolean | void>

  get capabilities(): StoreCapabilities {
    return { atomic: false, consistency: 'strong' }
  }

  /** @internal What few stores bring along, so that nobody else carries it. */
  get copies(): Copies | undefined {
    return undefined
  }

  /** @internal */
  get revocations(): Revocations | undefined {
    return undefined
  }

  create(record: SessionRecord, options?: StoreCallOptions): MaybePromise<boolean> {
    return exclusively(this, record.id, options, async () => {
      if (await getRecord(this, record.id, options)) return false
      await this.set(record.id, record, options)
      return true
    })
  }

  update(record: SessionRecord, expected: Expected, options?: UpdateOptions): MaybePromise<UpdateResult> {
    return exclusively(this, record.id, options, async () => {
      const next = updated(await getRecord(this, record.id, options), record, expected, options?.exactExpiry)
      if (typeof next === 'string') return next
      await this.set(record.id, next, options)
      return 'ok'
    })
  }

  touch(
    id: string,
    expiresAt: number,
    lastSeenAt: number,
    expected: Expected,
    options?: StoreCallOptions,
  ): MaybePromise<boolean> {
    return exclusively(this, id, options, async () => {
      const next = touched(await getRecord(this, id, options), expiresAt, lastSeenAt, expected)
      if (next) await this.set(id, next, options)
      return next !== undefined
    })
  }

  removeExpired?(now: number, limit: number, options?: StoreCallOptions): MaybePromise<number>
  countExpired?(now: number, options?: StoreCallOptions): MaybePromise<number>
  all?(): AsyncIterable<SessionRecord>
  length?(): MaybePromise<number>
  clear?(): MaybePromise<void>
  findBySubject?(subject: string, options?: StoreCallOptions): MaybePromise<SessionRecord[]>
  removeBySubject?(subject: string, exceptId?: string, options?: StoreCallOptions): MaybePromise<string[]>
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
  load(id: string, _manager?: object, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined> {
    return this.get(id, options)
  }

  /** Builds the `Session` of a stored record, and binds it to the request unless `bind` is `false`. */
  createSession(request: Request, record: SessionRecord, bind = true, manager?: object): MaybePromise<Session> {
    return lifecycleOf(this, manager).createSession(request, record, bind)
  }
}

/** What a bare `StoreModel` may bring itself; the base class has, or lacks, the rest. */
const METHODS = [
  'get',
  'set',
  'destroy',
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
const originals = new WeakMap<Store, StoreModel>()

/** The full store behind what the user gave: itself, or a bare model completed (once, so that its lock is shared). */
export function completeStore(model: StoreModel): Store {
  if (model instanceof Store) return model
  const known = completed.get(model)
  if (known) return known
  const store = Object.create(Store.prototype) as Store
  const own = store as unknown as Record<string, unknown>
  for (const name of METHODS) {
    if (typeof model[name] === 'function')
      own[name] = (...args: unknown[]) => (model[name] as (...all: unknown[]) => unknown).apply(model, args)
  }
  if (model.capabilities) Object.defineProperty(store, 'capabilities', { get: () => model.capabilities })
  completed.set(model, store)
  originals.set(store, model)
  return store
}

/** The name of the store that the user gave, for messages. */
export function storeName(store: Store): string {
  return (originals.get(store) ?? store).constructor?.name || 'The store'
}

/** What the base class compares with: the record, or `undefined`; a `get` that throws `SessionNotFoundError` says "missing" too. */
export async function getRecord(
  store: StoreModel,
  id: string,
  options?: StoreCallOptions,
): Promise<SessionRecord | undefined> {
  try {
    // Given up when the time is over: its turn ends then, and nothing is written after it.
    return await unlessAborted(store.get(id, options), options)
  } catch (error) {
    if (error instanceof SessionNotFoundError) return undefined
    throw error
  }
}

/** Destroys a record, in turn with the base class's compare-and-set where the store relies on that (P6). */
export function destroyRecord(store: Store, id: string, options?: StoreCallOptions): MaybePromise<boolean | void> {
  if (!reliesOnLock(store)) return store.destroy(id, options)
  // Given up like a read: should it end the session after all, then that is what was asked for.
  return exclusively(store, id, options, () => unlessAborted(store.destroy(id, options), options))
}

/** For a record the store has removed by itself: destroyed once more, after what the base class had halfway. */
export function destroyInTurn(store: Store, id: string, options?: StoreCallOptions): MaybePromise<boolean | void> {
  return reliesOnLock(store) ? destroyRecord(store, id, options) : undefined
}

/** An `update` of its own may still be the base class's, by `super`: only what is atomic, or too late for any lock, has none. */
function reliesOnLock(store: Store): boolean {
  const { atomic, consistency } = store.capabilities
  return (
    store.update === Store.prototype.update ||
    store.touch === Store.prototype.touch ||
    (!atomic && consistency === 'strong')
  )
}
