/**
 * Response: the session's headers. Whatever carries a token, and whatever is immutable or without a body, and so may be given
 * to many, is a fresh copy (P16, P19); what was only read is written where it is, since a copy costs more than all the rest of a
 * read. One Set-Cookie per cookie name; what a CDN must not keep is marked so (RFC 9111, section 6 of the design).
 */
import type { Context } from './context.ts'
import { clearCookie, isSetCookieFor, writeCookie } from './cookie.ts'
import type { SessionState } from './state.ts'

/** Headers by which a response tells caches in front of the browser to keep it. */
const SHARED_CACHING = /cdn-cache-control$|^(?:surrogate-control|akamai-cache-control|expires)$/

/** The response with Set-Cookie, Vary and Cache-Control as the session's use asks for; itself when there is nothing to add. */
export function withSessionHeaders(
  context: Context,
  state: SessionState,
  response: Response,
  copies: readonly string[],
): Response {
  const own = setCookies(context, state)
  const cookies = [...own, ...copies]
  if (response.status === 101 || response.status === 0) return response
  if (cookies.length === 0 && !state.accessed && !state.outage) return response

  // One look at all of them, since each question of its own costs as much.
  const before: string[] = []
  let varies: string[] = []
  let cached = false
  let typed = false
  const shared: string[] = []
  for (const [name, value] of response.headers) {
    if (name === 'content-type') typed = true
    else if (name === 'vary') varies = value.toLowerCase().split(/[\s,]+/)
    else if (name === 'cache-control') cached = true
    else if (name === 'set-cookie') before.push(value)
    else if (SHARED_CACHING.test(name)) shared.push(name)
  }
  const addTo = (headers: Headers): void => {
    if (cookies.length > 0 && state.carried) {
      const { cookieName } = state.carried
      if (before.length > 0) headers.delete('Set-Cookie')
      const others = before.filter((header) => {
        const isOwn = own.length > 0 && isSetCookieFor(header, cookieName, context.cookie.chunks)
        return !isOwn && !copies.some((other) => isSetCookieFor(header, other.slice(0, other.indexOf('=')), 1))
      })
      for (const header of [...others, ...cookies]) headers.append('Set-Cookie', header)
    }
    if (state.accessed && !varies.includes('*')) {
      for (const transport of context.transports) {
        const name = transport === 'bearer' ? 'Authorization' : 'Cookie'
        if (varies.includes(name.toLowerCase())) continue
        headers.append('Vary', name)
        varies.push(name.toLowerCase())
      }
    }
    // On bearer a new token can only be in the body.
    const carriesToken = cookies.length > 0 || state.tokenDue
    const unsaid = carriesToken || !(cached || shared.length > 0)
    if (state.outage || (context.cacheControl && unsaid)) {
      const whose = carriesToken || state.subject !== undefined ? 'private, no-store' : 'private, no-cache'
      headers.set('Cache-Control', state.outage ? 'no-store' : whose)
      for (const name of shared) headers.delete(name)
    }
  }
  // A type is a sign of a body, which can be given once. To ask for the body itself makes a stream of it on Node.
  if (typed && cookies.length === 0) {
    try {
      addTo(response.headers)
      return response
    } catch {
      // Immutable, as `fetch()` returns them: nothing was added.
    }
  }
  const copy = new Response(response.body, response)
  addTo(copy.headers)
  return copy
}

function setCookies(context: Context, state: SessionState): string[] {
  const { carried, record, token } = state
  if (carried?.transport !== 'cookie') return []
  const { cookieName, secure, cookies } = carried
  if (state.tokenDue && record && token !== undefined) {
    const lifetime = record.persistent === false ? undefined : (record.endsAt ?? Infinity) - context.now()
    return writeCookie(context.cookie, cookieName, secure, token, lifetime, cookies)
  }
  return state.clearDue ? clearCookie(context.cookie, cookieName, secure, cookies) : []
}
