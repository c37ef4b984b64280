/**
 * Sealing, for every store that seals: a value as a standard JWE (RFC 7516: compact, `dir`, `A256GCM`; jwe.ts), under a key
 * derived for one name. `kid` picks the key and no other is tried; the first secret seals, all open. What was not sealed
 * here, for that name, opens to nothing, and never throws (C01 to C04, C07).
 */
import { base64url, fromBase64url, isBase64url, type Bytes } from '../core/bytes.ts'
import { onlyNamed } from '../core/checks.ts'
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'
import { deriveKey, keysOf, parseSecrets } from '../core/keys.ts'
import { attempt, whenThere } from '../core/maybe.ts'
import { Memo } from '../core/memo.ts'
import { copyOf } from '../core/plain.ts'
import type { MaybePromise, SealContext } from '../core/store-model.ts'
import { jweUnder, type Jwe } from './jwe.ts'

/** One secret's key for one name. */
interface SealKey extends Jwe {
  kid: string
}

/** Seals and opens under the keys of a list of secrets; derived at first use, once per name, and at once from then on. */
export class Sealer {
  readonly #keysFor: (name: string) => MaybePromise<SealKey[]>
  /** By name, what seals opened to; each opening has objects of its own (P19). */
  readonly #memos = new Map<string, Memo<unknown>>()

  constructor(secrets: readonly Bytes[]) {
    this.#keysFor = keysOf(secrets, sealKey)
  }

  /** A value that JSON can hold, sealed under the first secret's key for this name. */
  seal(value: unknown, name: string): MaybePromise<string> {
    return whenThere(this.#keysFor(name), ([first]) => (first as SealKey).seal(JSON.stringify(value)))
  }

  /** What was sealed for this name and is what `isOurs` asks for, or `undefined`, once `reject` has been told why. */
  open<T>(
    text: string,
    name: string,
    isOurs: (value: unknown) => value is T,
    reject?: SealContext['reject'],
  ): MaybePromise<T | undefined> {
    let memo = this.#memos.get(name)
    if (!memo) this.#memos.set(name, (memo = new Memo()))
    const known = memo.get(text)
    if (known !== undefined) return copyOf(known) as T
    const header = headerOf(text)
    if (header === undefined) return void reject?.('malformed')

    const refuse = (): undefined => void reject?.('signature')
    const accept = (opened: string): T | undefined => {
      const value: unknown = JSON.parse(opened)
      if (!isOurs(value)) return refuse()
      memo.set(text, copyOf(value))
      return value
    }
    return whenThere(this.#keysFor(name), (keys) => {
      const found = keys.find((one) => one.header === header) ?? keys.find((one) => one.kid === kidOf(header))
      if (!found) return void reject?.('key')
      // Authentication failed, or what a holder of the key sealed is no JSON: not ours, whatever else it is (C03).
      return attempt(() => whenThere(found.open(text), accept), refuse)
    })
  }
}

/**
 * The secrets of a store's options, as bytes; `others` are the names of its other options.
 * @throws SessionConfigError when a secret is missing or short (C14), or an option has another name
 */
export function secretsOf(options: { secret?: unknown } | undefined, others: readonly string[]): Bytes[] {
  if (typeof options !== 'object' || options === null)
    throw new SessionConfigError(`The options are ${describe(options)}; they must be an object with \`secret\`.`)
  onlyNamed(options, ['secret', ...others])
  const secrets = parseSecrets(options.secret)
  if (typeof secrets === 'string') throw new SessionConfigError(secrets)
  return secrets
}

async function sealKey(secret: Bytes, name: string): Promise<SealKey> {
  const kid = base64url(await deriveKey(secret, 'kid', name, 64))
  return { kid, ...(await jweUnder(await deriveKey(secret, 'seal', name), kid)) }
}

/** The protected header of text that has the form of our seals; the cheap checks before any cryptography (C07). */
function headerOf(text: string): string | undefined {
  const parts = text.split('.', 6)
  const [header = '', none, iv, ciphertext, tag] = parts
  const isForm = parts.length === 5 && none === '' && iv?.length === 16 && ciphertext !== '' && tag?.length === 22
  // Only canonical text: another encoding of the same bytes is another seal (C01).
  return isForm && header !== '' && header.length <= 200 && parts.every(isBase64url) ? header : undefined
}

/** The `kid` of a header that names just our algorithms and a key: one made by another JOSE library may order it otherwise. */
function kidOf(header: string): unknown {
  try {
    const { alg, enc, kid, ...more } = JSON.parse(new TextDecoder().decode(fromBase64url(header))) as Record<
      string,
      unknown
    >
    return alg === 'dir' && enc === 'A256GCM' && Object.keys(more).length === 0 ? kid : undefined
  } catch {
    return undefined
  }
}
