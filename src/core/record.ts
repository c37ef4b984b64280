/**
 * The record: what a store keeps for one session. It never holds a token, only the `verifier`, a hash of the token's
 * secret, so a stolen database opens nothing. All times are epoch milliseconds.
 */

/** A string map for device lists, e.g. `{ device: 'Firefox on Linux', city: 'Lyon' }`. */
export type SessionDetails = Record<string, string>

/**
 * The token that was replaced last. Replaced by `regenerate()`, it is known as superseded until `until`. Replaced by a
 * rotation (`rotateEvery`), it has a `handover` and is served until `until`, which the new token's first use sets.
 */
export interface PreviousToken {
  verifier: string
  until?: number
  /** Random: with the old secret it gives the next one, with a stored verifier it gives nothing. Empty once the grace is over. */
  handover?: string
  /** SHA-256 of the old token's CSRF code, which forms shown before the rotation still bring. */
  csrf?: string
}

/** One session as stores keep it. */
export interface SessionRecord {
  /** Public, stable for the session's whole life. */
  id: string
  /** base64url(SHA-256(the secret's 43 characters)). */
  verifier: string
  /** The session's data, serialised. */
  data: string
  /** Flash messages not read yet, serialised. */
  flash?: string
  /** 1, then +1 on every update. */
  version: number
  createdAt: number
  /** When `subject` was set. */
  authenticatedAt?: number
  /** When the current token came in. */
  rotatedAt: number
  lastSeenAt: number
  /** The sliding end: at exactly this time the session is expired (P9). */
  expiresAt: number
  /** The hard end, which no renewal passes (P10); `null` for none. */
  endsAt: number | null
  /** The session's own lifetime, where it has one ("remember me"). */
  ttl?: number
  /** The session's own overall lifetime; `null` for no hard end. */
  absolute?: number | null
  /** `false` when the cookie ends with the browser. */
  persistent?: boolean
  /** Whose session this is. */
  subject?: string
  info?: SessionDetails
  previous?: PreviousToken
}

/** Whether a store's answer has the shape of a record; a row that has not is treated as missing. */
export function isRecord(value: unknown): value is SessionRecord {
  const record = Object(value) as SessionRecord
  const { endsAt, authenticatedAt, ttl, absolute, persistent, flash, subject, info, previous } = record
  // One by one, since every read comes by: lists of names, and a closure for each, took more than ten times as long.
  return (
    typeof record.id === 'string' &&
    typeof record.verifier === 'string' &&
    typeof record.data === 'string' &&
    isNumber(record.version) &&
    isNumber(record.createdAt) &&
    isNumber(record.rotatedAt) &&
    isNumber(record.lastSeenAt) &&
    isNumber(record.expiresAt) &&
    (endsAt === null || isNumber(endsAt)) &&
    (authenticatedAt === undefined || isNumber(authenticatedAt)) &&
    (ttl === undefined || isNumber(ttl)) &&
    (absolute === undefined || absolute === null || isNumber(absolute)) &&
    (persistent === undefined || typeof persistent === 'boolean') &&
    (flash === undefined || typeof flash === 'string') &&
    (subject === undefined || typeof subject === 'string') &&
    (info === undefined || isDetails(info)) &&
    (previous === undefined || typeof (previous as PreviousToken | null)?.verifier === 'string')
  )
}

function isDetails(info: unknown): boolean {
  return typeof info === 'object' && info !== null && Object.values(info).every((value) => typeof value === 'string')
}

/** What can have sessions: where nobody is signed in there is no subject, and visitors without one are not each other. */
export function isSubject(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value)
}

/** A copy without the keys whose value is `undefined`, so that records compare and serialise alike everywhere. */
export function withoutUndefined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const copy = {} as T
  for (const key in value) if (value[key] !== undefined) copy[key] = value[key]
  return copy
}
