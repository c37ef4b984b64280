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
  const { url } = request
  if (url.startsWith('https:') || !LOOPBACK.test(url)) return true
  return trustProxy && /^\s*https\s*(?:,|$)/i.test(request.headers.get('x-forwarded-proto') ?? '')
}

/**
 * The value of the first cookie of exactly this name, or `undefined`. Tolerates anything and never throws (C09): pairs end
 * at `;` whatever the quotes, only spaces and tabs are trimmed, a nameless `=name=x` does not count.
 */
export function readCookie(header: string, name: string): string | undefined {
  const wanted = `${name}=`
  // A scan that makes nothing of the pairs in between: most of a header is other people's cookies.
  for (let start = 0, end = 0; start <= header.length; start = end + 1) {
    end = header.indexOf(';', start)
    if (end < 0) end = header.length
    while (isBlank(header[start])) start++
    if (!header.startsWith(wanted, start)) continue
    let [from, to] = [start + wanted.length, end]
    while (from < to && isBlank(header[from])) from++
    while (from < to && isBlank(header[to - 1])) to--
    return header.slice(from, to)
  }
  return undefined
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** The names a value may be spread over: `name`, `name.1`, `name.2`. */
function chunkNames(name: string, count: number): string[] {
  return [name, `${name}.1`, `${name}.2`].slice(0, count)
}

/** A piece of a split value fills its cookie to exactly this many octets, unless it is the last. */
function chunkSize(name: string): number {
  return COOKIE_LIMIT - name.length - 2
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
  if (chunks === 1) return { value: first, cookies: 1 }
  const pieces = chunkNames(name, chunks).map((each) => readCookie(header, each))
  let value = ''
  for (const piece of pieces) {
    value += piece ?? ''
    // A whole seal ends in a tag of 22 characters, and may fill its cookie too.
    if (piece === undefined || piece.length < chunkSize(name) || /^(?:[^.]*\.){4}[^.]{22}$/.test(value)) break
  }
  return { value, cookies: pieces.findLastIndex((piece) => piece !== undefined) + 1 }
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
  const { maxAge } = settings
  const age =
    maxAge === false || lifetime === undefined
      ? ''
      : `; Max-Age=${Math.max(0, Math.ceil(Math.min(lifetime, maxAge, LONGEST_AGE) / 1000))}`
  const size = name.length + value.length <= COOKIE_LIMIT ? COOKIE_LIMIT : chunkSize(name)
  const count = Math.ceil(value.length / size)
  return [
    ...chunkNames(name, count).map(
      (each, index) => `${each}=${value.slice(index * size, (index + 1) * size)}${attributes(settings, secure)}${age}`,
    ),
    ...clearCookie(settings, name, secure, before).slice(count),
  ]
}

/** The Set-Cookie headers that remove so many cookies, repeating every attribute (F14). */
export function clearCookie(settings: CookieSettings, name: string, secure: boolean, count: number): string[] {
  return chunkNames(name, count).map((each) => `${each}=${attributes(settings, secure)}; Max-Age=0`)
}

function attributes(settings: CookieSettings, secure: boolean): string {
  return `${settings.attributes}${secure ? '; Secure' : ''}${settings.partitioned ? '; Partitioned' : ''}`
}

/** @throws SessionTooLargeError when the value does not fit `chunks` cookies of 4096 octets, name included (P17, C08) */
export function checkCookieSize({ chunks }: CookieSettings, name: string, value: string): void {
  const [bytes, limit, more] =
    chunks === 1
      ? [name.length + value.length, COOKIE_LIMIT, ' allow more `cookie.chunks`,']
      : [value.length, chunkSize(name) * chunks, '']
  if (bytes > limit) throw new SessionTooLargeError(bytes, limit, `Keep less in it,${more} or use a store.`)
}

/** Whether a Set-Cookie header is for this name, or one of the `chunks` its value may be split over. */
export function isSetCookieFor(header: string, name: string, chunks: number): boolean {
  const set = /^[^=]*(?==)/.exec(header)?.[0].trim()
  return set !== undefined && chunkNames(name, chunks).includes(set)
}
