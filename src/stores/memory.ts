/**
 * MemoryStore: records in a Map, for one process. Bounded: at `maxSessions` the record nearest to its expiry makes room.
 * Takes and gives out copies, so that nothing is shared by reference (P19).
 */
import { touched, updated } from '../core/compare.ts'
import { SessionConfigError } from '../core/errors.ts'
import { copyOf } from '../core/plain.ts'
import type { SessionRecord } from '../core/record.ts'
import { Store, type Expected, type StoreCapabilities, type UpdateOptions, type UpdateResult } from '../core/store.ts'

export interface MemoryStoreOptions {
  /** How many records are kept at most. Default 100,000. */
  maxSessions?: number
}

/** Keeps sessions in this process's memory; they end with it. */
export class MemoryStore extends Store {
  readonly #entries = new Map<string, SessionRecord>()
  readonly #maxSessions: number

  constructor({ maxSessions = 100_000 }: MemoryStoreOptions = {}) {
    super()
    this.#maxSessions = maxSessions
    if (!Number.isInteger(maxSessions) || maxSessions < 1)
      throw new SessionConfigError('`maxSessions` must be a whole number above 0.')
  }

  /** Atomic, because nothing here waits: every method is one step of the event loop. */
  override get capabilities(): StoreCapabilities {
    return { atomic: true, consistency: 'strong' }
  }

  override get(id: string): SessionRecord | undefined {
    const record = this.#entries.get(id)
    return record && copyOf(record)
  }

  override set(id: string, record: SessionRecord): void {
    if (this.#entries.size >= this.#maxSessions && !this.#entries.has(id)) this.#evict()
    this.#entries.set(id, copyOf(record))
  }

  override destroy(id: string): boolean {
    return this.#entries.delete(id)
  }

  override create(record: SessionRecord): boolean {
    if (this.#entries.has(record.id)) return false
    this.set(record.id, record)
    return true
  }

  override update(record: SessionRecord, expected: Expected, options?: UpdateOptions): UpdateResult {
    const next = updated(this.get(record.id), record, expected, options?.exactExpiry)
    if (typeof next === 'string') return next
    this.set(record.id, next)
    return 'ok'
  }

  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
    const next = touched(this.get(id), expiresAt, lastSeenAt, expected)
    if (next) this.set(id, next)
    return next !== undefined
  }

  override removeExpired(now: number, limit: number): number {
    let removed = 0
    for (const [id, { expiresAt }] of this.#entries) {
      if (removed >= limit) break
      if (expiresAt <= now && this.destroy(id)) removed++
    }
    return removed
  }

  override countExpired(now: number): number {
    return this.#idsWhere(({ expiresAt }) => expiresAt <= now).length
  }

  override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
    for (const id of this.#entries.keys()) {
      const record = this.get(id)
      if (record) yield record
    }
  }

  override length(): number {
    return this.#entries.size
  }

  override clear(): void {
    this.#entries.clear()
  }

  override findBySubject(subject: string): SessionRecord[] {
    return this.#idsWhere((entry) => entry.subject === subject).flatMap((id) => this.get(id) ?? [])
  }

  override removeBySubject(subject: string, exceptId?: string): string[] {
    const ids = this.#idsWhere((entry) => entry.subject === subject).filter((id) => id !== exceptId)
    for (const id of ids) this.destroy(id)
    return ids
  }

  /** A scan: an index would cost every write something, to spare lists that are rarely asked for a few milliseconds. */
  #idsWhere(matches: (record: SessionRecord) => boolean): string[] {
    const ids: string[] = []
    for (const [id, entry] of this.#entries) if (matches(entry)) ids.push(id)
    return ids
  }

  /** Makes room for one, and for a hundredth of the bound, so that the scan is paid for once in a while only. */
  #evict(): void {
    const nearest = [...this.#entries].toSorted(([, a], [, b]) => a.expiresAt - b.expiresAt)
    for (const [id] of nearest.slice(0, Math.ceil(this.#maxSessions / 100))) this.destroy(id)
  }
}
