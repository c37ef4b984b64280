/**
 * Copies: a sealed copy of the record in a cookie of its own, which stands in for a read while it is fresh (`CookieCache`).
 * It is bound to the token by id and verifier, so a copy of another session, another subject or an older token is nothing.
 * `asOf` is set by reads and writes of the store only, and a copy never decides a write: those compare and set as ever.
 */
import { constantTimeEqual } from './bytes.ts'
import type { Context } from './context.ts'
import { clearCookie, COOKIE_LIMIT, writeCookie } from './cookie.ts'
import { isRecord, type SessionRecord } from './record.ts'
import type { SessionState } from './state.ts'
import { copyName } from './transport.ts'

/** A record, and when the store was last known to hold it (epoch milliseconds). */
export interface Copy {
  record: SessionRecord
  asOf: number
}

/** How far behind an eventual store may be: that long a copy is worth keeping beyond its `ttl`. */
const WINDOW = 120_000

/** The copy that belongs to this id and verifier, or `undefined`. */
export async function openCopy(
  context: Context,
  text: string,
  id: string,
  verifier: string,
): Promise<Copy | undefined> {
  const { store, cookie } = context
  const opened: unknown = await store.open?.(text, { name: `${cookie.bareName}.copy` })
  if (!isRecord(opened)) return undefined
  const { asOf, ...record } = opened as SessionRecord & { asOf?: unknown }
  if (typeof asOf !== 'number' || record.id !== id || !constantTimeEqual(record.verifier, verifier)) return undefined
  return { record, asOf }
}

/** Whether a copy stands in for a read now. A copy from the future is no younger than one of now. */
export function isFresh(context: Context, copy: Copy): boolean {
  return context.now() < copy.asOf + (context.store.copyTtl ?? 0)
}

/** The Set-Cookie headers that bring the copy up to date: a new one after a read or write of the store, none after its end. */
export async function copyCookies(context: Context, state: SessionState): Promise<string[]> {
  const { carried, record, asOf } = state
  const { store, cookie } = context
  const ttl = store.copyTtl
  if (ttl === undefined || carried?.transport !== 'cookie') return []
  const name = copyName(carried.cookieName)
  const clear = carried.copy === undefined ? [] : clearCookie(cookie, name, carried.secure, 1)
  if (!record || state.clearDue) return state.clearDue ? clear : []
  if (asOf === undefined) return []
  const sealed = await store.seal?.({ ...record, asOf } as SessionRecord, { name: `${cookie.bareName}.copy` })
  // Too large for one cookie: no copy, and every request reads the store.
  if (sealed === undefined || name.length + sealed.length > COOKIE_LIMIT) return clear
  const kept = store.capabilities.consistency === 'eventual' ? Math.max(ttl, WINDOW) : ttl
  return writeCookie({ ...cookie, chunks: 1 }, name, carried.secure, sealed, kept, 0)
}
