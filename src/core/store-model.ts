/**
 * The store contract, as types. A store keeps records by id and never sees a token, a cookie or a `Session`, except in the
 * four lifecycle methods at the end, which the manager calls so that overriding one takes effect everywhere.
 */
import type { Context } from './context.ts'
import type { SessionRecord } from './record.ts'
import type { Session } from './session.ts'
import type { SessionState } from './state.ts'
import type { Carried } from './transport.ts'

export type MaybePromise<T> = T | Promise<T>

/** What the row must still be for a compare-and-set to go through. */
export interface Expected {
  version: number
  verifier: string
}

export type UpdateResult = 'ok' | 'conflict' | 'gone'

export interface UpdateOptions extends StoreCallOptions {
  /** The new `expiresAt` counts even where it is the earlier one. Default `false`. */
  exactExpiry?: boolean
}

/** What each call of the manager passes along, last. */
export interface StoreCallOptions {
  /**
   * Aborts when the manager's `storeTimeout` is over and nobody waits for the answer any more. For clients that take one;
   * a store need not look at it. `undefined` with `storeTimeout: false`.
   */
  signal?: AbortSignal | undefined
}

/** What a store claims. What it does not claim holds within one process only, and the docs say so. */
export interface StoreCapabilities {
  /** `create`, `update` and `touch` are one step each, for every process that shares the store. */
  atomic: boolean
  /** `'eventual'` when a read may miss a write that was acknowledged. */
  consistency: 'strong' | 'eventual'
  /** The shortest life, in milliseconds, that the backend itself can enforce. */
  minTtl?: number
  /** The record lives in the token itself (`CookieStore`). */
  carriesRecord?: boolean
}

/** What a sealed token is bound to, and where `open` may say why it refused one. */
export interface SealContext {
  /** The cookie's configured name, without its prefix. */
  name: string
  /** Told why a token was refused, for the `rejected` event. */
  reject?(reason: 'malformed' | 'key' | 'signature'): void
  /** As in `StoreCallOptions`. */
  signal?: AbortSignal | undefined
}

/** What is asked of a sealed session: who it is and since when, and how long it could still live. */
export type Sealed = Pick<SessionRecord, 'id'> &
  Partial<Pick<SessionRecord, 'subject' | 'authenticatedAt' | 'lastSeenAt' | 'expiresAt' | 'endsAt'>>

/** Why a sealed session counts no more. A replaced one is known as superseded from `at` to `until`, and then unknown. */
export type Standing = undefined | 'ended' | { at: number; until: number }

/**
 * What a token-carrying store remembers of the sessions that ended, where it does (`CookieStore` with `revocations`). Without
 * it nothing is asked, and every sealed session stands as long as it says itself.
 */
export interface Revocations {
  /** @throws StoreUnavailableError (P11) */
  standing(context: Context, session: Sealed): MaybePromise<Standing>
  /** Ends a session; whether it did, and it had not ended before. */
  end(context: Context, session: Sealed): Promise<boolean>
  /**
   * Ends a session by putting another in its place, in one step (P7). `false`: it had ended, or another took its place
   * before and this one `signsIn` nobody (R21). Until `until` the old one is known as superseded.
   */
  replace(context: Context, old: SessionRecord, next: SessionRecord, until: number, signsIn: boolean): Promise<boolean>
  /** After `replace`: what was spared for the old session is spared for the new one (I02). */
  follow(context: Context, old: SessionRecord, next: SessionRecord): MaybePromise<void>
  /** `removeSessionsOf`: ends all that signed in up to now, except one. Nobody can count them. */
  removeOf(context: Context, subject: string, except: string | undefined): Promise<number>
  /** `removeSessionById`, which cannot tell whose session an id is. */
  removeById(context: Context, id: string, subject: string | undefined): Promise<boolean>
}

/** A sealed copy of a record, and when the store was last known to hold it (epoch milliseconds). */
export interface Copy {
  record: SessionRecord
  asOf: number
}

/** Copies of records that travel with their visitor and stand in for reads, where the store brings them (`CookieCache`). */
export interface Copies {
  /** The copy that came along with the token, still sealed. */
  carriedBy(request: Request | undefined, carried: Carried): string | undefined
  /** The copy that belongs to this id and verifier, or `undefined`. */
  open(context: Context, text: string, id: string, verifier: string): Promise<Copy | undefined>
  /** Whether a copy stands in for a read now. */
  isFresh(context: Context, copy: Copy): boolean
  /** Whether the store's answer is from before what the copy holds. */
  isAhead(context: Context, copy: Copy, answer: SessionRecord): boolean
  /** The Set-Cookie headers that bring the copy up to date. */
  cookies(context: Context, state: SessionState, response: Response): Promise<string[]>
}

/**
 * The bare contract, for a store written from nothing. `get`, `set` and `destroy` are enough; what is missing is built
 * on them as in `Store`, lifecycle methods fall back to the manager's own, and a call that needs another missing
 * method is a `SessionUnsupportedError`.
 */
export interface StoreModel {
  /** The record, or `undefined` when there is none. Throws only when the backend failed; `SessionNotFoundError` means missing. */
  get(id: string, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined>
  /** Writes the record whatever was there. */
  set(id: string, record: SessionRecord, options?: StoreCallOptions): MaybePromise<void>
  /** Removes the record, idempotently; may tell whether there was one. */
  destroy(id: string, options?: StoreCallOptions): MaybePromise<boolean | void>
  /** Inserts; `false`, and nothing touched, if the id is taken (S04). */
  create?(record: SessionRecord, options?: StoreCallOptions): MaybePromise<boolean>
  /**
   * Compare-and-set: replaces the row only if it still is `expected`. Never inserts (S06). Keeps the later `expiresAt`
   * of the two unless `exactExpiry`, which comes with a changed lifetime or subject.
   */
  update?(record: SessionRecord, expected: Expected, options?: UpdateOptions): MaybePromise<UpdateResult>
  /**
   * Moves the expiry forward, never back and never past `endsAt`, only if the row still is `expected` (S18, S19).
   * Writes no data and leaves `version` alone. `false` when the row was not that.
   */
  touch?(
    id: string,
    expiresAt: number,
    lastSeenAt: number,
    expected: Expected,
    options?: StoreCallOptions,
  ): MaybePromise<boolean>
  /** Removes up to `limit` records with `expiresAt <= now`; how many it removed (S20). */
  removeExpired?(now: number, limit: number, options?: StoreCallOptions): MaybePromise<number>
  /** How many records have `expiresAt <= now`. */
  countExpired?(now: number, options?: StoreCallOptions): MaybePromise<number>
  /** Every record, in no order. */
  all?(): AsyncIterable<SessionRecord>
  /** How many records there are, expired ones that were not swept included. */
  length?(): MaybePromise<number>
  /** Removes every record. */
  clear?(): MaybePromise<void>
  /** All records of a subject, expired ones that were not swept included. */
  findBySubject?(subject: string, options?: StoreCallOptions): MaybePromise<SessionRecord[]>
  /** Removes all records of a subject, except one; the ids it removed. */
  removeBySubject?(subject: string, exceptId?: string, options?: StoreCallOptions): MaybePromise<string[]>
  /** Only for stores whose token carries the record: the token. */
  seal?(record: SessionRecord, context: SealContext): MaybePromise<string>
  /** Only for stores whose token carries the record: the record, or `undefined`. Never throws for bad input. */
  open?(token: string, context: SealContext): MaybePromise<SessionRecord | undefined>
  readonly capabilities?: StoreCapabilities
  generate?(request: Request, manager?: object): MaybePromise<Session>
  regenerate?(request: Request, manager?: object): MaybePromise<Session>
  load?(id: string, manager?: object, options?: StoreCallOptions): MaybePromise<SessionRecord | undefined>
  createSession?(request: Request, record: SessionRecord, bind?: boolean, manager?: object): MaybePromise<Session>
}
