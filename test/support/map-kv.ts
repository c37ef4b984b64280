/**
 * A KV namespace over a Map: strongly consistent, with KV's limits, its expiry by a clock that stands still, its pages, and
 * the words in which it refuses. What was asked of it can be read afterwards.
 */
import type { KVListResult, KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'

interface Entry {
  value: string
  expiresAt: number
  metadata: unknown
}

interface PutOptions {
  expirationTtl?: number
  metadata?: unknown
}

export class MapKV implements KVNamespaceLike {
  /** What was asked, in order: `put session:record:…`. */
  calls: string[] = []
  /** The next calls of a kind fail with these, first to last. */
  failures: Partial<Record<'get' | 'put' | 'delete' | 'list', Error[]>> = {}
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  async get(key: string): Promise<string | null> {
    this.#enter('get', key)
    return this.#live(key)?.value ?? null
  }

  async put(key: string, value: string, options: PutOptions = {}): Promise<void> {
    this.#enter('put', key)
    const { expirationTtl = Infinity, metadata } = options
    const size = (text: string): number => new TextEncoder().encode(text).length
    if (size(key) > 512) throw refusal('PUT', '414 UTF-8 encoded length exceeds key length limit of 512.')
    if (size(value) > 25 * 1024 * 1024) throw refusal('PUT', '413 Value length exceeds limit of 26214400.')
    if (metadata !== undefined && size(JSON.stringify(metadata)) > 1024)
      throw refusal('PUT', '413 Metadata length exceeds limit of 1024.')
    if (expirationTtl < 60) throw refusal('PUT', '400 Expiration TTL must be at least 60.')
    if (Number.isFinite(expirationTtl) && (expirationTtl | 0) !== expirationTtl)
      throw new TypeError('Value out of range.')
    this.#entries.set(key, { value, metadata, expiresAt: this.#now() + expirationTtl * 1000 })
  }

  async delete(key: string): Promise<void> {
    this.#enter('delete', key)
    this.#entries.delete(key)
  }

  async list(options: { prefix?: string; cursor?: string } = {}): Promise<KVListResult> {
    const { prefix = '', cursor = '' } = options
    this.#enter('list', prefix)
    const names = this.keys().filter((name) => name.startsWith(prefix) && name > cursor)
    const page = names.slice(0, 1000)
    const keys = page.map((name) => ({ name, metadata: this.#entries.get(name)?.metadata }))
    if (page.length === names.length) return { keys, list_complete: true }
    return { keys, list_complete: false, cursor: page.at(-1) as string }
  }

  /** The keys there are, in order. */
  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.#live(key)).toSorted()
  }

  /** How long a key has left, in milliseconds. */
  lifeOf(key: string): number | undefined {
    const entry = this.#live(key)
    return entry && entry.expiresAt - this.#now()
  }

  /** The calls since the last time this was asked. */
  take(): string[] {
    return this.calls.splice(0)
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.expiresAt > this.#now() ? entry : undefined
  }

  #enter(call: 'get' | 'put' | 'delete' | 'list', key: string): void {
    this.calls.push(`${call} ${key}`)
    const failure = this.failures[call]?.shift()
    if (failure) throw failure
  }
}

/** What a namespace throws: `KV PUT failed: 429 Too Many Requests`. */
export function refusal(call: 'GET' | 'PUT' | 'DELETE' | 'LIST', why: string): Error {
  return new Error(`KV ${call} failed: ${why}`)
}
