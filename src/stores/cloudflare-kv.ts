/**
 * CloudflareKVStore: sessions in Workers KV, which is eventually consistent: elsewhere a read may be a minute behind, a miss
 * is remembered as long, and a key takes one write a second. So a record is never read before its first put; a logout leaves
 * a tombstone under a key of its own, which a late write of the record cannot remove (P6); and touches have their own key
 * too, so that one can never put old data back. The keys are in cloudflare-kv-rows.ts, KV's limits and moods in
 * cloudflare-kv-namespace.ts.
 */
import { utf8 } from '../core/bytes.ts'
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import {
  Store,
  type Expected,
  type StoreCallOptions,
  type StoreCapabilities,
  type UpdateOptions,
  type UpdateResult,
} from '../core/store.ts'
import { isId } from '../core/token.ts'
import { Namespace, SHORTEST_TTL, type KVNamespaceLike } from './cloudflare-kv-namespace.ts'
import { Rows } from './cloudflare-kv-rows.ts'

export type { KVListResult, KVNamespaceLike } from './cloudflare-kv-namespace.ts'

export interface CloudflareKVStoreOptions {
  /** Before every key, so that several stores share a namespace. At most 200 bytes. Default `'session:'`. */
  prefix?: string
  /** The clock, in epoch milliseconds; give it the manager's, where that has its own. Default `Date.now`. */
  now?: () => number
}

/** A session is touched once in this many milliseconds; sooner only where `worthAWrite` says so. */
const TOUCH_EVERY = 60_000
/** KV takes one write a second for a key, and less than that is not worth one. */
const WRITE_EVERY = 1_000
/** How far behind KV may be: 60 seconds "or more", so twice that. A row unseen for longer is not there. */
const BEHIND = 120_000

/** Keeps sessions in Workers KV. A logout may take 60 seconds to be seen in other places. */
export class CloudflareKVStore extends Store {
  readonly #rows: Rows
  readonly #now: () => number

  /** @throws SessionConfigError when `kv` is no KV namespace (a binding that is missing is `undefined`) */
  constructor(kv: KVNamespaceLike, options: CloudflareKVStoreOptions = {}) {
    super()
    const { prefix = 'session:', now = Date.now } = options
    const problems: string[] = []
    if (typeof (kv as KVNamespaceLike | undefined)?.put !== 'function')
      problems.push(`\`kv\` is ${describe(kv)}; it must be a KV namespace. Is the binding in wrangler.toml?`)
    if (typeof prefix !== 'string' || utf8(prefix).length > 200)
      problems.push(`\`prefix\` is ${describe(prefix)}; it must be a string of at most 200 bytes.`)
    if (typeof now !== 'function') problems.push(`\`now\` is ${describe(now)}; it must be a function.`)
    if (problems.length > 0) throw new SessionConfigError(problems)
    this.#rows = new Rows(new Namespace(kv), prefix, now)
    this.#now = now
  }

  override get capabilities(): StoreCapabilities {
    return { atomic: false, consistency: 'eventual', minTtl: SHORTEST_TTL }
  }

  override async get(id: string): Promise<SessionRecord | undefined> {
    return (await this.#rows.look(id)).record
  }

  override async set(id: string, record: SessionRecord, options?: StoreCallOptions): Promise<void> {
    await this.#rows.write(id, record, undefined, options)
  }

  /** Without a look first: KV would remember the miss, and the new session would be unknown for a minute. Ids are random. */
  override async create(record: SessionRecord, options?: StoreCallOptions): Promise<boolean> {
    await this.#rows.write(record.id, record, undefined, options)
    return true
  }

  /**
   * Best effort: KV has no compare-and-set. A row older than the one expected, or of a session too young to be seen
   * everywhere, is KV being behind: what the caller holds is newer, and is written.
   */
  override async update(record: SessionRecord, expected: Expected, options?: UpdateOptions): Promise<UpdateResult> {
    const { record: current, ended } = await this.#rows.look(record.id)
    if (ended(expected.verifier)) return 'gone'
    if (current) {
      if (current.verifier !== expected.verifier || current.version > expected.version) return 'conflict'
    } else if (!isId(record.id) || this.#now() - record.createdAt > BEHIND) return 'gone'
    const expiresAt = Math.max(record.expiresAt, current?.expiresAt ?? -Infinity)
    await this.#rows.write(record.id, options?.exactExpiry ? record : { ...record, expiresAt }, current, options)
    return 'ok'
  }

  override async touch(
    id: string,
    expiresAt: number,
    lastSeenAt: number,
    expected: Expected,
    options?: StoreCallOptions,
  ): Promise<boolean> {
    const { record } = await this.#rows.look(id)
    if (!record || record.version !== expected.version || record.verifier !== expected.verifier) return false
    const latest = Math.max(record.expiresAt, Math.min(expiresAt, record.endsAt ?? Infinity))
    if (lastSeenAt - record.lastSeenAt >= TOUCH_EVERY || worthAWrite(latest, record.expiresAt, lastSeenAt))
      await this.#rows.touch(record, latest, lastSeenAt, options)
    return true
  }

  /** Whether there was one; `undefined` when KV may only be behind. */
  override destroy(id: string): Promise<boolean | undefined> {
    return this.#end(id)
  }

  override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
    for await (const id of this.#rows.ids()) {
      const record = await this.get(id)
      if (record) yield record
    }
  }

  override async length(): Promise<number> {
    let count = 0
    for await (const _ of this.#rows.ids()) count++
    return count
  }

  /** Ends every session one by one, so that no late write brings one back. */
  override async clear(): Promise<void> {
    for await (const id of this.#rows.ids()) await this.#end(id)
    await this.#rows.removeLeftovers()
  }

  override async findBySubject(subject: string): Promise<SessionRecord[]> {
    const listed = await this.#rows.ofSubject(subject)
    const records = await Promise.all(listed.map(({ id }) => this.get(id)))
    return records.filter((record) => record?.subject === subject) as SessionRecord[]
  }

  override async removeBySubject(subject: string, exceptId?: string): Promise<string[]> {
    const listed = (await this.#rows.ofSubject(subject)).filter(({ id }) => id !== exceptId)
    const ended = await Promise.all(listed.map(({ id, verifier }) => this.#end(id, { subject, verifier })))
    return listed.flatMap(({ id }, index) => (ended[index] === false ? [] : id))
  }

  /**
   * The tombstone comes first: from then on a late write of the record is nothing. With what a subject's list says of the
   * session, a record that cannot be seen yet is ended too, and one that is somebody else's by now is not.
   */
  async #end(id: string, from?: { subject: string; verifier: string | undefined }): Promise<boolean | undefined> {
    if (!isId(id)) return false
    const { record, hasTombstone } = await this.#rows.look(id)
    if (record && from && record.subject !== from.subject) return false
    if (record || !hasTombstone) await this.#rows.bury(id, record, from?.verifier)
    await this.#rows.remove(id, record?.subject)
    if (record) return true
    return hasTombstone ? false : undefined
  }
}

/** Whether what a touch adds would be missed: a minute or more, or a tenth of the life that is left. */
function worthAWrite(latest: number, expiresAt: number, now: number): boolean {
  return latest - expiresAt >= Math.max(WRITE_EVERY, Math.min(TOUCH_EVERY, (expiresAt - now) / 10))
}
