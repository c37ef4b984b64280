/** The options that a user may set; what becomes of them is for settings.ts. */
import type { CookieOptions } from './cookie-options.ts'
import type { Serializer } from './data.ts'
import type { Duration } from './duration.ts'
import type { SessionHooks } from './events.ts'
import type { Secret } from './keys.ts'
import type { OnConflict } from './merge.ts'
import type { StandardSchema } from './schema.ts'
import type { StoreModel } from './store.ts'
import type { Transport } from './transport.ts'
import type { Widened } from './types.ts'

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
  /**
   * Gives a signed-in session another token when its token is this old, so that a stolen one does not last; the old one is
   * served until `grace` after the new one's first use, and ends the session (event `reuse`) if it is used later. At least
   * twice `grace`; needs a store that is `atomic`; by cookie only. Default: never.
   */
  rotateEvery?: Duration
  /** How long a token that `rotateEvery` replaced is served once the new one has been used. Default `'30s'`. */
  grace?: Duration
  /** The data of a new session; required exactly when `Data` has required keys. Default `() => ({})`. */
  initial?: () => Data
  /** Types and validates the data; see `SchemaOptions`. */
  schema?: never
  /**
   * Brings stored data of an earlier release into today's form, before `schema`. Runs at every load, also on data that is in
   * form already, which it must leave as it is; the result is stored with the next change (P1). May be async.
   */
  migrate?: (raw: Record<string, unknown>) => object | Promise<object>
  /**
   * What stored data means that cannot be read, that `migrate` throws on or `schema` refuses. `'throw'` (default): a
   * `SessionDataError` from every load, so nobody is logged out. `'reset'`: the session stays, with its id, token and subject, and its
   * data is `initial()`. Either way event `rejected`, reason `schema`.
   */
  onInvalid?: 'throw' | 'reset'
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
  /** Set `Cache-Control` on responses that used a session, and no-store where one brings the cookie. Default `true`. */
  cacheControl?: boolean
  /** Event hooks. */
  on?: SessionHooks
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  now?: () => number
}

/** The options with a `schema`, which `Data` is inferred from. */
export interface SchemaOptions<Data extends object> extends Omit<SessionOptions<Data>, 'schema' | 'initial'> {
  /**
   * Any Standard Schema (zod, valibot, arktype). At load its output is the data; at a save the data must pass, else
   * `SessionDataError`, and nothing is stored. It must give back its own output as it is, for that is what it sees next.
   */
  schema: StandardSchema<Data>
  /** The data of a new session, checked against the schema at construction. Default: what the schema makes of `{}`. */
  initial?: () => Widened<NoInfer<Data>>
}
