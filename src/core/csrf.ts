/**
 * CSRF tokens: an HMAC under the session token's secret, masked anew on each call so that compression reveals nothing
 * (BREACH). Nothing is stored; a new session token means a new CSRF token (F04).
 */
import {
  base64url,
  constantTimeEqual,
  fromBase64url,
  hmacUnder,
  randomBytes,
  sha256,
  utf8,
  type Bytes,
} from './bytes.ts'

const LENGTH = 32

/** A fresh mask, then the code under that mask: 86 characters. */
export async function createCsrfToken(secret: string): Promise<string> {
  const code = fromBase64url(await codeFor(secret)) as Bytes
  const mask = randomBytes(LENGTH)
  return base64url(new Uint8Array([...mask, ...masked(code, mask)]))
}

/** Whether a value is a CSRF token under this secret, or of the code `before`, as a hash. Anything may be passed in. */
export async function isCsrfToken(secret: string, value: unknown, before = ''): Promise<boolean> {
  const bytes = typeof value === 'string' && value.length < 100 ? fromBase64url(value) : undefined
  if (bytes?.length !== 2 * LENGTH) return false
  const given = base64url(masked(bytes.slice(LENGTH), bytes))
  const isCurrent = constantTimeEqual(given, await codeFor(secret))
  return constantTimeEqual(await sha256(given), before) || isCurrent
}

/** What a row keeps of the code of a token that was replaced: whoever reads the row can make no CSRF token of it. */
export async function codeHash(secret: string): Promise<string> {
  return sha256(await codeFor(secret))
}

/** Each byte of a code with that of the mask, which puts it on and takes it off. */
function masked(code: Bytes, mask: Bytes): Bytes {
  return code.map((byte, index) => byte ^ (mask[index] ?? 0))
}

/** The code that all CSRF tokens under this secret mask, as base64url. */
async function codeFor(secret: string): Promise<string> {
  return (await hmacUnder(utf8(secret)))('latchkey/1 csrf')
}
