/**
 * Keys: derived once per secret and purpose by HKDF-SHA-256 (RFC 5869), the cookie's configured name in the info, so that
 * a signature or seal made for one cookie or purpose is refused by another (C02). Derived at first use, since module scope
 * on Workers allows no I/O and no randomness.
 */
import { base64url, constantTimeEqual, hmac, hmacKey, utf8, type Bytes } from './bytes.ts'

/** Text or bytes of at least 32 bytes. Text counts in UTF-8, and keeps all its bits (C14). */
export type Secret = string | Uint8Array

/** What a key is for. */
export type KeyPurpose = 'sign' | 'seal' | 'kid'

/** The shortest secret allowed, in bytes. */
export const SECRET_BYTES = 32

const ADVICE = 'Make one with: node -e "console.log(crypto.randomBytes(32).toString(\'base64url\'))"'

/** The secrets as bytes, the first of which signs; or a line that says what is wrong (C14). */
export function parseSecrets(value: unknown): Bytes[] | string {
  const list = Array.isArray(value) ? value : [value]
  const allowed = `a string or Uint8Array of at least ${SECRET_BYTES} bytes, or a list of them`
  if (value === undefined)
    return `\`secret\` is there but undefined (is SESSION_SECRET set?); it must be ${allowed}. ${ADVICE}`
  if (list.length === 0) return `\`secret\` is an empty list; it must be ${allowed}. ${ADVICE}`
  const secrets: Bytes[] = []
  for (const [index, secret] of list.entries()) {
    const name = Array.isArray(value) ? `\`secret[${index}]\`` : '`secret`'
    if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
      const hint = secret === undefined ? ' (is the variable set?)' : ''
      return `${name} is ${secret === null ? 'null' : typeof secret}${hint}; it must be ${allowed}. ${ADVICE}`
    }
    if (typeof secret === 'string' && !secret.isWellFormed()) {
      return `${name} holds half a character, which UTF-8 cannot; it must be ${allowed}. ${ADVICE}`
    }
    const bytes = typeof secret === 'string' ? utf8(secret) : Uint8Array.from(secret)
    if (bytes.length < SECRET_BYTES) return `${name} has ${bytes.length} bytes; it must be ${allowed}. ${ADVICE}`
    secrets.push(bytes)
  }
  return secrets
}

/** `bits` of key material for one purpose and one cookie name. */
export async function deriveKey(secret: Bytes, purpose: KeyPurpose, name: string, bits = 256): Promise<Bytes> {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  const info = utf8(`latchkey/1 ${purpose} ${name}`)
  const params = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
  return new Uint8Array(await crypto.subtle.deriveBits(params, base, bits))
}

/** Signs tokens with the first secret, and verifies with all of them. */
export class Signer {
  readonly #secrets: readonly Bytes[]
  readonly #name: string
  readonly #keys: Promise<CryptoKey>[] = []

  constructor(secrets: readonly Bytes[], name: string) {
    this.#secrets = secrets
    this.#name = name
  }

  #key(index: number, secret: Bytes): Promise<CryptoKey> {
    let key = this.#keys[index]
    if (!key) {
      key = this.#keys[index] = deriveKey(secret, 'sign', this.#name).then(hmacKey)
      // A derivation that failed is tried again by the next call.
      key.catch(() => delete this.#keys[index])
    }
    return key
  }

  /** The signature over `id.secret`, 43 characters. */
  async sign(text: string): Promise<string> {
    const [first] = this.#secrets
    return base64url(await hmac(await this.#key(0, first as Bytes), text))
  }

  /** Whether any of the secrets made this signature; compared as text, in constant time. */
  async verify(text: string, signature: string): Promise<boolean> {
    for (const [index, secret] of this.#secrets.entries()) {
      const expected = base64url(await hmac(await this.#key(index, secret), text))
      if (constantTimeEqual(expected, signature)) return true
    }
    return false
  }
}
