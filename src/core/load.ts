/**
 * Load: from a token to the session it names. The cheap checks come first, the store is asked only for what could be ours,
 * and every refusal ends in a new session without a word to the visitor (P12). Request-bound and headless calls share
 * `identify`.
 */
import { constantTimeEqual } from './bytes.ts'
import { callStore, destroySession, type Context } from './context.ts'
import type { PlainObject } from './data.ts'
import { SessionExpiredError, SessionNotFoundError, StoreUnavailableError } from './errors.ts'
import type { RejectReason } from './events.ts'
import { isExpired, isHandingOver } from './policy.ts'
import { isRecord, type SessionRecord } from './record.ts'
import { Session, stateOf } from './session.ts'
import { SessionState } from './state.ts'
import type { MaybePromise } from './store.ts'
import { nextSecret, parseToken, verifierOf } from './token.ts'
import { carriedBy, type Carried } from './transport.ts'

/** A session found by the token that is its current one. */
export interface Current {
  standing: 'current'
  /** When the store was asked, in epoch milliseconds; `undefined` when a copy stood in for it. */
  asOf: number | undefined
  record: SessionRecord
  secret: string
  data: PlainObject
  /** The token was replaced by a rotation a moment ago: `secret` is the one that follows it, for the answer to bring. */
  handedOver: boolean
}

/** What became of a token. */
export type Identified =
  | Current
  | { standing: 'superseded'; record: SessionRecord }
  | { standing: 'expired'; record: SessionRecord }
  | { standing: 'unknown' }
  | { standing: 'malformed' }

export interface IdentifyOptions {
  /** The sealed copy that came with the token. */
  copy?: string | undefined
  /** Ask the store even if the copy is fresh. */
  fresh?: boolean
  /** The store has let this request in before: that it took long is no second use of its token. */
  letIn?: boolean
}

/** Finds and judges the session of a token. Throws only `StoreUnavailableError`, and what `DataRules` say of its data. */
export async function identify(context: Context, token: string, options: IdentifyOptions = {}): Promise<Identified> {
  const { store, emit, cookie } = context
  const reject = (reason: RejectReason, id?: string): Identified => {
    emit('rejected', { id, reason })
    return { standing: reason === 'malformed' ? 'malformed' : 'unknown' }
  }

  if (store.capabilities.carriesRecord && store.open) {
    let reason: RejectReason = 'malformed'
    const refuse = (why: RejectReason): void => void (reason = why)
    const record = await callStore(context, 'open', [token], {}, { name: cookie.bareName, reject: refuse })
    if (!record) return reject(reason)
    // What has expired is dead without asking.
    const standing = isExpired(record, context.now()) ? undefined : await store.revocations?.standing(context, record)
    if (standing) {
      if (standing === 'ended' || context.now() >= standing.until) return reject('unknown', record.id)
      return { standing: 'superseded', record: { ...record, rotatedAt: standing.at } }
    }
    return judge(context, record, record.verifier, undefined, reject)
  }

  const parts = parseToken(token, context.signer !== undefined)
  if (!parts) return reject('malformed')
  const { id, secret, signature } = parts
  const known = context.memo.get(token)
  if (!known && signature !== undefined && !(await context.signer?.verify(`${id}.${secret}`, signature)))
    return reject('signature')
  const verifier = known ?? (await verifierOf(secret))
  // Not before a record confirms it: anybody could have sent what is not signed.
  const remember = (): void => {
    if (!known) context.memo.set(token, verifier)
  }
  const { copies } = store
  const copy = options.copy === undefined ? undefined : await copies?.open(context, options.copy, id, verifier)
  if (copy) remember()
  if (copy && !options.fresh && copies?.isFresh(context, copy))
    return judge(context, copy.record, secret, undefined, reject)
  const asOf = context.now()
  const record = await callStore(context, 'load', [id, context.manager], { id })
  if (!record) return reject('unknown', id)
  if (!isRecord(record)) return reject('schema', id)
  if (record.id !== id) {
    emit('storeError', { id, reason: 'load' })
    throw new StoreUnavailableError('The session store answered with another session than the one asked for.')
  }
  if (constantTimeEqual(verifier, record.verifier)) {
    remember()
    // An eventual store may still show what was there before this visitor's own last write; the copy is no younger for that.
    if (copy && copies?.isAhead(context, copy, record)) return judge(context, copy.record, secret, undefined, reject)
    return judge(context, record, secret, asOf, reject)
  }
  const { previous } = record
  if (!previous || !constantTimeEqual(verifier, previous.verifier)) return reject('verifier', id)
  const now = context.now()
  if (isExpired(record, now)) return { standing: 'unknown' }
  if (previous.handover === undefined) {
    return now < (previous.until ?? 0) ? { standing: 'superseded', record } : reject('verifier', id)
  }
  if (isHandingOver(record, now)) {
    return judge(context, record, await nextSecret(secret, previous.handover), asOf, reject, true)
  }
  // By the clock of whoever wrote last the grace is over, by this one it is not: neither a handover nor a reuse.
  if (options.letIn || now < (previous.until ?? 0)) return reject('verifier', id)
  // Both holders of one session: which of them is the thief, nobody can tell.
  context.emit('reuse', record)
  await destroySession(context, record)
  return { standing: 'unknown' }
}

function judge(
  context: Context,
  record: SessionRecord,
  secret: string,
  asOf: number | undefined,
  reject: (reason: RejectReason, id: string) => Identified,
  handedOver = false,
): MaybePromise<Identified> {
  const { id, subject } = record
  if (isExpired(record, context.now())) {
    context.emit('expired', { id, subject })
    return { standing: 'expired', record }
  }
  const current = (read: SessionRecord): Identified => {
    const data = context.codec.decode(read.data)
    if (!data) return reject('schema', id)
    decoded.set(read, data)
    context.emit('loaded', { id, subject })
    return { standing: 'current', record: read, secret, data, asOf, handedOver }
  }
  return context.rules ? context.rules.read(record).then(current) : current(record)
}

/** A token's session, for calls that insist. @throws SessionNotFoundError, SessionExpiredError, StoreUnavailableError */
export async function openToken(context: Context, token: string, options?: IdentifyOptions): Promise<Current> {
  const found = await identify(context, String(token), options)
  if (found.standing === 'expired') throw new SessionExpiredError()
  if (found.standing !== 'current') throw new SessionNotFoundError()
  return found
}

/** The request's session, or a new one. */
export async function loadSession(context: Context, request: Request, fresh = false): Promise<Session> {
  const carried = carriedIn(context, request)
  const last = carried[carried.length - 1] as Carried
  let found: Identified = { standing: 'unknown' }
  let used = last
  let outage: StoreUnavailableError | undefined
  for (const one of carried) {
    if (one.token === undefined) continue
    try {
      found = await identify(context, one.token, { copy: context.store.copies?.carriedBy(request, one), fresh })
    } catch (error) {
      if (!(error instanceof StoreUnavailableError && context.anonymousOnOutage)) throw error
      outage = error
    }
    // What has not our form may be somebody else's credential; the next transport is asked then, and only then.
    if (found.standing === 'malformed') continue
    used = one
    break
  }

  if (found.standing === 'current') {
    const session = await context.store.createSession(request, found.record, true, context.manager)
    const state = stateOf(session)
    state.carried = used
    state.token = used.token
    state.secret = found.secret
    state.asOf = found.asOf
    state.handedOver = found.handedOver
    state.rotates = used.transport === 'cookie' && found.asOf !== undefined
    return session
  }
  const session = await context.store.generate(request, context.manager)
  const state = stateOf(session)
  state.carried = last
  state.outage = outage
  if (found.standing === 'superseded') {
    state.superseded = found.record
    state.carried = used
  }
  return session
}

function carriedIn(context: Context, request: Request): Carried[] {
  return carriedBy(request, context.transports, context.cookie, context.trustProxy)
}

/** Data of records on their way from `identify` to the session built of them, so that it is decoded once. */
const decoded = new WeakMap<SessionRecord, PlainObject>()

function take(record: SessionRecord): PlainObject | undefined {
  const data = decoded.get(record)
  // Once: a store that gives out one object twice must not make two sessions share their data (P19).
  decoded.delete(record)
  return data
}

/** A record as `buildSession` takes it: one that did not come through `identify` is read first. */
export function readable(context: Context, record: SessionRecord): MaybePromise<SessionRecord> {
  return context.rules && !decoded.has(record) ? context.rules.read(record) : record
}

/** A new session for a request, or, with a record, the session of that record. */
export function buildSession(context: Context, request: Request, record?: SessionRecord): Session {
  const state = new SessionState(context, record, record && take(record))
  state.request = request
  return new Session(state, context.port)
}

/** How a session made for a request outside of `loadSession` is answered: as a new one. */
export function answerAsNew(context: Context, request: Request, session: Session): void {
  stateOf(session).carried = carriedIn(context, request).at(-1)
}
