/**
 * Options: what a user may set, checked all at once at construction and resolved into settings nobody asks twice. A wrong
 * option is named with its type and what is allowed, never with its value.
 */
import { resolveCookie, type CookieOptions, type CookieSettings } from './cookie-options.ts'
import { Codec, isPlainObject, type PlainObject, type Serializer } from './data.ts'
import { describe } from './describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from './duration.ts'
import { SessionConfigError } from './errors.ts'
import { EVENT_NAMES, emitter, type Emit, type SessionHooks } from './events.ts'
import { parseSecrets, Signer, type Secret } from './keys.ts'
import type { OnConflict } from './merge.ts'
import type { Lifetimes } from './policy.ts'
import { completeStore, type Store, type StoreModel } from './store.ts'
import type { Transport } from './transport.ts'
import { MemoryStore } from '../stores/memory.ts'

/** The options of a `SessionManager`, all optional (`initial` is required exactly when `Data` has required keys). */
export interface SessionOptions<Data extends object = Record<string, unknown>> {
  /** Where records are kept. Default: a new `MemoryStore`; required on Cloudflare Workers, whose isolates share no memory. */
  store?: StoreModel
  /**
   * Signs tokens, so that forged ones never reach the store (P12): text or bytes of at least 32 bytes, or a list of which
   * the first signs and all verify. Default none. Present but `undefined` is an error: a missing variable is no choice.
   */
  secret?: Secret | readonly Secret[] | undefined
  /** The life of a new session. Default `'1d'`. */
  ttl?: Duration
  /** What activity extends it to, from then; never shortens it (P10). Default: `ttl`. */
  renewal?: Duration
  /** The hard end, from creation or a change of subject; `false` for none. Default `'30d'`. */
  absolute?: Duration | false
  /** At most one expiry write per this long (P1); less than `renewal`. Default `min(ttl, renewal) / 10`. */
  touchEvery?: Duration
  /** The data of a new session. */
  initial?: () => Data
  /** Name and attributes of the cookie. */
  cookie?: CookieOptions
  /** `'cookie'` (default), `'bearer'`, or a list in the order they are asked; a new session answers on the last. */
  transport?: Transport | readonly Transport[]
  /** Believe `X-Forwarded-Proto`. Default `false`. */
  trustProxy?: boolean
  /** Draws the public id, `[A-Za-z0-9_-]{1,128}`; security does not rest on it. Default: 128 random bits. */
  genid?: (request?: Request) => string | Promise<string>
  /** Store new sessions that nobody wrote to. Default `false` (P2). */
  saveInitial?: boolean
  /** Write unchanged sessions again on every request. Default `false` (P1). */
  saveUnchanged?: boolean
  /** How data becomes text. Default JSON. */
  serializer?: Serializer
  /** Who wins a key that two requests changed. Default `'merge'`: the later commit (P5). */
  onConflict?: OnConflict<Data>
  /** What a store outage at load means. Default `'throw'` (P11); `'anonymous'`: a read-only empty session, no cookie. */
  onStoreError?: 'throw' | 'anonymous'
  /**
   * How long a store call may take; then it is a `StoreUnavailableError` (P11), and a write is not repeated (P14): it may
   * have taken effect. `false` for no limit. Default `'5s'`.
   */
  storeTimeout?: Duration | false
  /** Set `Cache-Control` on responses that used a session. Default `true`. */
  cacheControl?: boolean
  /** Event hooks. */
  on?: SessionHooks
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  now?: () => number
}

/** The options, resolved and checked. */
export interface Settings extends Lifetimes {
  store: Store
  signer: Signer | undefined
  initial: () => PlainObject
  cookie: CookieSettings
  transports: readonly [Transport, ...Transport[]]
  trustProxy: boolean
  genid: ((request?: Request) => string | Promise<string>) | undefined
  saveInitial: boolean
  saveUnchanged: boolean
  codec: Codec
  onConflict: OnConflict<PlainObject>
  anonymousOnOutage: boolean
  /** Milliseconds, or `Infinity`. */
  storeTimeout: number
  cacheControl: boolean
  emit: Emit
  now: () => number
}

const NAMES =
  'store secret ttl renewal absolute touchEvery initial cookie transport trustProxy genid saveInitial saveUnchanged serializer onConflict onStoreError storeTimeout cacheControl on now'.split(
    ' ',
  )
const DAY = 86_400_000
/** What a timer can wait. */
const LONGEST_TIMER = 2 ** 31 - 1

/** @throws SessionConfigError with a line for every option that is wrong */
export function resolveOptions(options: unknown): Settings {
  if (typeof options !== 'object' || options === null)
    throw new SessionConfigError(`The options are ${describe(options)}; they must be an object.`)
  const given = options as Record<string, unknown>
  const problems: string[] = []
  const wrong = (name: string, expected: string): void => {
    problems.push(`\`${name}\` is ${describe(given[name])}; it must be ${expected}.`)
  }
  const flag = (name: string, fallback: boolean): boolean => {
    const value = given[name]
    if (value !== undefined && typeof value !== 'boolean') wrong(name, 'true or false')
    return value === undefined ? fallback : value === true
  }
  const callable = (name: string): void => {
    if (given[name] !== undefined && typeof given[name] !== 'function') wrong(name, 'a function')
  }
  const duration = (name: string, fallback: number): number => {
    if (given[name] === undefined) return fallback
    const value = parseDuration(given[name])
    if (value === undefined) wrong(name, DURATION_FORM)
    return value ?? fallback
  }

  for (const name of Object.keys(given)) {
    if (!NAMES.includes(name)) problems.push(`\`${name.slice(0, 40)}\` is no option; there are ${NAMES.join(', ')}.`)
  }
  const before = problems.length
  const ttl = duration('ttl', DAY)
  const renewal = duration('renewal', ttl)
  const absolute = given['absolute'] === false ? null : duration('absolute', 30 * DAY)
  const touchEvery = duration('touchEvery', Math.min(ttl, renewal) / 10)
  const storeTimeout = given['storeTimeout'] === false ? Infinity : duration('storeTimeout', 5_000)
  // Only durations that are durations are compared.
  if (problems.length === before) {
    if (touchEvery >= renewal) {
      problems.push('`touchEvery` is not less than `renewal`; sessions in use would expire between two touches.')
    }
    if (absolute !== null && ttl > absolute) {
      problems.push('`ttl` is longer than `absolute`, the hard end; raise `absolute`, or set it to false.')
    }
  }

  const cookie = resolveCookie(given['cookie'], problems)
  const secrets = 'secret' in given ? parseSecrets(given['secret']) : undefined
  if (typeof secrets === 'string') problems.push(secrets)
  callable('initial')
  callable('genid')
  callable('now')
  const listed = [given['transport'] === undefined ? 'cookie' : given['transport']].flat() as Transport[]
  if (listed.length === 0 || listed.some((one) => one !== 'cookie' && one !== 'bearer'))
    wrong('transport', "'cookie', 'bearer' or a list of them")
  const { serializer, onConflict = 'merge', onStoreError = 'throw', on = {} } = given
  if (serializer !== undefined && !hasMethods(serializer, ['stringify', 'parse']))
    wrong('serializer', 'an object with `stringify` and `parse`')
  if (onConflict !== 'merge' && onConflict !== 'fail' && typeof onConflict !== 'function')
    wrong('onConflict', "'merge', 'fail' or a function")
  if (onStoreError !== 'throw' && onStoreError !== 'anonymous') wrong('onStoreError', "'throw' or 'anonymous'")
  if (!isPlainObject(on)) wrong('on', 'an object of functions by event name')
  for (const [name, hook] of Object.entries(isPlainObject(on) ? on : {})) {
    if (!EVENT_NAMES.includes(name as 'created'))
      problems.push(`\`on.${name.slice(0, 40)}\` is no event; there are ${EVENT_NAMES.join(', ')}.`)
    else if (hook !== undefined && typeof hook !== 'function')
      problems.push(`\`on.${name}\` is ${describe(hook)}; it must be a function.`)
  }
  const store = resolveStore(given['store'], problems)

  const booleans = {
    trustProxy: flag('trustProxy', false),
    saveInitial: flag('saveInitial', false),
    saveUnchanged: flag('saveUnchanged', false),
    cacheControl: flag('cacheControl', true),
  }
  if (problems.length > 0 || !store) throw new SessionConfigError(problems)
  return Object.freeze({
    ...booleans,
    store,
    ttl,
    renewal,
    absolute,
    touchEvery,
    cookie,
    signer:
      Array.isArray(secrets) && !store.capabilities.carriesRecord ? new Signer(secrets, cookie.bareName) : undefined,
    initial: (given['initial'] as Settings['initial'] | undefined) ?? (() => ({})),
    transports: listed as [Transport, ...Transport[]],
    genid: given['genid'] as Settings['genid'],
    codec: new Codec(serializer as Serializer | undefined),
    onConflict: onConflict as Settings['onConflict'],
    anonymousOnOutage: onStoreError === 'anonymous',
    storeTimeout: storeTimeout > LONGEST_TIMER ? Infinity : storeTimeout,
    emit: emitter(on as SessionHooks),
    now: (given['now'] as Settings['now'] | undefined) ?? (() => Date.now()),
  })
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}

function resolveStore(store: unknown, problems: string[]): Store | undefined {
  if (store === undefined) {
    if (globalThis.navigator?.userAgent !== 'Cloudflare-Workers') return new MemoryStore()
    problems.push(
      '`store` is missing; on Cloudflare Workers isolates share no memory, so name one: D1, KV or CookieStore.',
    )
  } else if (hasMethods(store, ['get', 'set', 'destroy'])) {
    return completeStore(store as StoreModel)
  } else {
    problems.push(
      `\`store\` is ${describe(store)}; it must be a store: an object with \`get\`, \`set\` and \`destroy\`.`,
    )
  }
  return undefined
}
