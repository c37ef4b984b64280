/**
 * Tokens: `<id>.<secret>`, or `<id>.<secret>.<signature>` with the `secret` option. The id is public; the secret is 256
 * random bits as 43 characters of base64url, of which stores only ever see the hash. A token is matched as text: another
 * encoding of the same bytes is another token (C01).
 */
import type { MaybePromise } from './store-model.ts'
import { base64url, hmacUnder, randomBytes, sha256, utf8 } from './bytes.ts'

/** A token taken apart. Nothing is verified yet. */
export interface TokenParts {
  id: string
  secret: string
  signature: string | undefined
}

/** Whether text can be a session id: `[A-Za-z0-9_-]{1,128}`. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{1,128}$/.test(text)
}

/** The parts of a token, or `undefined` when it has not exactly our form: length, segments, alphabet (C07, C11). */
export function parseToken(text: string, signed: boolean): TokenParts | undefined {
  const [, id, secret, signature] = /^([\w-]{1,128})\.([\w-]{43})(?:\.([\w-]{43}))?$/.exec(text) ?? []
  return id && secret && !signature !== signed ? { id, secret, signature } : undefined
}

/** A new public id: 128 random bits. Security does not rest on it. */
export function createId(): string {
  return base64url(randomBytes(16))
}

/** A new secret: 256 random bits (ASVS 7.2.3). */
export function createSecret(): string {
  return base64url(randomBytes(32))
}

/** Both parts of a new token, from one drawing: it is the drawing that costs, not its bytes. */
export function createIdAndSecret(): { id: string; secret: string } {
  const bytes = randomBytes(48)
  return { id: base64url(bytes.subarray(0, 16)), secret: base64url(bytes.subarray(16)) }
}

/** The secret that a rotation puts after this one: whoever holds the old secret can derive it, a reader of the store cannot. */
export async function nextSecret(secret: string, handover: string): Promise<string> {
  return (await hmacUnder(utf8(secret)))(`latchkey/1 next ${handover}`)
}

/** What stores keep of a secret. */
export function verifierOf(secret: string): MaybePromise<string> {
  return sha256(secret)
}
