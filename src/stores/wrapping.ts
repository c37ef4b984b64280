/**
 * What a store that stands in front of another one shares with its kind: every call goes to the store behind, what that store
 * lacks stays lacking, and its lifecycle methods take effect. A wrapper overrides what it changes.
 */
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'
import { attach, lifecycleOf, managerOf } from '../core/lifecycle.ts'
import type { SessionRecord } from '../core/record.ts'
import {
  completeStore,
  destroyInTurn,
  destroyRecord,
  Store,
  type Expected,
  type MaybePromise,
  type StoreCallOptions,
  type StoreCapabilities,
  type StoreModel,
  type UpdateOptions,
  type UpdateResult,
} from '../core/store.ts'
import type { Session } from '../core/session.ts'

const OPTIONAL = ['removeExpired', 'countExpired', 'all', 'length', 'clear', 'findBySubject'] as const

/** Passes everything on to the store behind it. */
export abstract class WrappingStore extends Store {
  readonly #store: Store
  /** The managers that the store behind knows. */
  readonly #known = new WeakSet<object>()

  /**
   * @param purpose what it needs a store for, for the message
   * @throws SessionConfigError when that is no store
   */
  constructor(store: StoreModel, name: string, purpose: string) {
    super()
    if (typeof (store as StoreModel | undefined)?.get !== 'function')
      throw new SessionConfigError(`${name} got ${describe(store)}; it needs a store ${purpose}.`)
    this.#store = completeStore(store)
    // What the store lacks stays lacking, so that a call which needs it says so.
    const own = this as unknown as Record<string, unknown>
    for (const method of OPTIONAL) {
      const call = this.#store[method] as ((...args: unknown[]) => unknown) | undefined
      if (call) own[method] = call.bind(this.#store)
    }
    const remove = this.#store.removeBySubject?.bind(this.#store)
    if (remove) {
      this.removeBySubject = async (subject, exceptId, call) => {
        const ids = await remove(subject, exceptId, call)
        // In turn with what the base class had halfway, of which the core knows here of this store alone (P6).
        for (const id of ids) await destroyInTurn(this.#store, id, call)
        return ids
      }
    }
  }

  /** The store behind. */
  protected get behind(): Store {
    return this.#store
  }

  override get capabilities(): StoreCapabilities {
    return this.#store.capabilities
  }

  override get(id: string, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined> {
    return this.#store.get(id, options)
  }

  override set(id: string, record: SessionRecord, options?: StoreCallOptions): MaybePromise<void> {
    return this.#store.set(id, record, options)
  }

  override destroy(id: string, options?: StoreCallOptions): MaybePromise<boolean | void> {
    return destroyRecord(this.#store, id, options)
  }

  override create(record: SessionRecord, options?: StoreCallOptions): MaybePromise<boolean> {
    return this.#store.create(record, options)
  }

  override update(record: SessionRecord, expected: Expected, options?: UpdateOptions): MaybePromise<UpdateResult> {
    return this.#store.update(record, expected, options)
  }

  override touch(
    id: string,
    expiresAt: number,
    lastSeenAt: number,
    expected: Expected,
    options?: StoreCallOptions,
  ): MaybePromise<boolean> {
    return this.#store.touch(id, expiresAt, lastSeenAt, expected, options)
  }

  override load(id: string, manager?: object, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined> {
    return this.#store.load(id, manager, options)
  }

  override generate(request: Request, manager?: object): MaybePromise<Session> {
    return this.#store.generate(request, this.#managerOf(manager))
  }

  override regenerate(request: Request, manager?: object): MaybePromise<Session> {
    return this.#store.regenerate(request, this.#managerOf(manager))
  }

  override createSession(
    request: Request,
    record: SessionRecord,
    bind = true,
    manager?: object,
  ): MaybePromise<Session> {
    return this.#store.createSession(request, record, bind, this.#managerOf(manager))
  }

  /** The manager that is meant. The store behind acts for it too, should a method of its own leave it out. */
  #managerOf(given?: object): object {
    const manager = given ?? managerOf(this)
    if (!this.#known.has(manager)) {
      attach(this.#store, manager, lifecycleOf(this, manager))
      this.#known.add(manager)
    }
    return manager
  }
}
