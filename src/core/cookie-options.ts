/**
 * The cookie's options: name and attributes of section 6 of the design, checked at construction. After RFC 6265bis:
 * prefixes exact, attributes of at most 1024 octets, at most 400 days.
 */
import { check, duration, flag, oneOf, when, type Check } from './checks.ts'
import { isPlainObject } from './data.ts'
import { describe } from './describe.ts'
import type { Duration } from './duration.ts'

/** The cookie's attributes. The defaults need no change on an ordinary site. */
export interface CookieOptions {
  /**
   * Default `__Host-session` (`__Secure-session` with a `domain` or another `path`); `session` on plain-http loopback.
   * A name given here is used as it is.
   */
  name?: string
  /** Default none: the cookie goes to this host only. */
  domain?: string
  /** Default `/`. */
  path?: string
  /** Default `'lax'`. `'none'` always sets `Secure`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /** Default: everywhere but on plain-http loopback hosts. */
  secure?: boolean
  /** Default `true`. */
  httpOnly?: boolean
  /** CHIPS: the cookie is kept per top-level site. Default `false`. */
  partitioned?: boolean
  /** An upper bound for Max-Age, which otherwise runs to the session's hard end; `false` for a cookie that ends with the browser. */
  maxAge?: Duration | false
  /** Over how many cookies sealed data may be split, 1 to 3. Default 1. */
  chunks?: number
}

/** The options, resolved. */
export interface CookieSettings {
  /** Names by scheme: only the one of the request's scheme is read or written. */
  secureName: string
  plainName: string
  /** The configured name without prefix, for key derivation. */
  bareName: string
  /** `undefined`: as the request's scheme says. */
  secure: boolean | undefined
  /** Every attribute but Secure and Max-Age. */
  attributes: string
  partitioned: boolean
  /** Milliseconds; `false` for a cookie that ends with the browser. */
  maxAge: number | false
  chunks: number
}

/** Browsers keep no cookie longer, in milliseconds (RFC 6265bis). */
export const LONGEST_AGE: number = 400 * 86_400_000
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}$/
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/i
const PATH = /^\/[\x20-\x3a\x3c-\x7e]{0,1000}$/
const CHECKS: Record<keyof CookieOptions, Check> = {
  name: matching("a cookie name: 1 to 200 letters, digits and !#$%&'*+-.^_`|~", NAME),
  domain: matching('a host name', DOMAIN),
  path: matching('ASCII text that begins with / and has no ; or control character', PATH, '/'),
  sameSite: oneOf("'strict', 'lax' or 'none'", ['strict', 'lax', 'none'], 'lax'),
  secure: flag(),
  httpOnly: flag(true),
  partitioned: flag(false),
  maxAge: duration('400d', false),
  chunks: oneOf('1, 2 or 3', [1, 2, 3], 1),
}

function matching(allowed: string, form: RegExp, fallback?: string): Check {
  return when(allowed, (value) => typeof value === 'string' && form.test(value), fallback)
}

/** What `check` gives for `CHECKS`; what is wrong is missing. */
type Checked = CookieOptions &
  Required<Pick<CookieOptions, 'sameSite'>> &
  Pick<CookieSettings, 'partitioned' | 'maxAge' | 'chunks'>

/** Resolves the cookie options, adding a line to `problems` for each that is wrong (C10). */
export function resolveCookie(options: unknown = {}, problems: string[]): CookieSettings {
  const valid = isPlainObject(options)
  if (!valid) problems.push(`\`cookie\` is ${describe(options)}; it must be an object.`)
  const given = check(valid ? options : {}, CHECKS, problems, 'cookie.') as unknown as Checked
  const { name, domain, path, sameSite, secure, httpOnly, partitioned, maxAge, chunks } = given
  const prefix = name && /^__(?:Host|Secure)-/i.exec(name)?.[0]
  const hostOnly = domain === undefined && path === '/'
  const needsSecure =
    (prefix && `a name with the ${prefix} prefix`) ??
    (sameSite === 'none' ? "`sameSite: 'none'`" : partitioned && '`partitioned`')
  if (needsSecure && secure === false) problems.push(`\`cookie.secure\` is false; ${needsSecure} needs Secure.`)
  if (prefix?.toLowerCase() === '__host-' && !hostOnly)
    problems.push('`cookie.name` has the __Host- prefix, which allows no `domain` and only the path /.')
  return {
    secureName: name ?? (hostOnly ? '__Host-session' : '__Secure-session'),
    plainName: name ?? 'session',
    bareName: name?.slice(prefix?.length) ?? 'session',
    secure: needsSecure ? true : secure,
    attributes:
      `; Path=${path}${domain ? `; Domain=${domain}` : ''}${httpOnly ? '; HttpOnly' : ''}` +
      `; SameSite=${sameSite?.replace(/^./, (first) => first.toUpperCase())}`,
    partitioned,
    maxAge,
    chunks,
  }
}
