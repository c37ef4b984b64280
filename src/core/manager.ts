/**
 * The manager: the public calls. Request-bound ones load and commit a `Session`; headless ones take a token and go through
 * the same identify, state and write.
 */
import { onlyNamed } from './checks.ts'
import type { CommitOptions } from './commit.ts'
import { callStore, destroySession, unsupported, type Context } from './context.ts'
import { mustBePlain } from './data.ts'
import { infoOf, listOf, removeById, removeOf, type SessionInfo } from './devices.ts'
import type { Duration } from './duration.ts'
import { identify, openToken } from './identify.ts'
import { promised } from './maybe.ts'
import { Memo } from './memo.ts'
import type { SchemaOptions, SessionOptions } from './options.ts'
import { sessionPort } from './port.ts'
import type { SessionDetails } from './record.ts'
import { RequestSessions } from './requests.ts'
import type { DataRules } from './schema.ts'
import { stateOf, type Session } from './session.ts'
import { resolveOptions } from './settings.ts'
import { SessionState } from './state.ts'
import { sweep, type SweepOptions } from './sweep.ts'
import type { NeedsSerializer } from './types.ts'
import { renew } from './touch.ts'
import { create, mustHold, update } from './write.ts'

export interface LoadOptions {
  /** Ask the store even if a sealed copy of the record is fresh enough. Default `false`. */
  fresh?: boolean
}

/** What `createSession` sets beside the data. */
export interface CreateOptions {
  subject?: string
  /** This session's own life instead of the configured one, for now and for renewals; at most the manager's `absolute`. */
  ttl?: Duration
  info?: SessionDetails
}

/** What adapters ask of a manager: nobody waits for what is there at once. */
export type RequestCalls = Pick<RequestSessions, 'cookieNameFor' | 'of' | 'load' | 'commit'>

/** A manager's calls for requests, by way of its public methods where an app has put its own in their place. */
export let requestsOf: (manager: object) => RequestCalls

/**
 * Sessions for one cookie, over one store. Make one at module scope, or with `perEnv` where bindings exist only at
 * request time. Nothing is read, written or drawn before the first request.
 *
 * @throws SessionConfigError naming every option that is wrong
 */
export class SessionManager<
  Data extends object = Record<string, unknown>,
  Flash extends object = Record<string, unknown>,
> {
  readonly #context: Context
  readonly #requests: RequestSessions

  static {
    const { load, commit } = SessionManager.prototype
    requestsOf = (given: object): RequestCalls => {
      const manager = given as SessionManager
      const requests = manager.#requests
      if (manager.load === load && manager.commit === commit) return requests
      return {
        cookieNameFor: (request) => requests.cookieNameFor(request),
        of: (request) => requests.of(request),
        load: (request) => manager.load(request) as unknown as Promise<Session>,
        commit: (session, response, options) => manager.commit(session as never, response, options),
      }
    }
  }

  // In this order: a function's return type is fixed by the first overload that is tried.
  constructor(options: SessionOptions<Data> & NeedsSerializer<Data> & { initial: () => Data })
  constructor(options: SchemaOptions<Data> & NeedsSerializer<Data>)
  constructor(
    ...options: Record<never, never> extends Data
      ? unknown extends NeedsSerializer<Data>
        ? [options?: SessionOptions<Data>]
        : [options: SessionOptions<Data> & NeedsSerializer<Data>]
      : [options: SessionOptions<Data> & NeedsSerializer<Data> & { initial: () => Data }]
  )
  constructor(options: object = {}) {
    const port = sessionPort(() => context)
    const context: Context = { ...resolveOptions(options), manager: this, port, memo: new Memo() }
    this.#context = context
    this.#requests = new RequestSessions(context)
  }

  // --- with a request ----------------------------------------------------------------------------------------------

  /**
   * The request's session, or a new one; the same object for the same `Request`. Bad, stale or foreign tokens are a new
   * session, never an error (P12). With `fresh`, the store is asked even where a sealed copy would do (`CookieCache`);
   * changes made before are dropped then.
   * @throws StoreUnavailableError when the store failed (P11)
   */
  load(request: Request, options: LoadOptions = {}): Promise<Session<Data, Flash>> {
    return promised(() => this.#requests.load(request, options.fresh)) as unknown as Promise<Session<Data, Flash>>
  }

  /** Makes `request` stand for this session too, for frameworks that wrap a request anew. */
  bind(request: Request, session: Session<Data, Flash>): void {
    this.#requests.bind(request, session as unknown as Session)
  }

  /**
   * Persists what changed and returns the response with its headers; what carries a token is a fresh copy (P16). On a status ≥ 500, or with
   * `failed`, changes are dropped, and `destroy()` and `regenerate()` carried out (P15).
   * @throws StoreUnavailableError, SessionConflictError, SessionTooLargeError, SessionDataError: nothing was sent (P14)
   */
  async commit(session: Session<Data, Flash>, response: Response, options: CommitOptions = {}): Promise<Response> {
    return this.#requests.commit(session as unknown as Session, response, options)
  }

  /** Ends the request's session and starts an empty one under a new id, through the store's `regenerate`. */
  regenerate(request: Request): Promise<Session<Data, Flash>> {
    return this.#requests.regenerate(request) as unknown as Promise<Session<Data, Flash>>
  }

  // --- with a token ------------------------------------------------------------------------------------------------

  /** Stores a new session, without a request, and returns its token. Keys missing in `data` come from `initial`. */
  async createSession(data?: Partial<Data>, options: CreateOptions = {}): Promise<string> {
    onlyNamed(options, ['subject', 'ttl', 'info'], 'option of createSession')
    const state = new SessionState(this.#context)
    if (data !== undefined) {
      mustBePlain(data, 'The session data must be a plain object.')
      state.box.replace({ ...state.data, ...data })
    }
    state.subject = options.subject
    if (options.ttl !== undefined) state.setLifetime({ ttl: options.ttl })
    if (options.info) state.info = options.info
    await create(this.#context, state)
    return state.token as string
  }

  /**
   * The data of a token's session. Renews nothing.
   * @throws SessionNotFoundError, SessionExpiredError, StoreUnavailableError
   */
  async retrieveSession(token: string): Promise<Data> {
    return (await this.#open(token)).data as Data
  }

  /** The session of a token, or `undefined`: looks without throwing or renewing. For WebSockets and streams. */
  async findSession(token: string): Promise<(SessionInfo & { data: Data }) | undefined> {
    const found = await identify(this.#context, String(token))
    return found.standing === 'current' ? { ...infoOf(found.record, true), data: found.data as Data } : undefined
  }

  /**
   * Sets the data, or changes it by a function, and renews the session. The function may mutate its argument or return the
   * next data; it runs again on a conflict, so that no increment is lost (P5). An expired session is not revived.
   * @returns the data as stored
   * @throws SessionNotFoundError, SessionExpiredError, SessionConflictError, SessionDataError, StoreUnavailableError;
   * SessionUnsupportedError under a `CookieStore`, whose sessions change with a request only
   */
  async updateSession(token: string, change: Data | ((current: Data) => Data | void)): Promise<Data> {
    this.#needsRow('updateSession')
    const state = await this.#open(token)
    if (typeof change === 'function') state.box.update(change as (data: object) => object | void)
    else state.box.replace(change)
    if (state.status === 'changed') mustHold(this.#context, state, await update(this.#context, state))
    else await renew(this.#context, state, () => this.#open(token))
    return state.data as Data
  }

  /**
   * Extends the session, never past its hard end and never shortening it (P10).
   * @throws SessionNotFoundError, SessionExpiredError, StoreUnavailableError; SessionUnsupportedError under a `CookieStore`
   */
  async renewSession(token: string): Promise<void> {
    this.#needsRow('renewSession')
    await renew(this.#context, await this.#open(token), () => this.#open(token))
  }

  /**
   * Gives the session a new token; the old one ends in the same write (P7).
   * @throws SessionNotFoundError, SessionExpiredError, StoreUnavailableError
   */
  async regenerateSession(token: string): Promise<string> {
    const state = await this.#open(token)
    state.regenerate(true)
    mustHold(this.#context, state, await update(this.#context, state))
    return state.token as string
  }

  /** Ends the session of a token; whether there was one. Idempotent. */
  async removeSession(token: string): Promise<boolean> {
    if (!this.#context.store.revocations) this.#needsRow('removeSession')
    // Whatever its data is, and whether it can be read: an end is an end.
    const data = this.#context.codec.encode({})
    const rules: DataRules = { read: async (record) => ({ ...record, data }), check: async () => {} }
    const found = await identify({ ...this.#context, rules }, String(token))
    if (found.standing === 'unknown' || found.standing === 'malformed') return false
    return destroySession(this.#context, found.record)
  }

  // --- many sessions -----------------------------------------------------------------------------------------------

  /** A subject's sessions, latest activity first. `current`: the session, or its id, that is marked as the current one. */
  listSessions(
    subject: string,
    options: { current?: Session<Data, Flash> | string | undefined } = {},
  ): Promise<SessionInfo[]> {
    return listOf(this.#context, subject, idOf(options.current))
  }

  /**
   * Log out everywhere, or everywhere but the session (or id) in `except`; how many sessions ended. Sealed sessions, which
   * nobody can count, are 0: with `CookieStore`'s `revocations` all that signed in before end, whatever the number says.
   */
  async removeSessionsOf(
    subject: string,
    { except }: { except?: Session<Data, Flash> | string | undefined } = {},
  ): Promise<number> {
    const removed = await removeOf(this.#context, subject, idOf(except))
    // A sign-in that is not written yet has no id to be spared by; sealed sessions are told apart by their times.
    const signsIn = typeof except === 'object' && stateOf(except as unknown as Session).subjectSet
    if (signsIn && signsIn.subject === subject) signsIn.at = signsIn.authenticatedAt = this.#context.now()
    return removed
  }

  /** Ends one session of a device list; with `subject`, only if it is theirs. Whether it did. */
  async removeSessionById(id: string, options: { subject?: string | undefined } = {}): Promise<boolean> {
    // A subject that was asked for and is missing is nobody's: a visitor who is not signed in ends no session.
    if ('subject' in options && options.subject === undefined) return false
    return removeById(this.#context, id, options.subject)
  }

  /**
   * Removes expired records in bounded batches, letting other work in between; how many it removed. An abort returns what
   * was done. Expired sessions are refused with or without sweeping (P9).
   * @throws StoreUnavailableError, whose `cause` is a `SweepFailure` with the number removed before it failed
   */
  async removeExpiredSessions(options: SweepOptions = {}): Promise<number> {
    const { now } = this.#context
    return sweep(async (limit) => callStore(this.#context, 'removeExpired', [now(), limit]), options)
  }

  /** How many expired records wait to be removed, for a progress bar. */
  async countExpiredSessions(): Promise<number> {
    return callStore(this.#context, 'countExpired', [this.#context.now()])
  }

  /** The settings hold secrets and the store: nothing is printed (P13). */
  toJSON(): object {
    return {}
  }

  // --- inside ------------------------------------------------------------------------------------------------------

  /** A token's session as state. */
  async #open(token: string): Promise<SessionState> {
    const { record, data, secret, handedOver } = await openToken(this.#context, token)
    return Object.assign(new SessionState(this.#context, record, data), { token, secret, handedOver })
  }

  #needsRow(method: string): void {
    if (this.#context.store.capabilities.carriesRecord) throw unsupported(this.#context, method)
  }
}

function idOf(session: object | string | undefined): string | undefined {
  return session && typeof session === 'object' ? stateOf(session as Session).record?.id : session
}
