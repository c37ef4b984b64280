/**
 * Policy: what the clock says of a record. Arithmetic on `(record, now, lifetimes)` and nothing else; every time and
 * duration is in milliseconds.
 */
import type { OwnLifetime } from './lifetime.ts'
import type { SessionRecord } from './record.ts'

/** The configured lifetimes, resolved. */
export interface Lifetimes {
  ttl: number
  renewal: number
  absolute: number | null
  touchEvery: number
  /** How old a signed-in session's token gets before another takes its place. */
  rotateEvery: number
  /** How long the replaced token is served once the new one has been used. */
  grace: number
}

type Life = Pick<SessionRecord, 'expiresAt' | 'endsAt' | 'lastSeenAt'> & OwnLifetime

/** Expired at exactly `expiresAt`, and at exactly `endsAt` (P9). */
export function isExpired(record: Pick<SessionRecord, 'expiresAt' | 'endsAt'>, now: number): boolean {
  return now >= record.expiresAt || now >= (record.endsAt ?? Infinity)
}

/** The expiry after activity now: `renewal` from now, never past `endsAt`, never earlier than it was (P10). */
export function slide(record: Life, now: number, configured: Lifetimes): number {
  const target = now + (record.ttl ?? configured.renewal)
  return Math.max(record.expiresAt, Math.min(target, record.endsAt ?? Infinity))
}

/** Whether activity now is worth a write: at most one per `touchEvery`, oftener only where the session's own life is short. */
export function isTouchDue(record: Life, now: number, configured: Lifetimes): boolean {
  const every = Math.min(configured.touchEvery, (record.ttl ?? Infinity) / 10)
  return now >= record.lastSeenAt + every
}

/** Whether a handover from the previous token to the current one is under way. Not without its nonce, whatever this clock says. */
export function isHandingOver({ previous }: Pick<SessionRecord, 'previous'>, now: number): boolean {
  return !!previous?.handover && now < (previous.until ?? Infinity)
}

/**
 * What a use of the current token has to do about rotation. `confirm`: it is the first, from which the replaced token's
 * grace counts. A new rotation waits for the end of the last one, or requests still under way would be strangers.
 */
export function rotationDue(
  record: SessionRecord,
  now: number,
  configured: Lifetimes,
): 'rotate' | 'confirm' | undefined {
  if (isHandingOver(record, now)) return record.previous?.until === undefined ? 'confirm' : undefined
  return record.subject !== undefined && now >= record.rotatedAt + configured.rotateEvery ? 'rotate' : undefined
}

/** The overall lifetime in force, `null` for none. */
export function absoluteInForce(own: OwnLifetime, configured: Lifetimes): number | null {
  return own.absolute === undefined ? configured.absolute : own.absolute
}

/** The two ends of a life: the sliding one a `ttl` from now, the hard one an `absolute` from `start`. */
export function endsOfLife(
  start: number,
  now: number,
  own: OwnLifetime,
  configured: Lifetimes,
): Pick<SessionRecord, 'expiresAt' | 'endsAt'> {
  const absolute = absoluteInForce(own, configured)
  const endsAt = absolute === null ? null : start + absolute
  return { expiresAt: Math.min(now + (own.ttl ?? configured.ttl), endsAt ?? Infinity), endsAt }
}

/** When a record's overall life began: with its subject, else as its hard end says, else with its creation. */
export function startOfLife(record: SessionRecord, configured: Lifetimes): number {
  if (record.authenticatedAt !== undefined) return record.authenticatedAt
  const absolute = absoluteInForce(record, configured)
  if (record.endsAt === null || absolute === null) return record.createdAt
  return Math.max(record.createdAt, record.endsAt - absolute)
}

/**
 * The two ends of what is written on top of `record`: a new subject, like a new session, begins a new life; a new lifetime
 * counts from where the life began; anything else is activity.
 */
export function lifeOf(
  { subjectSet, lifetimeSet }: { subjectSet: object | undefined; lifetimeSet: OwnLifetime | undefined },
  record: SessionRecord | undefined,
  now: number,
  configured: Lifetimes,
): Pick<SessionRecord, 'expiresAt' | 'endsAt'> {
  const own = lifetimeSet ?? record ?? {}
  if (!record || subjectSet) return endsOfLife(now, now, own, configured)
  if (lifetimeSet) return endsOfLife(startOfLife(record, configured), now, own, configured)
  return { expiresAt: slide(record, now, configured), endsAt: record.endsAt }
}
