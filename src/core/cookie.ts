/**
 * Cookies: reading one name out of a Cookie header, and writing Set-Cookie, split over several cookies where that is allowed
 * (section 6 of the design, RFC 6265bis).
 */
import { LONGEST_AGE, type CookieSettings } from './cookie-options.ts'
import { SessionTooLargeError } from './errors.ts'

/** Name plus value of one cookie, in octets. */
export const COOKIE_LIMIT = 4096
const LOOPBACK = /^http:\/\/(?:(?:[^/?#:@]+\.)?localhost|127\.0\.0\.1|\[::1\])(?=[:/?#]|$)/i

/** Whether this request's cookie is `Secure`: always, but for plain http on a loopback host. */
export function isSecureRequest(request: Request, settings: CookieSettings, trustProxy: boolean): boolean {
  if (settings.secure !== undefined) return settings.secure
  if (!LOOPBACK.test(request.url)) return true
  const forwarded = trustProxy ? request.headers.get('x-forwarded-proto') : null
  return forwarded?.split(',', 1)[0]?.trim().toLowerCase() === 'https'
}

/**
 * The value of the first cookie of exactly this name, or `undefined`. Tolerates anything and never throws (C09): pairs end
 * at `;` whatever the quotes, only spaces and tabs are trimmed, a nameless `=name=x` does not count.
 */
export function readCookie(header: string, name: string): string | undefined {
  const needle = `${name}=`
  for (let at = header.indexOf(needle); at >= 0; at = header.indexOf(needle, at + 1)) {
    let before = at
    while (isBlank(header[before - 1])) before--
    if (before > 0 && header[before - 1] !== ';') continue
    let from = at + needle.length
    let to = header.indexOf(';', from)
    if (to < 0) to = header.length
    while (from < to && isBlank(header[from])) from++
    while (to > from && isBlank(header[to - 1])) to--
    return header.slice(from, to)
  }
  return undefined
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t'
}

/** The names a value may be spread over: `name`, `name.1`, `name.2`. */
function chunkName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`
}

/** A piece of a split value fills its cookie to exactly this many octets, unless it is the last. */
function chunkSize(name: string): number {
  return COOKIE_LIMIT - name.length - 2
}

/** Whether more follows a piece: it fills its cookie, and the value so far is no whole seal, which ends in a tag of 22 characters. */
function continues(piece: string, value: string, name: string): boolean {
  return piece.length >= chunkSize(name) && !/^(?:[^.]*\.){4}[^.]{22}$/.test(value)
}

/** What the request carried under our name: the value joined from its pieces, and how many cookies that were. */
export interface PresentedCookie {
  value: string
  cookies: number
}

/** Reads a value and, after a piece that fills its cookie, the next piece. Leftovers of a longer value are only counted. */
export function readChunks(header: string, name: string, chunks: number): PresentedCookie | undefined {
  const first = readCookie(header, name)
  if (first === undefined) return undefined
  let value = first
  let cookies = 1
  let open = continues(first, value, name)
  for (let index = 1; index < chunks; index++) {
    const piece = readCookie(header, chunkName(name, index))
    if (piece === undefined) {
      open = false
      continue
    }
    cookies = index + 1
    if (open) value += piece
    open &&= continues(piece, value, name)
  }
  return { value, cookies }
}

/**
 * The Set-Cookie headers for a value, and for clearing what is left of a longer predecessor.
 * @throws SessionTooLargeError when it does not fit `chunks` cookies of 4096 octets, name included (P17, C08)
 */
export function writeCookie(
  settings: CookieSettings,
  name: string,
  secure: boolean,
  value: string,
  lifetime: number | undefined,
  before: number,
): string[] {
  checkCookieSize(settings, name, value)
  const pieces = splitValue(name, value)
  const longest =
    settings.maxAge === false || lifetime === undefined ? undefined : Math.min(lifetime, settings.maxAge, LONGEST_AGE)
  const age = longest === undefined ? '' : `; Max-Age=${Math.max(0, Math.ceil(longest / 1000))}`
  const headers = pieces.map(
    (piece, index) => `${chunkName(name, index)}=${piece}${attributes(settings, secure)}${age}`,
  )
  return [...headers, ...clearCookie(settings, name, secure, before, pieces.length)]
}

/** The Set-Cookie headers that remove the cookies `from` to `count`, repeating every attribute (F14). */
export function clearCookie(
  settings: CookieSettings,
  name: string,
  secure: boolean,
  count: number,
  from = 0,
): string[] {
  const headers: string[] = []
  for (let index = from; index < count; index++) {
    headers.push(`${chunkName(name, index)}=${attributes(settings, secure)}; Max-Age=0`)
  }
  return headers
}

function attributes(settings: CookieSettings, secure: boolean): string {
  return `${settings.attributes}${secure ? '; Secure' : ''}${settings.partitioned ? '; Partitioned' : ''}`
}

/** @throws SessionTooLargeError when the value does not fit `chunks` cookies of 4096 octets, name included (P17, C08) */
export function checkCookieSize({ chunks }: CookieSettings, name: string, value: string): void {
  const bytes = name.length + value.length
  if (bytes <= COOKIE_LIMIT) return
  const room = chunkSize(name) * chunks
  if (chunks === 1)
    throw new SessionTooLargeError(bytes, COOKIE_LIMIT, 'Keep less in it, allow more `cookie.chunks`, or use a store.')
  if (value.length > room) throw new SessionTooLargeError(value.length, room, 'Keep less in it, or use a store.')
}

function splitValue(name: string, value: string): string[] {
  if (name.length + value.length <= COOKIE_LIMIT) return [value]
  const size = chunkSize(name)
  const pieces: string[] = []
  for (let at = 0; at < value.length; at += size) pieces.push(value.slice(at, at + size))
  return pieces
}

/** Whether a Set-Cookie header is for this name, or one of the `chunks` its value may be split over. */
export function isSetCookieFor(header: string, name: string, chunks: number): boolean {
  const set = header.slice(0, Math.max(0, header.indexOf('='))).trim()
  for (let index = 0; index < chunks; index++) if (set === chunkName(name, index)) return true
  return false
}
