/**
 * The base class of stores: three methods make one, and the rest is built on them, atomic within one process. Imports
 * nothing of the core that imports a store, so that stores can import it alone.
 */
import { SessionNotFoundError } from './errors.ts'
import { lifecycleOf } from './lifecycle.ts'
import { exclusively } from './lock.ts'
import type { SessionRecord } from './record.ts'
import type { Session } from './session.ts'
import type {
  Expected,
  MaybePromise,
  Revocations,
  SealContext,
  StoreCapabilities,
  StoreModel,
  UpdateResult,
} from './store-model.ts'

export type { Expected, MaybePromise, SealContext, StoreCapabilities, StoreModel, UpdateResult }

/** The base of all stores: extend it with `get`, `set` and `destroy`, and override what the backend can do better. */
export abstract class Store implements StoreModel {
  abstract get(id: string): MaybePromise<SessionRecord | undefined>
  abstract set(id: string, record: SessionRecord): MaybePromise<void>
  abstract destroy(id: string): MaybePromise<boolean | void>

  get capabilities(): StoreCapabilities {
    return { atomic: false, consistency: 'strong' }
  }

  get copyTtl(): number | undefined {
    return undefined
  }

  /** Only for stores whose token carries the record, where they remember what ended. */
  get revocations(): Revocations | undefined {
    return undefined
  }

  create(record: SessionRecord): MaybePromise<boolean> {
    return exclusively(this, record.id, async () => {
      if (await getRecord(this, record.id)) return false
      await this.set(record.id, record)
      return true
    })
  }

  update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): MaybePromise<UpdateResult> {
    return exclusively(this, record.id, async () => {
      const current = await getRecord(this, record.id)
      if (!current) return 'gone'
      if (current.version !== expected.version || current.verifier !== expected.verifier) return 'conflict'
      const expiresAt = options?.exactExpiry ? record.expiresAt : Math.max(record.expiresAt, current.expiresAt)
      await this.set(record.id, { ...record, expiresAt })
      return 'ok'
    })
  }

  touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): MaybePromise<boolean> {
    return exclusively(this, id, async () => {
      const current = await getRecord(this, id)
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
const originals = new WeakMap<Store, StoreModel>()

/** The full store behind what the user gave: itself, or a bare model completed (once, so that its lock is shared). */
export function completeStore(model: StoreModel): Store {
  if (model instanceof Store) return model
  let store = completed.get(model)
  if (!store) {
    completed.set(model, (store = new CompletedStore(model)))
    originals.set(store, model)
  }
  return store
}

/** The name of the store that the user gave, for messages. */
export function storeName(store: Store): string {
  return (originals.get(store) ?? store).constructor?.name || 'The store'
}

/** The record, or `undefined`: a `get` that throws `SessionNotFoundError` says "missing" too. */
export async function getRecord(store: StoreModel, id: string): Promise<SessionRecord | undefined> {
  try {
    return await store.get(id)
  } catch (error) {
    if (error instanceof SessionNotFoundError) return undefined
    throw error
  }
}

/** Destroys a record, in turn with the base class's compare-and-set where the store relies on that (P6). */
export function destroyRecord(store: Store, id: string): Promise<boolean | void> {
  const task = async (): Promise<boolean | void> => store.destroy(id)
  return reliesOnLock(store) ? exclusively(store, id, task) : task()
}

/** For a record the store has removed by itself: destroyed once more, after what the base class had halfway. */
export async function destroyInTurn(store: Store, id: string): Promise<void> {
  if (reliesOnLock(store)) await destroyRecord(store, id)
}

function reliesOnLock(store: Store): boolean {
  return store.update === Store.prototype.update || store.touch === Store.prototype.touch
}
