/** Compare-and-set on one record, for stores that read a whole record and write a whole one. Decides only; stores do. */
import type { SessionRecord } from './record.ts'
import type { Expected, UpdateResult } from './store-model.ts'

/** What a write asks the row to be still: as `record`, which was read. */
export function expectedOf({ version, verifier }: SessionRecord): Expected {
  return { version, verifier }
}

/** Whether the row is there, and still what the caller saw. */
export function isStill(row: SessionRecord | undefined, { version, verifier }: Expected): row is SessionRecord {
  return row?.version === version && row.verifier === verifier
}

/** What an update writes, or why it writes nothing. Keeps the later expiry of the two, unless told otherwise. */
export function updated(
  row: SessionRecord | undefined,
  record: SessionRecord,
  expected: Expected,
  exactExpiry: boolean | undefined,
): SessionRecord | Exclude<UpdateResult, 'ok'> {
  if (!row) return 'gone'
  if (!isStill(row, expected)) return 'conflict'
  return exactExpiry ? record : { ...record, expiresAt: Math.max(record.expiresAt, row.expiresAt) }
}

/** The row with its expiry moved forward, never back and never past `endsAt`; `undefined` when it is not the expected one. */
export function touched(
  row: SessionRecord | undefined,
  expiresAt: number,
  lastSeenAt: number,
  expected: Expected,
): SessionRecord | undefined {
  if (!isStill(row, expected)) return undefined
  return {
    ...row,
    expiresAt: Math.max(row.expiresAt, Math.min(expiresAt, row.endsAt ?? Infinity)),
    lastSeenAt: Math.max(row.lastSeenAt, lastSeenAt),
  }
}
