/** Secrets for the `secret` options, made where there is no command line. `npx latchkey secret` prints one of these. */
import { base64url, randomBytes } from './bytes.ts'

/**
 * A new secret: 256 random bits of `crypto.getRandomValues`, as 43 characters of base64url. Make it once, keep it outside
 * of the code, and give every instance the same one: a secret made at every start signs everybody out at every start.
 * @throws whatever the runtime's random source throws (P20)
 */
export function generateSecret(): string {
  return base64url(randomBytes(32))
}
