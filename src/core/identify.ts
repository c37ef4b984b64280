/**
 * From a token to what became of its session, for request-bound and headless calls alike. The cheap checks come first, the
 * store is asked only for what could be ours, and the clock and the token's secret are judged here, whatever the store says.
 */
import { constantTimeEqual } from './bytes.ts'
import { callStore, destroySession, type Context } from './context.ts'
import type { PlainObject } from './data.ts'
import { SessionExpiredError, SessionNotFoundError, StoreUnavailableError } from './errors.ts'
import type { RejectReason } from './events.ts'
import { isExpired, isHandingOver } from './policy.ts'
import { isRecord, type SessionRecord } from './record.ts'
import type { MaybePromise } from './store.ts'
import { nextSecret, parseToken, verifierOf, type TokenParts } from './token.ts'

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
  fresh?: boolean | undefined
  /** The store has let this request in before: that it took long is no second use of its token. */
  letIn?: boolean
}

/** Finds and judges the session of a token. Throws only `StoreUnavailableError`, and what `DataRules` say of its data. */
export function identify(context: Context, token: string, options: IdentifyOptions = {}): MaybePromise<Identified> {
  if (context.store.capabilities.carriesRecord && context.store.open) return identifySealed(context, token)
  const parts = parseToken(token, context.signer !== undefined)
  return parts ? identifyRow(context, token, parts, options) : reject(context, 'malformed')
}

function reject({ emit }: Context, reason: RejectReason, id?: string): Identified {
  emit('rejected', { id, reason })
  return { standing: reason === 'malformed' ? 'malformed' : 'unknown' }
}

/** A token that carries its record. */
async function identifySealed(context: Context, token: string): Promise<Identified> {
  let reason: RejectReason = 'malformed'
  const refuse = (why: RejectReason): void => void (reason = why)
  const record = await callStore(context, 'open', [token], {}, { name: context.cookie.bareName, reject: refuse })
  if (!record) return reject(context, reason)
  // What has expired is dead without asking.
  const { revocations } = context.store
  const standing = revocations && !isExpired(record, context.now()) && (await revocations.standing(context, record))
  if (!standing) return judge(context, record, record.verifier)
  if (standing === 'ended' || context.now() >= standing.until) return reject(context, 'unknown', record.id)
  return { standing: 'superseded', record: { ...record, rotatedAt: standing.at } }
}

/** A token of an id, whose record the store has, and a secret. */
async function identifyRow(
  context: Context,
  token: string,
  { id, secret, signature }: TokenParts,
  options: IdentifyOptions,
): Promise<Identified> {
  const { store } = context
  const known = context.memo.get(token)
  if (!known && signature !== undefined && !(await context.signer?.verify(`${id}.${secret}`, signature)))
    return reject(context, 'signature')
  const verifier = known ?? (await verifierOf(secret))
  // Not before a record confirms it: anybody could have sent what is not signed.
  const remember = (): void => {
    if (!known) context.memo.set(token, verifier)
  }
  const { copies } = store
  const copy = options.copy === undefined ? undefined : await copies?.open(context, options.copy, id, verifier)
  if (copy) remember()
  if (copy && !options.fresh && copies?.isFresh(context, copy)) return judge(context, copy.record, secret)
  const asOf = context.now()
  const record = await callStore(context, 'load', [id, context.manager], { id })
  if (!record) return reject(context, 'unknown', id)
  if (!isRecord(record)) return reject(context, 'schema', id)
  if (record.id !== id) {
    context.emit('storeError', { id, reason: 'load' })
    throw new StoreUnavailableError('The session store answered with another session than the one asked for.')
  }
  if (constantTimeEqual(verifier, record.verifier)) {
    remember()
    // An eventual store may still show what was there before this visitor's own last write; the copy is no younger for that.
    if (copy && copies?.isAhead(context, copy, record)) return judge(context, copy.record, secret)
    return judge(context, record, secret, asOf)
  }
  const { previous } = record
  if (!previous || !constantTimeEqual(verifier, previous.verifier)) return reject(context, 'verifier', id)
  const now = context.now()
  if (isExpired(record, now)) return { standing: 'unknown' }
  if (previous.handover === undefined) {
    return now < (previous.until ?? 0) ? { standing: 'superseded', record } : reject(context, 'verifier', id)
  }
  if (isHandingOver(record, now)) {
    return judge(context, record, await nextSecret(secret, previous.handover), asOf, true)
  }
  // By the clock of whoever wrote last the grace is over, by this one it is not: neither a handover nor a reuse.
  if (options.letIn || now < (previous.until ?? 0)) return reject(context, 'verifier', id)
  // Both holders of one session: which of them is the thief, nobody can tell.
  context.emit('reuse', record)
  await destroySession(context, record)
  return { standing: 'unknown' }
}

function judge(
  context: Context,
  record: SessionRecord,
  secret: string,
  asOf?: number,
  handedOver = false,
): MaybePromise<Identified> {
  const { id, subject } = record
  if (isExpired(record, context.now())) {
    context.emit('expired', { id, subject })
    return { standing: 'expired', record }
  }
  const current = (read: SessionRecord): Identified => {
    const data = context.codec.decode(read.data)
    if (!data) return reject(context, 'schema', id)
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
