/**
 * The cookie's options: name and attributes of section 6 of the design, checked at construction. After RFC 6265bis:
 * prefixes exact, attributes of at most 1024 octets, at most 400 days.
 */
import { isPlainObject } from './data.ts'
import { describe } from './describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from './duration.ts'

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
const NAMES = ['name', 'domain', 'path', 'sameSite', 'secure', 'httpOnly', 'partitioned', 'maxAge', 'chunks']

/** Resolves the cookie options, adding a line to `problems` for each that is wrong (C10). */
export function resolveCookie(options: unknown, problems: string[]): CookieSettings {
  const valid = options === undefined || isPlainObject(options)
  if (!valid) problems.push(`\`cookie\` is ${describe(options)}; it must be an object.`)
  const given = (valid ? (options ?? {}) : {}) as Record<string, unknown>
  const wrong = (name: string, expected: string): void => {
    problems.push(`\`cookie.${name}\` is ${describe(given[name])}; it must be ${expected}.`)
  }
  for (const key of Object.keys(given)) {
    if (!NAMES.includes(key)) problems.push(`\`cookie.${key}\` is no option; there are ${NAMES.join(', ')}.`)
  }
  const {
    name,
    domain,
    path = '/',
    sameSite = 'lax',
    secure,
    httpOnly = true,
    partitioned = false,
    maxAge,
    chunks = 1,
  } = given
  if (name !== undefined && (typeof name !== 'string' || !NAME.test(name))) {
    wrong('name', "a cookie name: 1 to 200 letters, digits and !#$%&'*+-.^_`|~")
  }
  if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain))) wrong('domain', 'a host name')
  if (typeof path !== 'string' || !PATH.test(path))
    wrong('path', 'ASCII text that begins with / and has no ; or control character')
  if (!['strict', 'lax', 'none'].includes(sameSite as string)) wrong('sameSite', "'strict', 'lax' or 'none'")
  for (const flag of ['secure', 'httpOnly', 'partitioned']) {
    if (given[flag] !== undefined && typeof given[flag] !== 'boolean') wrong(flag, 'true or false')
  }
  const age = maxAge === undefined ? LONGEST_AGE : maxAge === false ? false : parseDuration(maxAge)
  if (age === undefined) wrong('maxAge', `false, ${DURATION_FORM}`)
  if (![1, 2, 3].includes(chunks as number)) wrong('chunks', '1, 2 or 3')

  const prefix = typeof name === 'string' ? /^__(?:Host|Secure)-/i.exec(name)?.[0].toLowerCase() : undefined
  const hostOnly = domain === undefined && path === '/'
  if (prefix && secure === false)
    problems.push(`\`cookie.secure\` is false; a name with the ${prefix} prefix needs Secure.`)
  if (prefix === '__host-' && !hostOnly)
    problems.push('`cookie.name` has the __Host- prefix, which allows no `domain` and only the path /.')
  if (sameSite === 'none' && secure === false)
    problems.push("`cookie.secure` is false; `sameSite: 'none'` needs Secure.")
  if (partitioned && secure === false) problems.push('`cookie.secure` is false; `partitioned` needs Secure.')

  const fixed =
    prefix !== undefined || sameSite === 'none' || partitioned === true ? true : (secure as boolean | undefined)
  const text = typeof name === 'string' ? name : undefined
  return {
    secureName: text ?? (hostOnly ? '__Host-session' : '__Secure-session'),
    plainName: text ?? 'session',
    bareName: text?.slice(prefix?.length ?? 0) ?? 'session',
    secure: fixed,
    attributes:
      `; Path=${path as string}` +
      (domain === undefined ? '' : `; Domain=${domain as string}`) +
      (httpOnly ? '; HttpOnly' : '') +
      `; SameSite=${{ strict: 'Strict', lax: 'Lax', none: 'None' }[sameSite as 'lax'] ?? 'Lax'}`,
    partitioned: partitioned === true,
    maxAge: age ?? LONGEST_AGE,
    chunks: chunks as number,
  }
}
