/**
 * CookieStore: the record lives in the cookie itself, sealed as a standard JWE (RFC 7516: compact, `dir`, `A256GCM`) with
 * `jose`. Nothing is kept on the server, and so a copy of the cookie outlives its logout: it stays valid until the session
 * inside expires, unless `revocations` remember what ended (revocations.ts). Of two responses to one browser, the last one wins.
 */
import { SessionTooLargeError, SessionUnsupportedError } from '../core/errors.ts'
import type { Secret } from '../core/keys.ts'
import { whenThere } from '../core/maybe.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import type { Revocations } from '../core/store-model.ts'
import { Store, type MaybePromise, type SealContext, type StoreCapabilities, type StoreModel } from '../core/store.ts'
import { CookieRevocations } from './cookie-revocations.ts'
import { RevocationList } from './revocations.ts'
import { Sealer, secretsOf } from './seal.ts'

export interface CookieStoreOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
  /**
   * A store that remembers which sessions ended, and whose, until they would have ended by themselves: then a copied cookie
   * dies with its logout (C06), and `removeSession` and `removeSessionsOf` work. Default none: a copy outlives its logout.
   */
  revocations?: StoreModel
}

/** Three cookies of 4096 octets hold no more. */
const LONGEST = 3 * 4096

/** Keeps each session in its own cookie, encrypted and authenticated; zero store calls. */
export class CookieStore extends Store {
  readonly #sealer: Sealer
  /** Where ended sessions are remembered. */
  readonly #marks: Store | undefined
  readonly #revocations: Revocations | undefined

  /** @throws SessionConfigError when the secret is missing or short, or `revocations` is no store that keeps records */
  constructor(options: CookieStoreOptions) {
    super()
    this.#sealer = new Sealer(secretsOf(options, ['revocations']))
    if (!('revocations' in options)) return
    const list = new RevocationList(options.revocations as StoreModel)
    const { store } = list
    this.#marks = store
    this.#revocations = new CookieRevocations(list)
    if (store.removeExpired) this.removeExpired = store.removeExpired.bind(store)
    if (store.countExpired) this.countExpired = store.countExpired.bind(store)
  }

  /** Never atomic: of two responses the last one wins. `revocations` are as far behind as their store may be. */
  override get capabilities(): StoreCapabilities {
    const { consistency } = this.#marks?.capabilities ?? { consistency: 'strong' }
    return { atomic: false, consistency, carriesRecord: true }
  }

  override get revocations(): Revocations | undefined {
    return this.#revocations
  }

  /** The record as a token. @throws SessionTooLargeError when no cookies could hold it (P17) */
  override seal(record: SessionRecord, { name }: SealContext): MaybePromise<string> {
    return whenThere(this.#sealer.seal(record, name), fitting)
  }

  /** The record of a token, or `undefined` for whatever we did not seal for this cookie. `kid` picks the key; no others are tried. */
  override open(token: string, { name, reject }: SealContext): MaybePromise<SessionRecord | undefined> {
    if (token.length > LONGEST) return void reject?.('malformed')
    return this.#sealer.open(token, name, isRecord, reject)
  }

  /** Nothing is kept here that could be removed: the core clears the cookie, and marks the id in `revocations`. */
  override destroy(_id: string): void {}

  override get(_id: string): never {
    throw unsupported('get')
  }

  override set(_id: string, _record: SessionRecord): never {
    throw unsupported('set')
  }
}

function fitting(token: string): string {
  if (token.length <= LONGEST) return token
  throw new SessionTooLargeError(token.length, LONGEST, 'Keep less in it, or use a store.')
}

function unsupported(method: string): SessionUnsupportedError {
  return new SessionUnsupportedError(
    `CookieStore has no \`${method}\`: the record is in the cookie. Use a token, another store, or give it \`revocations\` to end sessions.`,
  )
}
