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
  readonly #known = new Map<string, Value>()

  get(text: string): Value | undefined {
    return this.#known.get(text)
  }

  set(text: string, value: Value): void {
    if (text.length > LONGEST) return
    const [oldest] = this.#known.size < LIMIT ? [] : this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(text, value)
  }
}
