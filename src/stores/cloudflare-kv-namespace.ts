/**
 * A KV namespace as `CloudflareKVStore` uses it: values are JSON, limits are checked before anything is sent (P17), lists are
 * read to their end, and what KV refuses for the moment (429, 5xx) is tried again. A put or a delete repeated is the same
 * put or delete, so repeating it is safe; but not once nobody waits for it any more, for it could undo what was put since.
 */
import { utf8 } from '../core/bytes.ts'
import { describeFailure, SessionTooLargeError, StoreUnavailableError } from '../core/errors.ts'
import type { StoreCallOptions } from '../core/store.ts'

/** The part of a KV namespace that is used; `KVNamespace` of any version of Cloudflare's types fits. */
export interface KVNamespaceLike {
  get(key: string, type: 'text'): Promise<string | null>
  put(key: string, value: string, options?: { expirationTtl?: number; metadata?: unknown }): Promise<void>
  delete(key: string): Promise<void>
  list(options?: { prefix?: string; cursor?: string }): Promise<KVListResult>
}

/** One page of a list: at most 1,000 keys. */
export interface KVListResult {
  keys: { name: string; metadata?: unknown }[]
  list_complete: boolean
  cursor?: string
}

/** KV refuses to expire a key sooner than this, in milliseconds. */
export const SHORTEST_TTL = 60_000
/** KV counts seconds in 32 bits. */
const LONGEST_TTL = (2 ** 31 - 1) * 1000
const KEY_LIMIT = 512
const METADATA_LIMIT = 1024
const VALUE_LIMIT = 25 * 1024 * 1024
/** Milliseconds. Together more than the second that a key needs between two writes. */
const BACKOFF = [100, 300, 900, 1_800]

export class Namespace {
  readonly #kv: KVNamespaceLike

  constructor(kv: KVNamespaceLike) {
    this.#kv = kv
  }

  /** The value; `undefined` when there is none, or when it is no JSON. */
  async read(key: string): Promise<unknown> {
    const text = await this.#attempt(() => this.#kv.get(key, 'text'))
    if (text === null) return undefined
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  /**
   * A put, ready to be sent: several can be checked before the first one goes.
   * @param ttl milliseconds, at least 60,000 to KV
   * @throws SessionTooLargeError when key, value or metadata pass a limit of KV
   */
  prepare(key: string, value: unknown, ttl: number, metadata?: object): (options?: StoreCallOptions) => Promise<void> {
    const text = JSON.stringify(value)
    checkSize(key, KEY_LIMIT, 'That is the limit of a key in KV; use shorter ids.')
    checkSize(text, VALUE_LIMIT, 'That is the limit of a value in KV; keep large things elsewhere and their key here.')
    if (metadata) checkSize(JSON.stringify(metadata), METADATA_LIMIT, 'That is the limit of metadata in KV.')
    const expirationTtl = Math.ceil(Math.min(Math.max(ttl, SHORTEST_TTL), LONGEST_TTL) / 1000)
    const put = (): Promise<void> => this.#kv.put(key, text, { expirationTtl, ...(metadata && { metadata }) })
    return (options) => this.#attempt(put, options)
  }

  async write(key: string, value: unknown, ttl: number, options?: StoreCallOptions): Promise<void> {
    await this.prepare(key, value, ttl)(options)
  }

  async remove(key: string): Promise<void> {
    await this.#attempt(() => this.#kv.delete(key))
  }

  /** All keys that begin with `prefix`, without it. */
  async *list(prefix: string): AsyncGenerator<{ name: string; metadata: unknown }, void, undefined> {
    let cursor: string | undefined
    do {
      const options = cursor === undefined ? { prefix } : { prefix, cursor }
      const page = await this.#attempt(() => this.#kv.list(options))
      for (const { name, metadata } of page.keys) yield { name: name.slice(prefix.length), metadata }
      cursor = page.list_complete ? undefined : page.cursor
    } while (cursor !== undefined)
  }

  async #attempt<T>(call: () => Promise<T>, options?: StoreCallOptions): Promise<T> {
    for (let tries = 0; ; tries++) {
      options?.signal?.throwIfAborted()
      try {
        return await call()
      } catch (error) {
        if (!isPassing(error)) throw error
        const wait = BACKOFF[tries]
        if (wait === undefined) throw new StoreUnavailableError(undefined, { cause: describeFailure(error) })
        // A random part more, so that writers of one key fall out of step.
        await new Promise((resolve) => setTimeout(resolve, wait * (1 + Math.random() / 2)))
      }
    }
  }
}

/** Whether KV said "not now": `KV PUT failed: 429 Too Many Requests`, or a 5xx. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && /\bfailed: (?:429|5\d\d)\b/.test(error.message)
}

function checkSize(text: string, limit: number, advice: string): void {
  // At most three bytes for each code unit: most texts need no counting.
  if (text.length * 3 <= limit) return
  const bytes = utf8(text).length
  if (bytes > limit) throw new SessionTooLargeError(bytes, limit, advice)
}
