/**
 * Bytes and text: base64url, random, SHA-256, HMAC and constant-time comparison, on Web Crypto but for one
 * short cut. Randomness comes from `crypto.getRandomValues` and its failure is the caller's error (P20).
 */
import type { MaybePromise } from './store-model.ts'

export type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()

/** UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

/** RFC 4648 section 5, without padding. */
export function base64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The bytes of base64url text, or `undefined` when it is none, or not the canonical encoding of its bytes (C01). */
export function fromBase64url(text: string): Bytes | undefined {
  if (!isBase64url(text)) return undefined
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
}

/** Whether text is canonical base64url: its alphabet, a possible length, and no bits set that belong to no byte. */
export function isBase64url(text: string): boolean {
  return /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/.test(text)
}

/** `count` random bytes. */
export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count))
}

/** `node:crypto` where the runtime lends it out (Node, Deno, Bun, Workers with `nodejs_compat`); never imported. */
interface Lender {
  process?: { getBuiltinModule?(name: 'node:crypto'): { hash?(algorithm: string, text: string, form: string): string } }
}
const lent = (globalThis as Lender).process?.getBuiltinModule?.('node:crypto')

/**
 * SHA-256 of UTF-8 text, as base64url. At once where the runtime has a synchronous one: on Node each `digest` is a trip
 * through the thread pool, many times the price of hashing a token.
 */
export function sha256(text: string): MaybePromise<string> {
  return lent?.hash
    ? lent.hash('sha256', text, 'base64url')
    : crypto.subtle.digest('SHA-256', utf8(text)).then((digest) => base64url(new Uint8Array(digest)))
}

/** An HMAC-SHA-256 key; `key` may be of any length. */
export function hmacKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}

/** HMAC-SHA-256 of UTF-8 text. */
export async function hmac(key: CryptoKey, text: string): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(text)))
}

/** Compares two texts in time that depends on their lengths alone (P20). */
export function constantTimeEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index % b.length)
  return difference === 0
}
