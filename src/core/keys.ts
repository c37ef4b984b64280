/**
 * Keys: derived once per secret and purpose by HKDF-SHA-256 (RFC 5869), the cookie's configured name in the info, so that
 * a signature or seal made for one cookie or purpose is refused by another (C02). Derived at first use, since module scope
 * on Workers allows no I/O and no randomness.
 */
import { constantTimeEqual, hmacUnder, utf8, type Bytes, type Hmac } from './bytes.ts'
import { describe } from './describe.ts'
import type { MaybePromise } from './store-model.ts'

/** Text or bytes of at least 32 bytes. Text counts in UTF-8, and keeps all its bits (C14). */
export type Secret = string | Uint8Array

/** What a key is for. */
export type KeyPurpose = 'sign' | 'seal' | 'kid'

/** The shortest secret allowed, in bytes. */
export const SECRET_BYTES = 32

const ALLOWED =
  `it must be a well-formed string or a Uint8Array of at least ${SECRET_BYTES} bytes, or a list of them. ` +
  'Make one with: npx latchkey secret'

/** The secrets as bytes, the first of which signs; or a line that says what is wrong (C14). */
export function parseSecrets(value: unknown): Bytes[] | string {
  if (value === undefined) return `\`secret\` is there but undefined (is SESSION_SECRET set?); ${ALLOWED}`
  const list: unknown[] = [value].flat()
  if (list.length === 0) return `\`secret\` is an empty list; ${ALLOWED}`
  for (const [index, secret] of list.entries()) {
    const problem = problemWith(secret)
    if (problem) return `\`secret${Array.isArray(value) ? `[${index}]` : ''}\` ${problem}; ${ALLOWED}`
  }
  return (list as Secret[]).map(bytesOf)
}

function problemWith(secret: unknown): string | undefined {
  if (secret === undefined) return 'is undefined (is the variable set?)'
  // Half a character would lose bits: UTF-8 has one code for all of them.
  const isSecret = typeof secret === 'string' ? secret.isWellFormed() : secret instanceof Uint8Array
  if (!isSecret) return `is ${describe(secret)}`
  const { length } = bytesOf(secret as Secret)
  return length < SECRET_BYTES ? `has ${length} bytes` : undefined
}

/** A copy, so that changing the user's bytes afterwards changes no key. */
function bytesOf(secret: Secret): Bytes {
  return typeof secret === 'string' ? utf8(secret) : Uint8Array.from(secret)
}

/** `bits` of key material for one purpose and one cookie name. */
export async function deriveKey(secret: Bytes, purpose: KeyPurpose, name: string, bits = 256): Promise<Bytes> {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  const info = utf8(`latchkey/1 ${purpose} ${name}`)
  const params = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
  return new Uint8Array(await crypto.subtle.deriveBits(params, base, bits))
}

/**
 * What `derive` makes of each secret, once per cookie name, and from then on at once; a derivation that failed is tried again
 * by the next call.
 */
export function keysOf<Key>(
  secrets: readonly Bytes[],
  derive: (secret: Bytes, name: string) => Promise<Key>,
): (name: string) => MaybePromise<Key[]> {
  const known = new Map<string, MaybePromise<Key[]>>()
  return (name) => {
    const keys = known.get(name)
    if (keys) return keys
    const made = Promise.all(secrets.map((secret) => derive(secret, name)))
    known.set(name, made)
    made.then(
      (ready) => known.set(name, ready),
      () => known.delete(name),
    )
    return made
  }
}

/** Signs tokens with the first secret, and verifies with all of them. */
export class Signer {
  readonly #keys: () => MaybePromise<Hmac[]>

  constructor(secrets: readonly Bytes[], name: string) {
    const keysFor = keysOf(secrets, async (secret) => hmacUnder(await deriveKey(secret, 'sign', name)))
    this.#keys = () => keysFor(name)
  }

  /** The signature over `id.secret`, 43 characters. */
  async sign(text: string): Promise<string> {
    const [first] = await this.#keys()
    return (first as Hmac)(text)
  }

  /** Whether any of the secrets made this signature; compared as text, in constant time. */
  async verify(text: string, signature: string): Promise<boolean> {
    for (const hmac of await this.#keys()) if (constantTimeEqual(await hmac(text), signature)) return true
    return false
  }
}
