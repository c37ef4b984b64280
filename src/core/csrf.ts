/**
 * CSRF tokens: an HMAC under the session token's secret, masked anew on each call so that compression reveals nothing
 * (BREACH). Nothing is stored; a new session token means a new CSRF token (F04).
 */
import { base64url, constantTimeEqual, fromBase64url, hmac, hmacKey, randomBytes, utf8 } from './bytes.ts'

const LENGTH = 32

/** A fresh mask, then the code under that mask: 86 characters. */
export async function createCsrfToken(secret: string): Promise<string> {
  const code = await codeFor(secret)
  const mask = randomBytes(LENGTH)
  return base64url(new Uint8Array([...mask, ...code.map((byte, index) => byte ^ (mask[index] ?? 0))]))
}

/** Whether a value is a CSRF token under this secret, or of the code before. Anything may be passed in. */
export async function isCsrfToken(secret: string, value: unknown, before = ''): Promise<boolean> {
  const bytes = typeof value === 'string' && value.length < 100 ? fromBase64url(value) : undefined
  if (bytes?.length !== 2 * LENGTH) return false
  const code = bytes.slice(LENGTH).map((byte, index) => byte ^ (bytes[index] ?? 0))
  const given = base64url(code)
  const isCurrent = constantTimeEqual(given, base64url(await codeFor(secret)))
  return constantTimeEqual(given, before) || isCurrent
}

/** The code that all CSRF tokens under this secret mask. */
export async function codeFor(secret: string): Promise<Uint8Array> {
  return hmac(await hmacKey(utf8(secret)), 'latchkey/1 csrf')
}
