/**
 * From a token to what became of its session, for request-bound and headless calls alike. The cheap checks come first, the
 * store is asked only for what could be ours, and the clock and the token's secret are judged here, whatever the store says.
 */
import { constantTimeEqual } from './bytes.ts'
import { callStore, destroySession, type Context } from './context.ts'
import type { PlainObject } from './data.ts'
import { SessionExpiredError, SessionNotFoundError, StoreUnavailableError } from './errors.ts'
import type { RejectReason } from './events.ts'
import { whenThere } from './maybe.ts'
import { isExpired, isHandingOver } from './policy.ts'
import { isRecord, type SessionRecord } from './record.ts'
import type { Copy, MaybePromise } from './store-model.ts'
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
function identifySealed(context: Context, token: string): MaybePromise<Identified> {
  let reason: RejectReason = 'malformed'
  const refuse = (why: RejectReason): void => void (reason = why)
  const opened = callStore(context, 'open', [token], {}, { name: context.cookie.bareName, reject: refuse })
  return whenThere(opened, (record) => {
    if (!record) return reject(context, reason)
    const { revocations } = context.store
    // What has expired is dead without asking.
    const standing = isExpired(record, context.now()) ? undefined : revocations?.standing(context, record)
    return whenThere(standing, (found) => {
      if (!found) return judge(context, record, record.verifier)
      if (found === 'ended' || context.now() >= found.until) return reject(context, 'unknown', record.id)
      return { standing: 'superseded', record: { ...record, rotatedAt: found.at } }
    })
  })
}

/** A token of an id, whose record the store has, and a secret. */
interface Presented extends TokenParts {
  /** Of its secret. */
  verifier: string
  options: IdentifyOptions
  /** That no cryptography is needed for it again. Not before a record confirms it: anybody could have sent what is not signed. */
  remember: () => void
}

function identifyRow(
  context: Context,
  token: string,
  parts: TokenParts,
  options: IdentifyOptions,
): MaybePromise<Identified> {
  const { memo, store } = context
  const known = memo.get(token)
  return whenThere(known ?? verified(context, parts), (verifier) => {
    if (verifier === undefined) return reject(context, 'signature')
    const remember = (): void => void (known ?? memo.set(token, verifier))
    const presented: Presented = { ...parts, verifier, options, remember }
    const opened =
      options.copy === undefined ? undefined : store.copies?.open(context, options.copy, parts.id, verifier)
    return whenThere(opened, (copy) => {
      if (copy) remember()
      return copy && !options.fresh && store.copies?.isFresh(context, copy)
        ? judge(context, copy.record, parts.secret)
        : ask(context, presented, copy)
    })
  })
}

/** The verifier of a token's secret; `undefined` when its signature is none of ours. */
function verified(context: Context, { id, secret, signature }: TokenParts): MaybePromise<string | undefined> {
  const isOurs = signature === undefined || context.signer?.verify(`${id}.${secret}`, signature)
  return whenThere(isOurs, (ours) => (ours ? verifierOf(secret) : undefined))
}

/** Has the store say what became of the session. */
function ask(context: Context, presented: Presented, copy: Copy | undefined): MaybePromise<Identified> {
  const { id, secret, verifier } = presented
  const asOf = context.now()
  return whenThere(callStore(context, 'load', [id, context.manager], { id }), (record) => {
    if (!record) return reject(context, 'unknown', id)
    if (!isRecord(record)) return reject(context, 'schema', id)
    if (record.id !== id) {
      context.emit('storeError', { id, reason: 'load' })
      throw new StoreUnavailableError('The session store answered with another session than the one asked for.')
    }
    if (!constantTimeEqual(verifier, record.verifier)) return judgeReplaced(context, presented, record, asOf)
    presented.remember()
    // An eventual store may still show what was there before this visitor's own last write; the copy is no younger for that.
    if (copy && context.store.copies?.isAhead(context, copy, record)) return judge(context, copy.record, secret)
    return judge(context, record, secret, asOf)
  })
}

/** What a token stands for that is not the record's current one. */
async function judgeReplaced(
  context: Context,
  { id, secret, verifier, options }: Presented,
  record: SessionRecord,
  asOf: number,
): Promise<Identified> {
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
