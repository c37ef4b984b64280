/**
 * Response: the session's headers. Whatever carries a token, and whatever is immutable or without a body, and so may be given
 * to many, is a fresh copy (P16, P19); what was only read is written where it is, since a copy costs more than all the rest of a
 * read. One Set-Cookie per cookie name; what a CDN must not keep is marked so (RFC 9111, section 6 of the design).
 */
import type { Context } from './context.ts'
import { clearCookie, isSetCookieFor, writeCookie } from './cookie.ts'
import type { SessionState } from './state.ts'
import type { Transport } from './transport.ts'

/** Headers by which a response tells caches in front of the browser to keep it. */
const SHARED_CACHING = /cdn-cache-control$|^(?:surrogate-control|akamai-cache-control|expires)$/

const NONE: readonly string[] = []

/** The response with Set-Cookie, Vary and Cache-Control as the session's use asks for; itself when there is nothing to add. */
export function withSessionHeaders(
  context: Context,
  state: SessionState,
  response: Response,
  copies: readonly string[] = NONE,
): Response {
  const own = state.tokenDue || state.clearDue ? setCookies(context, state) : NONE
  if (own.length === 0 && copies.length === 0 && !state.accessed && !state.outage) return response
  if (response.status === 101 || response.status === 0) return response
  const said = whatIsSaid(response)
  if (own.length === 0 && copies.length === 0) {
    if (isSaid(said, context, state)) return response
    if (said.typed && isGivenOnce(response, state.request)) {
      try {
        addTo(response.headers, said, context, state, own, copies)
        return response
      } catch {
        // Immutable, as `fetch()` returns them: nothing was added.
      }
    }
  }
  const copy = new Response(response.body, response)
  addTo(copy.headers, said, context, state, own, copies)
  return copy
}

/** Whether a response says all that there is to say after a read. */
function isSaid({ varies, cached, shared }: Said, context: Context, state: SessionState): boolean {
  if (state.outage || state.tokenDue || (context.cacheControl && !cached && shared.length === 0)) return false
  return (
    varies.includes('*') || context.transports.every((transport) => varies.includes(varyBy(transport).toLowerCase()))
  )
}

function varyBy(transport: Transport): string {
  return transport === 'bearer' ? 'Authorization' : 'Cookie'
}

/**
 * Whether a response that names a type is nobody else's. It has a body then, which can be given once; on an error, a 304 or
 * the answer to a HEAD the type may be all there is. To ask for the body itself makes a stream of it. A class over the platform's
 * may give out the very headers that it was made with, as that of `@hono/node-server` does, and an app makes many of one.
 */
function isGivenOnce(response: Response, request: Request | undefined): boolean {
  if (response.status !== 200 || request?.method === 'HEAD') return false
  const above = Object.getPrototypeOf(Object.getPrototypeOf(response)) as object | null
  return above !== null && !('headers' in above)
}

/** What a response says already. */
interface Said {
  typed: boolean
  /** In lower case. */
  varies: string[]
  cached: boolean
  /** Headers for shared caches. */
  shared: string[]
}

/** One look at all headers, since each question of its own costs as much. By `forEach`: an iterator takes Deno four times as long. */
function whatIsSaid({ headers }: Response): Said {
  const said: Said = { typed: false, varies: [], cached: false, shared: [] }
  headers.forEach((value, name) => {
    if (name === 'content-type') said.typed = true
    else if (name === 'vary') said.varies = value.toLowerCase().split(/[\s,]+/)
    else if (name === 'cache-control') said.cached = true
    else if (SHARED_CACHING.test(name)) said.shared.push(name)
  })
  return said
}

function addTo(
  headers: Headers,
  { varies, cached, shared }: Said,
  context: Context,
  state: SessionState,
  own: readonly string[],
  copies: readonly string[],
): void {
  const brings = own.length + copies.length > 0
  if (brings && state.carried) {
    const { cookieName } = state.carried
    const before = headers.getSetCookie()
    if (before.length > 0) headers.delete('Set-Cookie')
    const others = before.filter((header) => {
      const isOwn = own.length > 0 && isSetCookieFor(header, cookieName, context.cookie.chunks)
      return !isOwn && !copies.some((other) => isSetCookieFor(header, other.slice(0, other.indexOf('=')), 1))
    })
    for (const header of [...others, ...own, ...copies]) headers.append('Set-Cookie', header)
  }
  if (state.accessed && !varies.includes('*')) {
    for (const transport of context.transports) {
      const name = varyBy(transport)
      if (varies.includes(name.toLowerCase())) continue
      headers.append('Vary', name)
      varies.push(name.toLowerCase())
    }
  }
  // On bearer a new token can only be in the body.
  const carriesToken = brings || state.tokenDue
  const unsaid = carriesToken || !(cached || shared.length > 0)
  if (state.outage || (context.cacheControl && unsaid)) {
    const whose = carriesToken || state.subject !== undefined ? 'private, no-store' : 'private, no-cache'
    headers.set('Cache-Control', state.outage ? 'no-store' : whose)
    for (const name of shared) headers.delete(name)
  }
}

function setCookies(context: Context, state: SessionState): readonly string[] {
  const { carried, record, token } = state
  if (carried?.transport !== 'cookie') return NONE
  const { cookieName, secure, cookies } = carried
  if (state.tokenDue && record && token !== undefined) {
    const lifetime = record.persistent === false ? undefined : (record.endsAt ?? Infinity) - context.now()
    return writeCookie(context.cookie, cookieName, secure, token, lifetime, cookies)
  }
  return state.clearDue ? clearCookie(context.cookie, cookieName, secure, cookies) : NONE
}
