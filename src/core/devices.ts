/** Device lists: the sessions of a subject, shown and ended. Nothing here can be used as a token (I01). */
import { callStore, destroySession, optional, readRecord, scopeOf, type Context } from './context.ts'
import { SessionUnsupportedError } from './errors.ts'
import { isExpired } from './policy.ts'
import { isRecord, type SessionDetails, type SessionRecord } from './record.ts'
import { destroyInTurn, storeName } from './store.ts'
import { isId } from './token.ts'

/** One session in a device list. Never a token (I01). Times are epoch milliseconds. */
export interface SessionInfo {
  id: string
  subject: string | undefined
  createdAt: number
  lastSeenAt: number
  expiresAt: number
  info: SessionDetails
  current: boolean
}

export function infoOf(record: SessionRecord, current: boolean): SessionInfo {
  const { id, subject, createdAt, lastSeenAt, expiresAt, info } = record
  return { id, subject, createdAt, lastSeenAt, expiresAt, info: info ?? {}, current }
}

/** A subject's live sessions, latest activity first. */
export async function listOf(context: Context, subject: string, current: string | undefined): Promise<SessionInfo[]> {
  const find = optional(context, 'findBySubject')
  const records = await callStore(context, 'findBySubject', (_, options) => find(subject, options), { subject })
  const now = context.now()
  return records
    .filter((record) => record.subject === subject && !isExpired(record, now))
    .toSorted((a, b) => b.lastSeenAt - a.lastSeenAt || b.createdAt - a.createdAt)
    .map((record) => infoOf(record, record.id === current))
}

/** Ends a subject's sessions, except one; how many, or 0 where they are in cookies and nobody can count them. */
export async function removeOf(context: Context, subject: string, except: string | undefined): Promise<number> {
  const { revocations } = context.store
  if (revocations) {
    // Nobody's: no session has such a subject.
    if (typeof subject !== 'string' || subject === '' || !subject.isWellFormed()) return 0
    const end = (): Promise<void> => revocations.endAllOf(subject, except, scopeOf(context))
    await callStore(context, 'removeBySubject', end, { subject })
    context.emit('destroyed', { subject })
    return 0
  }
  const remove = optional(context, 'removeBySubject')
  const ids = await callStore(context, 'removeBySubject', (_, options) => remove(subject, except, options), { subject })
  for (const id of ids) {
    // A store built on the base class may have had a write halfway meanwhile: it ends in turn with that (P6).
    await callStore(context, 'destroy', (store, options) => destroyInTurn(store, id, options), { id })
    context.emit('destroyed', { id, subject })
  }
  return ids.length
}

/** Ends one session by id, if `subject` is left open or theirs. */
export async function removeById(context: Context, id: string, subject: string | undefined): Promise<boolean> {
  if (!isId(id)) return false
  if (context.store.revocations) {
    if (subject === undefined) return destroySession(context, { id })
    throw new SessionUnsupportedError(
      `${storeName(context.store)} cannot tell whose session an id is. Check it yourself and leave \`subject\` out, or end all ` +
        'of theirs with `removeSessionsOf(subject)`.',
    )
  }
  const record = await readRecord(context, id)
  if (!isRecord(record) || record.id !== id || (subject !== undefined && record.subject !== subject)) return false
  return destroySession(context, record)
}
