/**
 * The session a handler works with: a public face over `SessionState`, changed synchronously. Only the four awaited
 * members reach a store, through the manager's `SessionPort`. Prints its `id` and nothing else (P13).
 */
import { define } from './data.ts'
import type { Lifetime } from './lifetime.ts'
import { withoutUndefined, type SessionDetails } from './record.ts'
import type { SessionState } from './state.ts'
import type { Transport } from './transport.ts'

/** What a session asks of its manager. */
export interface SessionPort {
  save(state: SessionState): Promise<void>
  reload(state: SessionState): Promise<void>
  csrfToken(state: SessionState): Promise<string>
  verifyCsrf(state: SessionState, value: unknown): Promise<boolean>
}

/** Only core reads the state behind a session, and only core lets two sessions share one. */
export let stateOf: (session: Session) => SessionState
export let shareState: (from: Session, to: Session) => void

/**
 * One visitor's session during one request. Built by the manager; `Data` types `data`, `Flash` the flash messages.
 *
 * Changing it after `destroy()`, or after it was committed to a response, is a `SessionStateError`.
 */
export class Session<Data extends object = Record<string, unknown>, Flash extends object = Record<string, unknown>> {
  #inner: SessionState
  readonly #port: SessionPort

  static {
    stateOf = (session) => session.#inner
    shareState = (from, to) => {
      to.#inner = from.#inner
    }
    for (const inspect of ['nodejs.util.inspect.custom', 'Deno.customInspect']) {
      Object.defineProperty(Session.prototype, Symbol.for(inspect), {
        value(this: Session) {
          return `Session { id: ${this.#inner.record?.id ?? '(not stored)'} }`
        },
      })
    }
  }

  /** @internal */
  constructor(state: SessionState, port: SessionPort) {
    this.#inner = state
    this.#port = port
  }

  /** Every public member goes through here: access is what `Vary` tells caches about (F15). */
  get #state(): SessionState {
    this.#inner.accessed = true
    return this.#inner
  }

  /** The public id, stable for the session's whole life: safe to log and to show. `undefined` until it has been saved. */
  get id(): string | undefined {
    const state = this.#state
    return state.destroyed ? undefined : state.record?.id
  }

  /**
   * The secret the client holds; whoever has it has the session. `undefined` until the session has been saved, and again
   * after `regenerate()` until that has been: `await session.save()`, then read it.
   */
  get token(): string | undefined {
    const state = this.#state
    return state.destroyed || state.regenerateAsked ? undefined : state.token
  }

  /** `true` while the session is not stored. */
  get isNew(): boolean {
    return this.#state.record === undefined
  }

  /** Epoch milliseconds. */
  get createdAt(): number {
    const state = this.#state
    return state.record?.createdAt ?? state.startedAt
  }

  /** When `subject` was set, in epoch milliseconds; `undefined` without one. */
  get authenticatedAt(): number | undefined {
    const state = this.#state
    return state.subject === undefined ? undefined : (state.subjectSet ?? state.record)?.authenticatedAt
  }

  /** When activity was last recorded, in epoch milliseconds; at most `touchEvery` behind. */
  get lastSeenAt(): number {
    const state = this.#state
    return state.record?.lastSeenAt ?? state.startedAt
  }

  /** The sliding end, in epoch milliseconds. At exactly this time the session is expired (P9). */
  get expiresAt(): number {
    return this.#state.expiresAt
  }

  /** How the token came, or for a new session how it will be sent. */
  get transport(): Transport {
    return this.#state.carried?.transport ?? 'cookie'
  }

  /** A plain object to read and change freely, nested values too; changes are found by comparing (P3). */
  get data(): Data {
    return this.#state.data as Data
  }

  /** Replaces what `data` holds. */
  set data(value: Data) {
    this.#state.writable().box.replace(value)
  }

  /** One top-level key of `data`; inherited names such as `constructor` are absent (P18). */
  get<Key extends keyof Data>(key: Key): Data[Key] | undefined {
    return this.has(key) ? this.data[key] : undefined
  }

  /** Sets one top-level key. */
  set<Key extends keyof Data>(key: Key, value: Data[Key]): this {
    define(this.#state.writable().data, String(key), value)
    return this
  }

  /** Whether `data` has this key itself. */
  has(key: keyof Data): boolean {
    return Object.hasOwn(this.data, key)
  }

  /** Removes one top-level key; whether it was there. */
  unset(key: keyof Data): boolean {
    this.#state.writable()
    return this.has(key) && delete this.data[key]
  }

  /** Back to `initial()`. Replaces everything: nothing of the old data remains, concurrent changes included (F06). */
  clear(): void {
    this.#state.writable().box.clear()
  }

  /**
   * A change made now, and made again on what others wrote if the write conflicts: N concurrent increments give N (P5).
   * The function may mutate its argument or return the next data; it must not be async, nor do anything else.
   */
  update(change: (current: Data) => Data | void): void {
    this.#state.writable().box.update(change as (data: object) => object | void)
  }

  /** With a value: a message for the next request. Without: what the last request left under this key, which removes it. */
  flash<Key extends keyof Flash & string>(key: Key): Flash[Key] | undefined
  flash<Key extends keyof Flash & string>(key: Key, value: Flash[Key]): void
  flash(key: string, ...rest: [unknown?]): unknown {
    const state = this.#state
    if (rest.length > 0) return state.writable().flash.put(key, rest[0])
    if (state.destroyed) return undefined
    if (state.flash.has(key)) state.writable()
    return state.flash.take(key)
  }

  /**
   * Whose session this is. Another value always brings a new token and starts a new overall life (F03, F23); setting it
   * from one subject to another replaces data rather than merging it. `undefined` signs out and keeps the data.
   * @throws SessionDataError for anything but a well-formed, non-empty string or `undefined`
   */
  get subject(): string | undefined {
    return this.#state.subject
  }
  set subject(value: string | undefined) {
    this.#state.subject = value
  }

  /** A small map of strings for device lists, e.g. the browser's name. Mutate it or replace it; merges by key. */
  get info(): SessionDetails {
    return this.#state.info
  }
  set info(value: SessionDetails) {
    this.#state.info = value
  }

  /**
   * This session's own lifetime instead of the configured one: `{ ttl: '60d', absolute: '1y' }` to remember somebody,
   * `{ persistent: false }` for a cookie that ends with the browser. Reads in milliseconds.
   * @throws SessionConfigError when malformed, or when `ttl` is longer than the `absolute` in force
   */
  get lifetime(): Lifetime {
    const state = this.#state
    const { ttl, absolute, persistent } = state.lifetimeSet ?? state.record ?? {}
    return withoutUndefined<Lifetime>({ ttl, absolute: absolute === null ? false : absolute, persistent })
  }
  set lifetime(value: Lifetime) {
    this.#state.setLifetime(value)
  }

  /**
   * A new token; the old one ends in the same write (P7). Do it whenever privileges change (a new `subject` does it by
   * itself). `keepData: false` also clears data, subject, info, flash and own lifetime: sign-out with a message.
   */
  regenerate(options: { keepData?: boolean } = {}): void {
    this.#state.regenerate(options.keepData ?? true)
  }

  /** Ends the session: the record goes, the cookie is cleared, and nothing in flight can bring it back (P6). */
  destroy(): void {
    this.#state.destroy()
  }

  /** Extends the session now, past `touchEvery` but never past its hard end (P10). */
  touch(): void {
    this.#state.writable().touchAsked = true
  }

  /** Back to the configured lifetime, and a touch. */
  resetMaxAge(): void {
    this.touch()
    this.#state.clearLifetime()
  }

  /**
   * Persists now, e.g. before streaming or to read `token`; a new session is stored even if nobody wrote to it.
   * @throws SessionNotFoundError when the session was ended meanwhile; StoreUnavailableError, SessionConflictError,
   * SessionTooLargeError, SessionDataError
   */
  save(): Promise<void> {
    return this.#port.save(this.#state)
  }

  /**
   * Reads the record again and drops unsaved changes.
   * @throws SessionNotFoundError when the session or its token was ended meanwhile; SessionExpiredError
   */
  reload(): Promise<void> {
    return this.#port.reload(this.#state)
  }

  /** A token for forms, bound to this session's token and masked anew each time. Counts as a write for a new session. */
  csrfToken(): Promise<string> {
    return this.#port.csrfToken(this.#state)
  }

  /** Whether a submitted value is a CSRF token of this session. Anything may be passed in; never throws for bad input. */
  verifyCsrf(value: unknown): Promise<boolean> {
    return this.#port.verifyCsrf(this.#state, value)
  }

  /** Only the id: sessions end up in logs (P13). */
  toJSON(): { id: string | undefined } {
    return { id: this.#inner.record?.id }
  }
}
