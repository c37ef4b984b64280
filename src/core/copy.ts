/**
 * Copies: a sealed copy of the record in a cookie of its own, which stands in for a read while it is fresh (`CookieCache`).
 * It is bound to the token by id and verifier, so a copy of another session, another subject or an older token is nothing.
 * `asOf` is set by reads and writes of the store only, and a copy never decides a write: those compare and set as ever.
 */
import { constantTimeEqual } from './bytes.ts'
import { callStore, type Context } from './context.ts'
import { clearCookie, COOKIE_LIMIT, writeCookie } from './cookie.ts'
import { SessionTooLargeError, StoreUnavailableError } from './errors.ts'
import { isExpired, isTouchDue } from './policy.ts'
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

/** What the seal is bound to: no cookie can have this name, so that no token ever passes for a copy, nor a copy for a token. */
function sealName({ cookie }: Context): string {
  return `${cookie.bareName} copy`
}

/** The copy that belongs to this id and verifier, or `undefined`. */
export async function openCopy(
  context: Context,
  text: string,
  id: string,
  verifier: string,
): Promise<Copy | undefined> {
  const name = sealName(context)
  // One that cannot be opened is none: the store is asked.
  const opened: unknown = await callStore(context, 'open', (store, { signal }) =>
    store.open?.(text, { name, signal }),
  ).catch(() => undefined)
  if (!isRecord(opened)) return undefined
  const { asOf, ...record } = opened as SessionRecord & { asOf?: unknown }
  if (typeof asOf !== 'number' || record.id !== id || !constantTimeEqual(record.verifier, verifier)) return undefined
  return { record, asOf }
}

/**
 * Whether a copy stands in for a read now. One from the future does not, or a clock that runs ahead would stretch `ttl`;
 * nor does one whose session would end before the store is asked again, though a touch is due: it may have been extended.
 */
export function isFresh(context: Context, { record, asOf }: Copy): boolean {
  const now = context.now()
  const until = asOf + (context.store.copyTtl ?? 0)
  if (now < asOf || now >= until || isExpired(record, now)) return false
  return record.expiresAt > until || !isTouchDue(record, now, context)
}

/**
 * Whether the store's answer is from before what the copy holds: an eventual store may be behind this visitor's own last
 * write or touch. A copy older than any such window has no say.
 */
export function isAhead(context: Context, { record, asOf }: Copy, answer: SessionRecord): boolean {
  if (context.now() >= asOf + Math.max(context.store.copyTtl ?? 0, WINDOW)) return false
  if (record.version !== answer.version) return record.version > answer.version
  return record.lastSeenAt > answer.lastSeenAt
}

/**
 * The Set-Cookie headers that bring the copy up to date: a new one after a read or write of the store, none after its end.
 * A page that did not use the session and may be cached stays as it is.
 */
export async function copyCookies(context: Context, state: SessionState, response?: Response): Promise<string[]> {
  const { carried, record, asOf } = state
  const { store, cookie } = context
  const ttl = store.copyTtl
  if (ttl === undefined || carried?.transport !== 'cookie' || response?.status === 101 || response?.status === 0)
    return []
  const name = copyName(carried.cookieName)
  const clear = carried.copy === undefined ? [] : clearCookie(cookie, name, carried.secure, 1)
  const over = state.destroyed || (state.clearDue && !state.tokenDue)
  if (!record || over) return state.clearDue ? clear : []
  if (asOf === undefined || (!state.accessed && isCacheable(response))) return []
  const sealed = await sealCopy(context, { ...record, asOf } as SessionRecord)
  // Too large for one cookie: no copy, and every request reads the store.
  if (sealed === undefined || name.length + sealed.length > COOKIE_LIMIT) return clear
  const kept = store.capabilities.consistency === 'eventual' ? Math.max(ttl, WINDOW) : ttl
  return writeCookie({ ...cookie, chunks: 1 }, name, carried.secure, sealed, kept, 0)
}

function isCacheable(response: Response | undefined): boolean {
  const rule = response?.headers.get('Cache-Control')
  return typeof rule === 'string' && !/\bno-(?:store|cache)\b/i.test(rule)
}

/** `undefined` for what no cookie could hold, or nobody sealed; what is certain to be too large is not even tried. */
async function sealCopy(context: Context, record: SessionRecord): Promise<string | undefined> {
  if (record.data.length + (record.flash?.length ?? 0) > COOKIE_LIMIT) return undefined
  try {
    const name = sealName(context)
    return await callStore(context, 'seal', (store, { signal }) => store.seal?.(record, { name, signal }), record)
  } catch (error) {
    // The session is written by now, and its response does not depend on a copy.
    if (error instanceof SessionTooLargeError || error instanceof StoreUnavailableError) return undefined
    throw error
  }
}
