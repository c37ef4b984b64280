/**
 * Memo: what cryptography found out about a token, remembered so that the next request with it pays nothing (section 7 of
 * the design). Successes only, a bounded number of them; what has to be judged anew each time, the record, its clock and
 * its revocation, is never in it.
 */

/** How many are remembered; the one longest there makes room. */
const LIMIT = 1_000
/** Three cookies of 4096 octets: longer text is no token, and may be a row of any size. */
const LONGEST = 3 * 4096

export class Memo<Value> {
  readonly #known = new Map<string, { text: string; value: Value }>()

  get(text: string): Value | undefined {
    const known = this.#known.get(tailOf(text))
    return known?.text === text ? known.value : undefined
  }

  set(text: string, value: Value): void {
    if (text.length > LONGEST) return
    const [oldest] = this.#known.size < LIMIT ? [] : this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(tailOf(text), { text, value })
  }
}

/** Where tokens differ: hashing all of a sealed one would cost more than all else here. */
function tailOf(text: string): string {
  return text.slice(-32)
}
