/**
 * What Workers KV is between places: everybody writes to one namespace, the last write wins, and every place goes on seeing
 * what it has seen, misses and lists included, for up to 60 seconds. One's own writes are seen at once where they were made.
 * Stands in front of a real binding, or of a Map, by a clock that stands still until it is moved.
 */
import type { KVListResult, KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'

/** The longest that a place goes on seeing what it has seen, in milliseconds. */
export const WINDOW = 60_000

interface Seen<T> {
  answer: T
  at: number
}

export class StaleKV {
  readonly #truth: KVNamespaceLike
  readonly #now: () => number
  readonly #places = new Map<string, KVNamespaceLike>()

  constructor(truth: KVNamespaceLike, now: () => number) {
    this.#truth = truth
    this.#now = now
  }

  /** The namespace as it is seen from a place, where an answer is believed for `lag` milliseconds, 0 to 60,000. */
  from(place: string, lag: number = WINDOW): KVNamespaceLike {
    if (!(lag >= 0 && lag <= WINDOW)) throw new RangeError('KV is 0 to 60 seconds behind')
    let view = this.#places.get(place)
    if (!view) this.#places.set(place, (view = new Place(this.#truth, this.#now, lag)))
    return view
  }
}

class Place implements KVNamespaceLike {
  readonly #truth: KVNamespaceLike
  readonly #now: () => number
  readonly #lag: number
  readonly #values = new Map<string, Seen<string | null>>()
  readonly #lists = new Map<string, Seen<KVListResult>>()

  constructor(truth: KVNamespaceLike, now: () => number, lag: number) {
    this.#truth = truth
    this.#now = now
    this.#lag = lag
  }

  get(key: string): Promise<string | null> {
    return this.#believe(this.#values, key, () => this.#truth.get(key, 'text'))
  }

  async put(key: string, value: string, options?: { expirationTtl?: number; metadata?: unknown }): Promise<void> {
    await this.#truth.put(key, value, options)
    this.#wrote(key, value)
  }

  async delete(key: string): Promise<void> {
    await this.#truth.delete(key)
    this.#wrote(key, null)
  }

  list(options: { prefix?: string; cursor?: string } = {}): Promise<KVListResult> {
    return this.#believe(this.#lists, JSON.stringify(options), () => this.#truth.list(options))
  }

  async #believe<T>(seen: Map<string, Seen<T>>, key: string, ask: () => Promise<T>): Promise<T> {
    const known = seen.get(key)
    if (known && this.#now() < known.at + this.#lag) return known.answer
    const answer = await ask()
    seen.set(key, { answer, at: this.#now() })
    return answer
  }

  #wrote(key: string, answer: string | null): void {
    this.#values.set(key, { answer, at: this.#now() })
    this.#lists.clear()
  }
}
