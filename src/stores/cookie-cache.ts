/**
 * CookieCache: over any store, a sealed copy of the record in a second cookie. While the copy is fresher than `ttl` the store
 * is not read, and on eventual stores visitors see their own last write. Writes go through to the store at once and are
 * decided there. `ttl` is the longest that a revoked session still opens, to whoever holds its token and its copy.
 */
import { describe } from '../core/describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from '../core/duration.ts'
import { SessionConfigError } from '../core/errors.ts'
import type { Secret } from '../core/keys.ts'
import { managerOf } from '../core/lifecycle.ts'
import type { SessionRecord } from '../core/record.ts'
import {
  completeStore,
  destroyInTurn,
  destroyRecord,
  Store,
  type Expected,
  type MaybePromise,
  type SealContext,
  type StoreCallOptions,
  type StoreCapabilities,
  type StoreModel,
  type UpdateOptions,
  type UpdateResult,
} from '../core/store.ts'
import type { Session } from '../core/session.ts'
import { CookieStore } from './cookie.ts'

export interface CookieCacheOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
  /** How long a copy stands in for a read: the published bound for revocation. Default `'30s'`. */
  ttl?: Duration
}

/** Spares reads of the store it wraps; everything else is the store's own. */
export class CookieCache extends Store {
  readonly #store: Store
  readonly #sealer: CookieStore
  readonly #ttl: number

  /** @throws SessionConfigError when the store, the secret or `ttl` is wrong */
  constructor(store: StoreModel, options: CookieCacheOptions) {
    super()
    if (typeof (store as StoreModel | undefined)?.get !== 'function') {
      throw new SessionConfigError(`CookieCache got ${describe(store)}; it needs a store to stand in front of.`)
    }
    const ttl = options?.ttl === undefined ? 30_000 : parseDuration(options.ttl)
    if (ttl === undefined)
      throw new SessionConfigError(`\`ttl\` is ${describe(options.ttl)}; it must be ${DURATION_FORM}.`)
    this.#store = completeStore(store)
    if (this.#store.capabilities.carriesRecord)
      throw new SessionConfigError(
        'CookieCache over a CookieStore would seal everything twice; use the CookieStore alone.',
      )
    if (this.#store.copyTtl !== undefined)
      throw new SessionConfigError('CookieCache over a CookieCache would keep two copies; give it the store itself.')
    this.#sealer = new CookieStore(options)
    this.#ttl = ttl
    // What the store lacks stays lacking, so that a call which needs it says so.
    const own = this as unknown as Record<string, unknown>
    for (const name of OPTIONAL) {
      const method = this.#store[name] as ((...args: unknown[]) => unknown) | undefined
      if (method) own[name] = method.bind(this.#store)
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

  override get capabilities(): StoreCapabilities {
    return this.#store.capabilities
  }

  override get copyTtl(): number {
    return this.#ttl
  }

  override seal(record: SessionRecord, context: SealContext): Promise<string> {
    return this.#sealer.seal(record, context)
  }

  override open(token: string, context: SealContext): Promise<SessionRecord | undefined> {
    return this.#sealer.open(token, context)
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
    return this.#store.generate(request, manager ?? managerOf(this))
  }

  override regenerate(request: Request, manager?: object): MaybePromise<Session> {
    return this.#store.regenerate(request, manager ?? managerOf(this))
  }

  override createSession(
    request: Request,
    record: SessionRecord,
    bind = true,
    manager?: object,
  ): MaybePromise<Session> {
    return this.#store.createSession(request, record, bind, manager ?? managerOf(this))
  }
}

const OPTIONAL = [
  'removeExpired',
  'countExpired',
  'all',
  'length',
  'clear',
  'findBySubject',
  'removeBySubject',
] as const
