/**
 * Bytes and text: base64url, random, SHA-256, HMAC and constant-time comparison, on Web Crypto but for the short cuts
 * that a runtime lends. Randomness comes from `crypto.getRandomValues` and its failure is the caller's error (P20).
 */
import type { MaybePromise } from './store-model.ts'

export type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()

/** UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** RFC 4648 section 5, without padding. */
export function base64url(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let left = 0
  for (let index = 0; index < bytes.length; index++) {
    bits = (bits << 8) | (bytes[index] as number)
    for (left += 8; left >= 6;) text += ALPHABET[(bits >> (left -= 6)) & 63]
  }
  return left > 0 ? text + ALPHABET[(bits << (6 - left)) & 63] : text
}

/** The bytes of base64url text, or `undefined` when it is none, or not the canonical encoding of its bytes (C01). */
export function fromBase64url(text: string): Bytes | undefined {
  if (!isBase64url(text)) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/** By how many characters are left over after whole groups of four: what the last one can be. */
const LAST = ['', '', 'AQgw', 'AEIMQUYcgkosw048']

/** Whether text is canonical base64url: its alphabet, a possible length, and no bits set that belong to no byte. */
export function isBase64url(text: string): boolean {
  const left = text.length % 4
  return /^[\w-]*$/.test(text) && (left === 0 || (LAST[left] as string).includes(text.at(-1) as string))
}

/** `count` random bytes. */
export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count))
}

/** A key as the runtime's own object. */
export interface LentKey {
  readonly type: string
}

interface LentHmac {
  update(text: string): { digest(form: 'base64url'): string }
}

/** What is used of `node:crypto`; a runtime may have only part of it. Nothing here is called on module level. */
export interface Lent {
  hash?(algorithm: 'sha256', text: string, form: 'base64url'): string
  createSecretKey?(key: Bytes): LentKey
  createHmac?(algorithm: 'sha256', key: LentKey): LentHmac
}

/** `node:crypto` where the runtime lends it out (Node, Deno, Bun, Workers with `nodejs_compat`); never imported. */
export const lent: Lent | undefined = (
  globalThis as { process?: { getBuiltinModule?(name: 'node:crypto'): Lent | undefined } }
).process?.getBuiltinModule?.('node:crypto')

let lends: boolean | undefined

/** Whether the runtime lends what is used here and it is right: some have functions that throw. */
function isLent(): boolean {
  try {
    // SHA-256 of nothing, and its HMAC under a key of zeros, which are the same as none (RFC 2104).
    return (lends ??=
      hashLent('') === '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU' &&
      hmacLent(new Uint8Array(1))('') === 'thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0')
  } catch {
    return (lends = false)
  }
}

function hashLent(text: string): string {
  return (lent as Required<Lent>).hash('sha256', text, 'base64url')
}

function hmacLent(bytes: Bytes): (text: string) => string {
  // As an object: Node takes eight times as long when it is given the bytes each time.
  const key = (lent as Required<Lent>).createSecretKey(bytes)
  return (text) => (lent as Required<Lent>).createHmac('sha256', key).update(text).digest('base64url')
}

/**
 * SHA-256 of UTF-8 text, as base64url. At once where the runtime has a synchronous one: on Node each `digest` is a trip
 * through the thread pool, many times the price of hashing a token.
 */
export function sha256(text: string): MaybePromise<string> {
  return isLent()
    ? hashLent(text)
    : crypto.subtle.digest('SHA-256', utf8(text)).then((digest) => base64url(new Uint8Array(digest)))
}

/** HMAC-SHA-256 of UTF-8 text under one key, as base64url. */
export type Hmac = (text: string) => MaybePromise<string>

/** The HMAC under a key of any length, of which nobody can read it back; at once where the runtime has a synchronous one. */
export async function hmacUnder(bytes: Bytes): Promise<Hmac> {
  if (isLent()) return hmacLent(bytes)
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return async (text) => base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(text))))
}

/** Compares two texts in time that depends on their lengths alone (P20). */
export function constantTimeEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index % b.length)
  return difference === 0
}
