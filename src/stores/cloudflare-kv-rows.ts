/**
 * What `CloudflareKVStore` keeps under which key. A session is up to four keys: its record; the end, a tombstone that names
 * whom it ended; the last touch; and an entry in its subject's list. Each can be written without reading another, and none
 * undoes another when it arrives late.
 */
import { sha256 } from '../core/bytes.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import type { StoreCallOptions } from '../core/store.ts'
import { isId } from '../core/token.ts'
import type { Namespace } from './cloudflare-kv-namespace.ts'

/** Kept this long where no hard end says how long: browsers keep no cookie longer. */
const LONGEST_TTL = 400 * 86_400_000
/** A tombstone for whatever record there is, left by a logout that could not see it yet. */
const ANY = '*'
/** An entry's name in the subjects' lists: the hash of one, and an id. */
const LISTED = /^[\w-]{43}:(.+)$/

/** What can be seen of a session from here: its record, unless the tombstone names it. */
export interface Seen {
  record?: SessionRecord
  /** Whether a tombstone ended the session of this verifier. */
  ended(verifier: string): boolean
  /** Whether there is a tombstone, whomever it names. */
  hasTombstone: boolean
}

/** An entry in a subject's list. */
export interface Listed {
  id: string
  verifier: string | undefined
}

const NOTHING: Seen = { ended: () => false, hasTombstone: false }

export class Rows {
  readonly #kv: Namespace
  readonly #prefix: string
  readonly #now: () => number

  constructor(kv: Namespace, prefix: string, now: () => number) {
    this.#kv = kv
    this.#prefix = prefix
    this.#now = now
  }

  async look(id: string): Promise<Seen> {
    if (!isId(id)) return NOTHING
    const kinds = ['record', 'ended', 'touched'] as const
    const [row, tombstone, touched] = await Promise.all(kinds.map((kind) => this.#kv.read(this.#key(kind, id))))
    const ended = (verifier: string): boolean => tombstone === ANY || tombstone === verifier
    const seen = { ended, hasTombstone: tombstone !== undefined }
    if (!isRecord(row) || row.id !== id || ended(row.verifier)) return seen
    return { ...seen, record: withTouch(row, touched) }
  }

  /** Writes the record, and its entry in the subject's list unless `current` shows that it is there. */
  async write(id: string, record: SessionRecord, current?: SessionRecord, options?: StoreCallOptions): Promise<void> {
    const { subject, endsAt, verifier } = record
    const ttl = this.#ttlOf(record)
    const puts = [this.#kv.prepare(this.#key('record', id), record, ttl)]
    const isListed = current?.subject === subject && current?.endsAt === endsAt && endsAt !== null
    if (subject !== undefined && !isListed)
      puts.push(this.#kv.prepare(await this.#subjectKey(subject, id), 1, ttl, { verifier }))
    await Promise.all(puts.map((put) => put(options)))
    if (current?.subject !== undefined && current.subject !== subject)
      await this.#kv.remove(await this.#subjectKey(current.subject, id))
  }

  /** Counts for the very version that is touched, so that it never stretches a lifetime set afterwards. */
  async touch(
    { id, version }: SessionRecord,
    expiresAt: number,
    lastSeenAt: number,
    options?: StoreCallOptions,
  ): Promise<void> {
    const touched = { version, expiresAt, lastSeenAt }
    await this.#kv.write(this.#key('touched', id), touched, expiresAt - this.#now(), options)
  }

  /** Leaves a tombstone that outlives any late write of the record; `verifier` is the session's, where that cannot be seen. */
  async bury(id: string, record: SessionRecord | undefined, verifier: string | undefined): Promise<void> {
    const ttl = Math.max(LONGEST_TTL, record ? this.#ttlOf(record) : 0)
    await this.#kv.write(this.#key('ended', id), record?.verifier ?? verifier ?? ANY, ttl)
  }

  async remove(id: string, subject: string | undefined): Promise<void> {
    const keys = [this.#key('record', id), this.#key('touched', id)]
    if (subject !== undefined) keys.push(await this.#subjectKey(subject, id))
    await Promise.all(keys.map((key) => this.#kv.remove(key)))
  }

  /** Removes what a list still names although its record is gone. */
  async removeLeftovers(): Promise<void> {
    for (const kind of ['touched', 'subject'] as const) {
      const prefix = this.#key(kind, '')
      for await (const { name } of this.#kv.list(prefix)) {
        // The rest may be of a store whose prefix begins like these keys.
        const id = kind === 'subject' ? LISTED.exec(name)?.[1] : name
        if (isId(id)) await this.#kv.remove(`${prefix}${name}`)
      }
    }
  }

  async *ids(): AsyncGenerator<string, void, undefined> {
    for await (const { name } of this.#kv.list(this.#key('record', ''))) if (isId(name)) yield name
  }

  async ofSubject(subject: string): Promise<Listed[]> {
    const listed: Listed[] = []
    for await (const { name, metadata } of this.#kv.list(await this.#subjectKey(subject, ''))) {
      const { verifier } = (metadata ?? {}) as { verifier?: string }
      if (isId(name)) listed.push({ id: name, verifier })
    }
    return listed
  }

  /** Touches do not write the record, so it is kept to its hard end. */
  #ttlOf({ endsAt, expiresAt }: SessionRecord): number {
    const now = this.#now()
    return endsAt === null ? Math.max(expiresAt - now, 0) + LONGEST_TTL : endsAt - now
  }

  #key(kind: 'record' | 'ended' | 'touched' | 'subject', rest: string): string {
    return `${this.#prefix}${kind}:${rest}`
  }

  /** The subject is hashed: it may be longer than a key, and is nobody's business in a list of keys. */
  async #subjectKey(subject: string, id: string): Promise<string> {
    return this.#key('subject', `${await sha256(subject)}:${id}`)
  }
}

function withTouch(record: SessionRecord, touched: unknown): SessionRecord {
  const { version, expiresAt, lastSeenAt } = (touched ?? {}) as Record<string, unknown>
  if (version !== record.version || typeof expiresAt !== 'number' || typeof lastSeenAt !== 'number') return record
  const latest = Math.min(expiresAt, record.endsAt ?? Infinity)
  return {
    ...record,
    expiresAt: Math.max(record.expiresAt, latest),
    lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
  }
}
