/**
 * CookieStore: the record lives in the cookie itself, sealed as a standard JWE (RFC 7516: compact, `dir`, `A256GCM`) with
 * `jose`. Nothing is kept on the server, and so a copy of the cookie outlives its logout: it stays valid until the session
 * inside expires. Of two responses to one browser, the last one wins.
 */
import { SessionTooLargeError, SessionUnsupportedError } from '../core/errors.ts'
import type { Secret } from '../core/keys.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import { Store, type SealContext, type StoreCapabilities } from '../core/store.ts'
import { Sealer, secretsOf } from './seal.ts'

export interface CookieStoreOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
}

/** Three cookies of 4096 octets hold no more. */
const LONGEST = 3 * 4096

/** Keeps each session in its own cookie, encrypted and authenticated; zero store calls. */
export class CookieStore extends Store {
  readonly #sealer: Sealer

  /** @throws SessionConfigError when the secret is missing or short */
  constructor(options: CookieStoreOptions) {
    super()
    this.#sealer = new Sealer(secretsOf(options))
  }

  override get capabilities(): StoreCapabilities {
    return { atomic: false, consistency: 'strong', carriesRecord: true }
  }

  /** The record as a token. @throws SessionTooLargeError when no cookies could hold it (P17) */
  override async seal(record: SessionRecord, context: SealContext): Promise<string> {
    const token = await this.#sealer.seal(record, context.name)
    if (token.length <= LONGEST) return token
    throw new SessionTooLargeError(token.length, LONGEST, 'Keep less in it, or use a store.')
  }

  /** The record of a token, or `undefined` for whatever we did not seal for this cookie. `kid` picks the key; no others are tried. */
  override async open(token: string, { name, reject }: SealContext): Promise<SessionRecord | undefined> {
    if (token.length > LONGEST) return void reject?.('malformed')
    const refuse = (reason: 'malformed' | 'key' | 'signature'): void => reject?.(reason)
    const opened = await this.#sealer.open(token, name, refuse)
    if (opened === undefined || isRecord(opened)) return opened
    return void reject?.('signature')
  }

  /** Nothing is kept here that could be removed; the cookie is cleared by the core. */
  override destroy(_id: string): void {}

  override get(_id: string): never {
    throw unsupported('get')
  }

  override set(_id: string, _record: SessionRecord): never {
    throw unsupported('set')
  }
}

function unsupported(method: string): SessionUnsupportedError {
  return new SessionUnsupportedError(
    `CookieStore has no \`${method}\`: the record is in the cookie. Use a token, or another store.`,
  )
}
