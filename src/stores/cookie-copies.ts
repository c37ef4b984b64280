/**
 * Copies: a sealed copy of the record in a cookie of its own, which stands in for a read while it is fresh (`CookieCache`).
 * It is bound to the token by id and verifier, so a copy of another session, another subject or an older token is nothing.
 * `asOf` is set by reads and writes of the store only, and a copy never decides a write: those compare and set as ever.
 */
import { constantTimeEqual } from '../core/bytes.ts'
import { callStore, type Context } from '../core/context.ts'
import { clearCookie, COOKIE_LIMIT, readCookie, writeCookie } from '../core/cookie.ts'
import { SessionTooLargeError, StoreUnavailableError } from '../core/errors.ts'
import { isExpired, isTouchDue } from '../core/policy.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import type { SessionState } from '../core/state.ts'
import type { Copies, Copy } from '../core/store-model.ts'
import type { Carried } from '../core/transport.ts'

/** How far behind an eventual store may be: that long a copy is worth keeping beyond its `ttl`. */
const WINDOW = 120_000

/** What the core does with copies, over a store that seals and opens them. */
export class CookieCopies implements Copies {
  readonly #ttl: number

  /** @param ttl how long a copy stands in for a read, in milliseconds */
  constructor(ttl: number) {
    this.#ttl = ttl
  }

  carriedBy(request: Request | undefined, { transport, cookieName }: Carried): string | undefined {
    const header = transport === 'cookie' && request?.headers.get('cookie')
    return (header && readCookie(header, copyName(cookieName))) || undefined
  }

  async open(context: Context, text: string, id: string, verifier: string): Promise<Copy | undefined> {
    const name = sealName(context)
    let opened: unknown
    try {
      opened = await callStore(context, 'open', [text], {}, { name })
    } catch {
      // One that cannot be opened is none: the store is asked.
    }
    if (!isRecord(opened)) return undefined
    const { asOf, ...record } = opened as SessionRecord & { asOf?: unknown }
    if (typeof asOf !== 'number' || record.id !== id || !constantTimeEqual(record.verifier, verifier)) return undefined
    return { record, asOf }
  }

  /**
   * One from the future is not fresh, or a clock that runs ahead would stretch `ttl`; nor is one whose session would end
   * before the store is asked again, though a touch is due: it may have been extended.
   */
  isFresh(context: Context, { record, asOf }: Copy): boolean {
    const now = context.now()
    const until = asOf + this.#ttl
    if (now < asOf || now >= until || isExpired(record, now)) return false
    return record.expiresAt > until || !isTouchDue(record, now, context)
  }

  /** An eventual store may be behind this visitor's own last write or touch. A copy older than any such window has no say. */
  isAhead(context: Context, { record, asOf }: Copy, answer: SessionRecord): boolean {
    if (context.now() >= asOf + Math.max(this.#ttl, WINDOW)) return false
    if (record.version !== answer.version) return record.version > answer.version
    return record.lastSeenAt > answer.lastSeenAt
  }

  /** A new copy after a read or write of the store, none after its end. A page that did not use the session and may be cached stays as it is. */
  async cookies(context: Context, state: SessionState, response: Response): Promise<string[]> {
    const { carried, record, asOf } = state
    const { store, cookie } = context
    if (carried?.transport !== 'cookie' || response.status === 101 || response.status === 0) return []
    const { cookieName, secure } = carried
    const name = copyName(cookieName)
    const clear = this.carriedBy(state.request, carried) === undefined ? [] : clearCookie(cookie, name, secure, 1)
    const over = state.destroyed || (state.clearDue && !state.tokenDue)
    if (!record || over) return state.clearDue ? clear : []
    if (asOf === undefined || (!state.accessed && isCacheable(response))) return []
    const sealed = await sealCopy(context, { ...record, asOf } as SessionRecord)
    // Too large for one cookie: no copy, and every request reads the store.
    if (sealed === undefined || name.length + sealed.length > COOKIE_LIMIT) return clear
    const kept = store.capabilities.consistency === 'eventual' ? Math.max(this.#ttl, WINDOW) : this.#ttl
    return writeCookie({ ...cookie, chunks: 1 }, name, secure, sealed, kept, 0)
  }
}

/** The cookie a copy is kept in. */
function copyName(cookieName: string): string {
  return `${cookieName}.copy`
}

/** What the seal is bound to: no cookie can have this name, so that no token ever passes for a copy, nor a copy for a token. */
function sealName({ cookie }: Context): string {
  return `${cookie.bareName} copy`
}

function isCacheable(response: Response): boolean {
  const rule = response.headers.get('Cache-Control')
  return typeof rule === 'string' && !/\bno-(?:store|cache)\b/i.test(rule)
}

/** `undefined` for what no cookie could hold, or nobody sealed; what is certain to be too large is not even tried. */
async function sealCopy(context: Context, record: SessionRecord): Promise<string | undefined> {
  if (record.data.length + (record.flash?.length ?? 0) > COOKIE_LIMIT) return undefined
  try {
    return await callStore(context, 'seal', [record], record, { name: sealName(context) })
  } catch (error) {
    // The session is written by now, and its response does not depend on a copy.
    if (error instanceof SessionTooLargeError || error instanceof StoreUnavailableError) return undefined
    throw error
  }
}
