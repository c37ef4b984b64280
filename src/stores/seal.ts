/**
 * Sealing, for every store that seals: a value as a standard JWE (RFC 7516: compact, `dir`, `A256GCM`) made with `jose`, under
 * a key derived for one name. `kid` picks the key and no other is tried; the first secret seals, all open. What was not sealed
 * here, for that name, opens to nothing, and never throws (C01 to C04, C07).
 */
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'
import { base64url, fromBase64url, isBase64url, utf8, type Bytes } from '../core/bytes.ts'
import { SessionConfigError } from '../core/errors.ts'
import { Memo } from '../core/memo.ts'
import { deriveKey, keysOf, parseSecrets } from '../core/keys.ts'

/** One secret's key for one name. */
interface SealKey {
  kid: string
  /** The protected header as it stands in seals made here, for finding the key without parsing. */
  header: string
  key: CryptoKey
}

const ALGORITHMS = { alg: 'dir', enc: 'A256GCM' } as const

/** Seals and opens under the keys of a list of secrets; derived at first use, once per name. */
export class Sealer {
  readonly #keysFor: (name: string) => Promise<SealKey[]>
  /** By name, what seals opened to, as text: each opening makes objects of its own (P19). */
  readonly #memos = new Map<string, Memo<string>>()

  constructor(secrets: readonly Bytes[]) {
    this.#keysFor = keysOf(secrets, sealKey)
  }

  /** A value that JSON can hold, sealed under the first secret's key for this name. */
  async seal(value: unknown, name: string): Promise<string> {
    const [first] = await this.#keysFor(name)
    const { kid, key } = first as SealKey
    const seal = new CompactEncrypt(utf8(JSON.stringify(value))).setProtectedHeader({ ...ALGORITHMS, kid })
    return seal.encrypt(key)
  }

  /** What was sealed for this name, or `undefined`, once `reject` has been told why. */
  async open(
    text: string,
    name: string,
    reject?: (reason: 'malformed' | 'key' | 'signature') => void,
  ): Promise<unknown> {
    const memo = this.#memoOf(name)
    const known = memo.get(text)
    if (known !== undefined) return JSON.parse(known)
    const header = headerOf(text)
    if (header === undefined) return void reject?.('malformed')
    const keys = await this.#keysFor(name)
    const found = keys.find((one) => one.header === header) ?? keys.find((one) => one.kid === kidOf(header))
    if (!found) return void reject?.('key')
    try {
      const { plaintext } = await compactDecrypt(text, found.key, {
        keyManagementAlgorithms: [ALGORITHMS.alg],
        contentEncryptionAlgorithms: [ALGORITHMS.enc],
      })
      const opened = new TextDecoder().decode(plaintext)
      const value: unknown = JSON.parse(opened)
      memo.set(text, opened)
      return value
    } catch {
      // Authentication failed, or what a holder of the key sealed is no JSON: not ours, whatever else it is (C03).
      return void reject?.('signature')
    }
  }

  #memoOf(name: string): Memo<string> {
    let memo = this.#memos.get(name)
    if (!memo) this.#memos.set(name, (memo = new Memo()))
    return memo
  }
}

/** The secrets of an option, as bytes. @throws SessionConfigError when one is missing or short (C14) */
export function secretsOf(options: { secret?: unknown } | undefined): Bytes[] {
  const secrets = parseSecrets(options?.secret)
  if (typeof secrets === 'string') throw new SessionConfigError(secrets)
  return secrets
}

async function sealKey(secret: Bytes, name: string): Promise<SealKey> {
  const bytes = await deriveKey(secret, 'seal', name)
  const kid = base64url(await deriveKey(secret, 'kid', name, 64))
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  return { kid, key, header: base64url(utf8(JSON.stringify({ ...ALGORITHMS, kid }))) }
}

/** The protected header of text that has the form of our seals; the cheap checks before any cryptography (C07). */
function headerOf(text: string): string | undefined {
  const [, header, ...rest] = /^([\w-]{1,200})\.\.([\w-]{16})\.([\w-]+)\.([\w-]{22})$/.exec(text) ?? []
  // Only canonical text: another encoding of the same bytes is another seal (C01).
  return header && [header, ...rest].every(isBase64url) ? header : undefined
}

/** The `kid` of a header that names just our algorithms and a key: one made by another JOSE library may order it otherwise. */
function kidOf(header: string): unknown {
  try {
    const { alg, enc, kid, ...more } = JSON.parse(new TextDecoder().decode(fromBase64url(header))) as Record<
      string,
      unknown
    >
    return alg === ALGORITHMS.alg && enc === ALGORITHMS.enc && Object.keys(more).length === 0 ? kid : undefined
  } catch {
    return undefined
  }
}
