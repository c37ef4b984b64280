/**
 * CookieCache: over any store, a sealed copy of the record in a second cookie. While the copy is fresher than `ttl` the store
 * is not read, and on eventual stores visitors see their own last write. Writes go through to the store at once and are
 * decided there. `ttl` is the longest that a revoked session still opens, to whoever holds its token and its copy.
 */
import { describe } from '../core/describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from '../core/duration.ts'
import { SessionConfigError } from '../core/errors.ts'
import type { Secret } from '../core/keys.ts'
import type { SessionRecord } from '../core/record.ts'
import type { Copies } from '../core/store-model.ts'
import type { MaybePromise, SealContext, StoreModel } from '../core/store.ts'
import { CookieCopies } from './cookie-copies.ts'
import { CookieStore } from './cookie.ts'
import { secretsOf } from './seal.ts'
import { WrappingStore } from './wrapping.ts'

export interface CookieCacheOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
  /** How long a copy stands in for a read: the published bound for revocation. Default `'30s'`. */
  ttl?: Duration
}

/** Spares reads of the store it wraps; everything else is the store's own. */
export class CookieCache extends WrappingStore {
  readonly #sealer: CookieStore
  readonly #copies: CookieCopies

  /** @throws SessionConfigError when the store, the secret or `ttl` is wrong */
  constructor(store: StoreModel, options: CookieCacheOptions) {
    super(store, 'CookieCache', 'to stand in front of')
    secretsOf(options, ['ttl'])
    const ttl = options.ttl === undefined ? 30_000 : parseDuration(options.ttl)
    if (ttl === undefined)
      throw new SessionConfigError(`\`ttl\` is ${describe(options.ttl)}; it must be ${DURATION_FORM}.`)
    if (this.behind.capabilities.carriesRecord)
      throw new SessionConfigError(
        'CookieCache over a CookieStore would seal everything twice; use the CookieStore alone.',
      )
    if (this.behind.copies)
      throw new SessionConfigError('CookieCache over a CookieCache would keep two copies; give it the store itself.')
    this.#sealer = new CookieStore({ secret: options.secret })
    this.#copies = new CookieCopies(ttl)
  }

  override get copies(): Copies {
    return this.#copies
  }

  override seal(record: SessionRecord, context: SealContext): MaybePromise<string> {
    return this.#sealer.seal(record, context)
  }

  override open(token: string, context: SealContext): MaybePromise<SessionRecord | undefined> {
    return this.#sealer.open(token, context)
  }
}
