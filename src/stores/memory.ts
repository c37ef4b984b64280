/**
 * MemoryStore: records in a Map, for one process. Bounded: at `maxSessions` the record nearest to its expiry makes room.
 * Keeps JSON text, so that nothing is shared by reference (P19).
 */
import { SessionConfigError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { Store, type Expected, type StoreCapabilities, type UpdateOptions, type UpdateResult } from '../core/store.ts'

export interface MemoryStoreOptions {
  /** How many records are kept at most. Default 100,000. */
  maxSessions?: number
}

interface Entry {
  text: string
  expiresAt: number
  subject: string | undefined
}

/** Keeps sessions in this process's memory; they end with it. */
export class MemoryStore extends Store {
  readonly #entries = new Map<string, Entry>()
  readonly #bySubject = new Map<string, Set<string>>()
  readonly #maxSessions: number

  constructor(options: MemoryStoreOptions = {}) {
    super()
    this.#maxSessions = options.maxSessions ?? 100_000
    if (!(Number.isInteger(this.#maxSessions) && this.#maxSessions > 0)) {
      throw new SessionConfigError('`maxSessions` must be a whole number above 0.')
    }
  }

  /** Atomic, because nothing here waits: every method is one step of the event loop. */
  override get capabilities(): StoreCapabilities {
    return { atomic: true, consistency: 'strong' }
  }

  override get(id: string): SessionRecord | undefined {
    const entry = this.#entries.get(id)
    return entry && (JSON.parse(entry.text) as SessionRecord)
  }

  override set(id: string, record: SessionRecord): void {
    const known = this.#entries.get(id)
    if (known) this.#forget(id, known)
    else if (this.#entries.size >= this.#maxSessions) this.#evict()
    this.#entries.set(id, { text: JSON.stringify(record), expiresAt: record.expiresAt, subject: record.subject })
    if (record.subject === undefined) return
    const ids = this.#bySubject.get(record.subject)
    if (ids) ids.add(id)
    else this.#bySubject.set(record.subject, new Set([id]))
  }

  override destroy(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry) this.#forget(id, entry)
    return this.#entries.delete(id)
  }

  override create(record: SessionRecord): boolean {
    if (this.#entries.has(record.id)) return false
    this.set(record.id, record)
    return true
  }

  override update(record: SessionRecord, expected: Expected, options?: UpdateOptions): UpdateResult {
    const current = this.get(record.id)
    if (!current) return 'gone'
    if (current.version !== expected.version || current.verifier !== expected.verifier) return 'conflict'
    const expiresAt = options?.exactExpiry ? record.expiresAt : Math.max(record.expiresAt, current.expiresAt)
    this.set(record.id, { ...record, expiresAt })
    return 'ok'
  }

  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
    const current = this.get(id)
    if (!current || current.version !== expected.version || current.verifier !== expected.verifier) return false
    this.set(id, {
      ...current,
      expiresAt: Math.max(current.expiresAt, Math.min(expiresAt, current.endsAt ?? Infinity)),
      lastSeenAt: Math.max(current.lastSeenAt, lastSeenAt),
    })
    return true
  }

  override removeExpired(now: number, limit: number): number {
    let removed = 0
    for (const [id, entry] of this.#entries) {
      if (removed >= limit) break
      if (entry.expiresAt <= now && this.destroy(id)) removed++
    }
    return removed
  }

  override countExpired(now: number): number {
    let count = 0
    for (const entry of this.#entries.values()) if (entry.expiresAt <= now) count++
    return count
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
    this.#bySubject.clear()
  }

  override findBySubject(subject: string): SessionRecord[] {
    return [...(this.#bySubject.get(subject) ?? [])].flatMap((id) => this.get(id) ?? [])
  }

  override removeBySubject(subject: string, exceptId?: string): string[] {
    const ids = [...(this.#bySubject.get(subject) ?? [])].filter((id) => id !== exceptId)
    for (const id of ids) this.destroy(id)
    return ids
  }

  #forget(id: string, entry: Entry): void {
    if (entry.subject === undefined) return
    const ids = this.#bySubject.get(entry.subject)
    ids?.delete(id)
    if (ids?.size === 0) this.#bySubject.delete(entry.subject)
  }

  /** Makes room for one, and for a hundredth of the bound, so that the scan is paid for once in a while only. */
  #evict(): void {
    const nearest = [...this.#entries].toSorted(([, a], [, b]) => a.expiresAt - b.expiresAt)
    for (const [id] of nearest.slice(0, Math.ceil(this.#maxSessions / 100))) this.destroy(id)
  }
}
