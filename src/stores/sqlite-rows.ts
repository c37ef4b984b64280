/**
 * Records as rows, and back. Text that SQLite or one of its drivers would change on the way (libSQL cuts it at NUL, and
 * turns a lone surrogate into U+FFFD) is kept as JSON text behind a marker, so that every record comes back exactly and
 * two ids or subjects that differ never meet.
 */
import { isRecord, withoutUndefined, type SessionRecord } from '../core/record.ts'
import type { SessionsColumns } from './sqlite-schema.ts'

/** The values of one row by column, as they are bound. */
export type Row = { [Column in keyof SessionsColumns]: string | number | null }

const MARKER = '\u0001'

/** Text as it is kept; `null`, which is equal to nothing, for what is no text. */
export function toText(value: string | undefined): string | null {
  if (typeof value !== 'string') return null
  const safe = !value.startsWith(MARKER) && !value.includes('\0') && value.isWellFormed()
  return safe ? value : MARKER + JSON.stringify(value).replaceAll(MARKER, '\\u0001')
}

export function toRow(id: string, record: SessionRecord): Row {
  const { ttl, absolute, persistent } = record
  return {
    id: toText(id),
    verifier: toText(record.verifier),
    data: toText(record.data),
    flash: toText(record.flash),
    version: record.version,
    createdAt: record.createdAt,
    authenticatedAt: record.authenticatedAt ?? null,
    rotatedAt: record.rotatedAt,
    lastSeenAt: record.lastSeenAt,
    expiresAt: record.expiresAt,
    endsAt: record.endsAt,
    lifetime: toJson(withoutUndefined({ ttl, absolute, persistent })),
    subject: toText(record.subject),
    info: record.info ? JSON.stringify(record.info) : null,
    previous: record.previous ? JSON.stringify(record.previous) : null,
  }
}

/** The record of a row; `undefined` when the row is corrupt, whatever is in it. Never throws. */
export function toRecord(row: { [Column in keyof Row]: unknown }): SessionRecord | undefined {
  try {
    const record = {
      id: fromText(row.id),
      verifier: fromText(row.verifier),
      data: fromText(row.data),
      version: fromInteger(row.version),
      createdAt: fromInteger(row.createdAt),
      rotatedAt: fromInteger(row.rotatedAt),
      lastSeenAt: fromInteger(row.lastSeenAt),
      expiresAt: fromInteger(row.expiresAt),
      endsAt: fromInteger(row.endsAt) ?? null,
    } as SessionRecord
    // Most rows have few of these.
    if (row.flash !== null) record.flash = fromText(row.flash) as string
    if (row.authenticatedAt !== null) record.authenticatedAt = fromInteger(row.authenticatedAt) as number
    if (row.subject !== null) record.subject = fromText(row.subject) as string
    if (row.info !== null) record.info = fromJson<NonNullable<SessionRecord['info']>>(row.info)
    if (row.previous !== null) record.previous = fromJson<NonNullable<SessionRecord['previous']>>(row.previous)
    if (row.lifetime !== null) {
      const { ttl, absolute, persistent } = fromJson<Partial<SessionRecord>>(row.lifetime)
      Object.assign(record, withoutUndefined({ ttl, absolute, persistent }))
    }
    return isRecord(record) ? record : undefined
  } catch {
    return undefined
  }
}

/** The columns that JSON holds for `unpack`, in the order in which it reads them: all but `data`. */
export const PACKED: readonly Exclude<keyof Row, 'data'>[] = [
  'id',
  'verifier',
  'flash',
  'version',
  'createdAt',
  'authenticatedAt',
  'rotatedAt',
  'lastSeenAt',
  'expiresAt',
  'endsAt',
  'lifetime',
  'subject',
  'info',
  'previous',
]

/** A row as two values: its `data`, and the other columns as one JSON array. */
export type PackedRow = ArrayLike<unknown> & { readonly 0: unknown; readonly 1: unknown }

/**
 * The record of a packed row; `undefined` when it is corrupt, or has a number that is no safe integer, which SQLite rounds
 * when it writes JSON: the row itself tells which. Never throws.
 */
export function unpack(row: PackedRow): SessionRecord | undefined {
  try {
    const values = JSON.parse(String(row[1])) as Row[keyof Row][]
    for (const value of values) if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined
    // oxfmt-ignore
    const [id, verifier, flash, version, createdAt, authenticatedAt, rotatedAt, lastSeenAt, expiresAt, endsAt, lifetime,
      subject, info, previous] = values
    // oxfmt-ignore
    return toRecord({
      id, verifier, data: row[0], flash, version, createdAt, authenticatedAt, rotatedAt, lastSeenAt, expiresAt, endsAt,
      lifetime, subject, info, previous,
    })
  } catch {
    return undefined
  }
}

/** The text as it was given to `toText`. */
function fromText(value: unknown): string | undefined {
  if (value === null) return undefined
  if (typeof value !== 'string') throw new TypeError('not text')
  return value.startsWith(MARKER) ? String(JSON.parse(value.slice(MARKER.length))) : value
}

/** The id of a row that was removed; `undefined` where it is corrupt, and no session's. Never throws. */
export function toId(value: unknown): string | undefined {
  try {
    return fromText(value)
  } catch {
    return undefined
  }
}

/** Some drivers answer in bigints or in text, or can be told to. */
function fromInteger(value: unknown): number | undefined {
  if (value === null) return undefined
  const isInteger = typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value))
  if (typeof value !== 'number' && !isInteger) throw new TypeError('not a number')
  return Number(value)
}

function toJson(value: object): string | null {
  return Object.keys(value).length > 0 ? JSON.stringify(value) : null
}

function fromJson<T extends object>(value: unknown): T {
  const parsed: unknown = JSON.parse(String(value))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('not an object')
  return parsed as T
}
