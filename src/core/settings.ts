/**
 * Settings: the options checked all at once at construction, and resolved into what nobody asks twice. A wrong option is
 * named with its type and what is allowed, never with its value.
 */
import type { Bytes } from './bytes.ts'
import { ANYTHING, callable, check, duration, flag, isFunction, oneOf, when, type Check } from './checks.ts'
import { resolveCookie, type CookieSettings } from './cookie-options.ts'
import { Codec, isPlainObject, type PlainObject } from './data.ts'
import { describe } from './describe.ts'
import { DURATION_FORM, parseDuration } from './duration.ts'
import { SessionConfigError } from './errors.ts'
import { EVENT_NAMES, emitter, type Emit, type SessionHooks } from './events.ts'
import { parseSecrets, Signer } from './keys.ts'
import type { OnConflict } from './merge.ts'
import type { SessionOptions } from './options.ts'
import type { Lifetimes } from './policy.ts'
import {
  dataRules,
  defaultsOf,
  initialProblem,
  type DataRules,
  type RuleOptions,
  type StandardSchema,
} from './schema.ts'
import { completeStore, storeName, type Store, type StoreModel } from './store.ts'
import type { Transport } from './transport.ts'
import { MemoryStore } from '../stores/memory.ts'

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
  rules: DataRules | undefined
  onConflict: OnConflict<PlainObject>
  anonymousOnOutage: boolean
  /** Milliseconds, or `Infinity`. */
  storeTimeout: number
  cacheControl: boolean
  emit: Emit
  now: () => number
}

function hasMethods(...names: string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === 'object' && names.every((name) => isFunction((value as Record<string, unknown> | null)?.[name]))
}

const isStore = hasMethods('get', 'set', 'destroy')

/** What a timer can wait, in milliseconds; more is no limit. */
const LONGEST_TIMER = 2 ** 31 - 1
const TRANSPORTS: unknown[] = ['cookie', 'bearer']

const CHECKS: Record<keyof SessionOptions, Check> = {
  store: when('a store: an object with `get`, `set` and `destroy`', isStore),
  secret: ANYTHING,
  ttl: duration('1d'),
  renewal: duration(),
  absolute: duration('30d', null),
  touchEvery: duration(),
  rotateEvery: duration(),
  grace: duration('30s'),
  initial: callable(),
  schema: when('a Standard Schema: of zod, valibot, arktype or the like', (value) => {
    const standard = (value as StandardSchema | null)?.['~standard']
    return standard?.version === 1 && isFunction(standard.validate)
  }),
  migrate: callable(),
  onInvalid: oneOf("'throw' or 'reset'", ['throw', 'reset']),
  cookie: ANYTHING,
  transport: [
    "'cookie', 'bearer' or a list of them",
    (value) => {
      const list = [value].flat()
      return list.length > 0 && list.every((one) => TRANSPORTS.includes(one)) ? list : undefined
    },
    'cookie',
  ],
  trustProxy: flag(false),
  genid: callable(),
  saveInitial: flag(false),
  saveUnchanged: flag(false),
  serializer: when('an object with `stringify` and `parse`', hasMethods('stringify', 'parse')),
  onConflict: when(
    "'merge', 'fail' or a function",
    (value) => value === 'merge' || value === 'fail' || isFunction(value),
    'merge',
  ),
  onStoreError: oneOf("'throw' or 'anonymous'", ['throw', 'anonymous']),
  storeTimeout: [
    `false, ${DURATION_FORM}`,
    (value) => {
      const limit = value === false ? Infinity : parseDuration(value)
      return limit && (limit > LONGEST_TIMER ? Infinity : limit)
    },
    '5s',
  ],
  cacheControl: flag(true),
  on: when('an object of functions by event name', isPlainObject, {}),
  now: callable(() => Date.now()),
}
const HOOKS = Object.fromEntries(EVENT_NAMES.map((name) => [name, callable()]))

/** What `check` gives for `CHECKS`. */
type Checked = RuleOptions &
  Pick<SessionOptions, 'cookie' | 'serializer' | 'onStoreError'> &
  Omit<
    Settings,
    'store' | 'signer' | 'codec' | 'rules' | 'initial' | 'emit' | 'cookie' | 'transports' | 'anonymousOnOutage'
  > & {
    store?: StoreModel
    secret?: unknown
    initial?: () => PlainObject
    transport: Settings['transports']
    on: SessionHooks
  }

/** @throws SessionConfigError with a line for every option that is wrong */
export function resolveOptions(options: unknown): Settings {
  if (typeof options !== 'object' || options === null)
    throw new SessionConfigError(`The options are ${describe(options)}; they must be an object.`)
  if (isStore(options))
    throw new SessionConfigError('The options are a store; give it by its name: `new SessionManager({ store })`.')
  const problems: string[] = []
  const { store, secret, cookie, transport, serializer, onStoreError, on, schema, migrate, onInvalid, ...plain } =
    check(options, CHECKS, problems) as unknown as Checked
  const { ttl, absolute } = plain
  // Wrong durations are undefined, and compare with nothing.
  const renewal = (options as SessionOptions).renewal === undefined ? ttl : plain.renewal
  const { touchEvery = Math.min(ttl, renewal) / 10, rotateEvery = Infinity } = plain
  if (touchEvery >= renewal)
    problems.push('`touchEvery` is not less than `renewal`; sessions in use would expire between two touches.')
  if (ttl > (absolute ?? Infinity))
    problems.push('`ttl` is longer than `absolute`, the hard end; raise `absolute`, or set it to false.')
  if (rotateEvery < 2 * plain.grace)
    problems.push('`rotateEvery` is less than twice `grace`; the old token would hardly ever be out of use.')
  if (rotateEvery < Infinity && transport && !transport.includes('cookie'))
    problems.push('`rotateEvery` works by cookie, and `transport` has none: no token would ever be replaced.')
  const attributes = resolveCookie(cookie, problems)
  const secrets = 'secret' in options ? parseSecrets(secret) : undefined
  if (typeof secrets === 'string') problems.push(secrets)
  check(on ?? {}, HOOKS, problems, 'on.', 'event')
  if ((options as SessionOptions).store === undefined && globalThis.navigator?.userAgent === 'Cloudflare-Workers')
    problems.push(
      '`store` is missing; on Cloudflare Workers isolates share no memory, so name one: D1, KV or CookieStore.',
    )
  // What is no store at all was named above.
  const completed = completeStore(store ?? new MemoryStore())
  if (rotateEvery < Infinity && !completed.capabilities.atomic)
    problems.push(
      `\`rotateEvery\` needs a store whose \`capabilities\` say \`atomic\`; ${storeName(completed)}'s do not.`,
    )
  const codec = new Codec(serializer)
  const problem = problems.length === 0 && schema && initialProblem(schema, plain.initial, codec)
  if (problem) problems.push(problem)
  if (problems.length > 0) throw new SessionConfigError(problems)
  const initial = plain.initial ?? (schema ? defaultsOf(schema) : () => ({}))
  const emit = emitter(on)
  return Object.freeze({
    ...plain,
    initial,
    store: completed,
    renewal,
    touchEvery,
    rotateEvery,
    cookie: attributes,
    signer:
      secrets && !completed.capabilities.carriesRecord
        ? new Signer(secrets as Bytes[], attributes.bareName)
        : undefined,
    transports: transport,
    codec,
    rules: dataRules({ schema, migrate, onInvalid }, initial, codec, emit),
    anonymousOnOutage: onStoreError === 'anonymous',
    emit,
  })
}
