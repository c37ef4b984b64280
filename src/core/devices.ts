/** Device lists: the sessions of a subject, shown and ended. Nothing here can be used as a token (I01). */
import { askStore, callStore, destroySession, type Context } from './context.ts'
import { isExpired } from './policy.ts'
import { isRecord, isSubject, type SessionDetails, type SessionRecord } from './record.ts'
import { destroyInTurn } from './store.ts'
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
  if (!isSubject(subject)) return []
  const records = await callStore(context, 'findBySubject', [subject], { subject })
  const now = context.now()
  return records
    .filter((record) => isRecord(record) && record.subject === subject && !isExpired(record, now))
    .toSorted((a, b) => b.lastSeenAt - a.lastSeenAt || b.createdAt - a.createdAt)
    .map((record) => infoOf(record, record.id === current))
}

/** Ends a subject's sessions, except one; how many, or 0 where they are in cookies and nobody can count them. */
export async function removeOf(context: Context, subject: string, except: string | undefined): Promise<number> {
  if (!isSubject(subject)) return 0
  const { revocations } = context.store
  if (revocations) return revocations.removeOf(context, subject, except)
  const ids = await callStore(context, 'removeBySubject', [subject, except], { subject })
  for (const id of ids) {
    // A store built on the base class may have had a write halfway meanwhile: it ends in turn with that (P6).
    await askStore(context, 'destroy', (store, options) => destroyInTurn(store, id, options), { id })
    context.emit('destroyed', { id, subject })
  }
  return ids.length
}

/** Ends one session by id, if `subject` is left open or theirs. */
export async function removeById(context: Context, id: string, subject: string | undefined): Promise<boolean> {
  if (!isId(id)) return false
  const { revocations } = context.store
  if (revocations) return revocations.removeById(context, id, subject)
  const record = await callStore(context, 'get', [id], { id })
  if (!isRecord(record) || record.id !== id || (subject !== undefined && record.subject !== subject)) return false
  return destroySession(context, record)
}
