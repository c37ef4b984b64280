/**
 * CookieStore: the record lives in the cookie itself, sealed as a standard JWE (RFC 7516: compact, `dir`, `A256GCM`) with
 * `jose`. Nothing is kept on the server, and so a copy of the cookie outlives its logout: it stays valid until the session
 * inside expires, unless `revocations` remember what ended (revocations.ts). Of two responses to one browser, the last one wins.
 */
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'
import { base64url, fromBase64url, isBase64url, utf8, type Bytes } from '../core/bytes.ts'
import { SessionConfigError, SessionTooLargeError, SessionUnsupportedError } from '../core/errors.ts'
import { deriveKey, parseSecrets, type Secret } from '../core/keys.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import type { Revocations } from '../core/store-model.ts'
import { Store, type SealContext, type StoreCapabilities, type StoreModel } from '../core/store.ts'
import { RevocationList } from './revocations.ts'

export interface CookieStoreOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
  /**
   * A store that remembers which sessions ended, and whose, until they would have ended by themselves: then a copied cookie
   * dies with its logout (C06), and `removeSession` and `removeSessionsOf` work. Default none: a copy outlives its logout.
   */
  revocations?: StoreModel
}

/** One secret's key for one cookie name. */
interface SealKey {
  kid: string
  /** The protected header as it stands in tokens made here, for finding the key without parsing. */
  header: string
  key: CryptoKey
}

const ALGORITHMS = { alg: 'dir', enc: 'A256GCM' } as const
/** Three cookies of 4096 octets hold no more. */
const LONGEST = 3 * 4096

/** Keeps each session in its own cookie, encrypted and authenticated; zero store calls. */
export class CookieStore extends Store {
  readonly #secrets: readonly Bytes[]
  readonly #keys = new Map<string, Promise<SealKey[]>>()

  readonly #revocations: RevocationList | undefined

  /** @throws SessionConfigError when the secret is missing or short, or `revocations` is no store that keeps records */
  constructor(options: CookieStoreOptions) {
    super()
    const secrets = parseSecrets((options as CookieStoreOptions | undefined)?.secret)
    if (typeof secrets === 'string') throw new SessionConfigError(secrets)
    this.#secrets = secrets
    if (!('revocations' in options)) return
    this.#revocations = new RevocationList(options.revocations as StoreModel)
    const { store } = this.#revocations
    if (store.removeExpired) this.removeExpired = store.removeExpired.bind(store)
    if (store.countExpired) this.countExpired = store.countExpired.bind(store)
  }

  /** Never atomic: of two responses the last one wins. `revocations` are as far behind as their store may be. */
  override get capabilities(): StoreCapabilities {
    const { consistency } = this.#revocations?.store.capabilities ?? { consistency: 'strong' }
    return { atomic: false, consistency, carriesRecord: true }
  }

  override get revocations(): Revocations | undefined {
    return this.#revocations
  }

  /** The record as a token. @throws SessionTooLargeError when no cookies could hold it (P17) */
  override async seal(record: SessionRecord, context: SealContext): Promise<string> {
    const [first] = await this.#keysFor(context.name)
    const { kid, key } = first as SealKey
    const seal = new CompactEncrypt(utf8(JSON.stringify(record))).setProtectedHeader({ ...ALGORITHMS, kid })
    const token = await seal.encrypt(key)
    if (token.length <= LONGEST) return token
    throw new SessionTooLargeError(token.length, LONGEST, 'Keep less in it, or use a store.')
  }

  /** The record of a token, or `undefined` for whatever we did not seal for this cookie. `kid` picks the key; no others are tried. */
  override async open(token: string, { name, reject }: SealContext): Promise<SessionRecord | undefined> {
    const header = headerOf(token)
    if (header === undefined) return void reject?.('malformed')
    const keys = await this.#keysFor(name)
    const found = keys.find((one) => one.header === header) ?? keys.find((one) => one.kid === kidOf(header))
    if (!found) return void reject?.('key')
    try {
      const { plaintext } = await compactDecrypt(token, found.key, {
        keyManagementAlgorithms: [ALGORITHMS.alg],
        contentEncryptionAlgorithms: [ALGORITHMS.enc],
      })
      const record: unknown = JSON.parse(new TextDecoder().decode(plaintext))
      if (isRecord(record)) return record
    } catch {
      // Authentication failed, or what a holder of the key sealed is no record: not ours, whatever else it is (C03).
    }
    return void reject?.('signature')
  }

  /** Nothing is kept here that could be removed: the core clears the cookie, and marks the id in `revocations`. */
  override destroy(_id: string): void {}

  override get(_id: string): never {
    throw new SessionUnsupportedError(
      'CookieStore has no `get`: the record is in the cookie. Use a token, or another store.',
    )
  }

  override set(_id: string, _record: SessionRecord): never {
    throw new SessionUnsupportedError('CookieStore has no `set`: the record is in the cookie. Use another store.')
  }

  #keysFor(name: string): Promise<SealKey[]> {
    let keys = this.#keys.get(name)
    if (!keys) {
      keys = Promise.all(this.#secrets.map((secret) => sealKey(secret, name)))
      this.#keys.set(name, keys)
      // A derivation that failed is tried again by the next call.
      keys.catch(() => this.#keys.delete(name))
    }
    return keys
  }
}

async function sealKey(secret: Bytes, name: string): Promise<SealKey> {
  const bytes = await deriveKey(secret, 'seal', name)
  const kid = base64url(await deriveKey(secret, 'kid', name, 64))
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  return { kid, key, header: base64url(utf8(JSON.stringify({ ...ALGORITHMS, kid }))) }
}

/** The protected header of a token that has the form of ours; the cheap checks before any cryptography (C07). */
function headerOf(token: string): string | undefined {
  if (token.length > LONGEST) return undefined
  const [header, key, iv, ciphertext, tag, ...more] = token.split('.')
  if (!header || key !== '' || iv?.length !== 16 || !ciphertext || tag?.length !== 22 || more.length > 0)
    return undefined
  // Only canonical text: another encoding of the same bytes is another token (C01).
  return header.length <= 200 && [header, iv, ciphertext, tag].every(isBase64url) ? header : undefined
}

/** The `kid` of a header that names just our algorithms and a key: one made by another JOSE library may order it otherwise. */
function kidOf(header: string): string | undefined {
  try {
    const { alg, enc, kid, ...more } = JSON.parse(new TextDecoder().decode(fromBase64url(header))) as Record<
      string,
      unknown
    >
    const ours = alg === ALGORITHMS.alg && enc === ALGORITHMS.enc && Object.keys(more).length === 0
    return ours && typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}
