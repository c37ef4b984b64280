/** What the files of one manager share: its settings, itself as its store knows it, and how it calls that store. */
import {
  describeFailure,
  SessionError,
  SessionNotFoundError,
  SessionUnsupportedError,
  StoreUnavailableError,
} from './errors.ts'
import type { Memo } from './memo.ts'
import type { Settings } from './options.ts'
import type { SessionRecord } from './record.ts'
import type { SessionPort } from './session.ts'
import type { RevocationScope, Sealed } from './store-model.ts'
import { destroyRecord, storeName, type MaybePromise, type Store, type StoreCallOptions } from './store.ts'

export interface Context extends Settings {
  /** The manager itself: the last argument of the store's lifecycle methods. */
  manager: object
  port: SessionPort
  /** Verified tokens, and the verifiers of their secrets. */
  memo: Memo<string>
}

/**
 * Calls the store, which has `storeTimeout` to answer. What it throws becomes a `StoreUnavailableError` whose cause holds no
 * data (P11, P13); errors of this library pass. No value of `record` appears in the cause.
 */
export async function callStore<T>(
  context: Context,
  name: string,
  call: (store: Store, options: StoreCallOptions) => MaybePromise<T>,
  record: Partial<SessionRecord> = {},
): Promise<T> {
  try {
    return await inTime(context.storeTimeout, name, (options) => call(context.store, options))
  } catch (error) {
    if (error instanceof SessionError && !(error instanceof StoreUnavailableError)) throw error
    context.emit('storeError', { id: record.id, reason: name })
    if (error instanceof StoreUnavailableError) throw error
    const { data, flash, info, subject, verifier } = record
    throw new StoreUnavailableError(undefined, {
      cause: describeFailure(error, { data, flash, info, subject, verifier }),
    })
  }
}

/**
 * A call and its time-out. An answer that is there at once costs no timer; one that comes too late goes nowhere, whether it
 * is a value or an error. The timer is cleared when the call ends.
 */
function inTime<T>(limit: number, name: string, call: (options: StoreCallOptions) => MaybePromise<T>): MaybePromise<T> {
  if (limit === Infinity) return call({})
  let controller: AbortController | undefined
  let cause: DOMException | undefined
  const answer = call({
    // Made for who asks: most clients take no signal. Who asks late, after something of their own, is told that it is over.
    get signal() {
      if (!controller) {
        controller = new AbortController()
        if (cause) controller.abort(cause)
      }
      return controller.signal
    },
  })
  if (!isPromise(answer)) return answer
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      cause = new DOMException(`${name}: no answer within ${limit} ms`, 'TimeoutError')
      reject(new StoreUnavailableError(undefined, { cause }))
      controller?.abort(cause)
    }, limit)
    const ended = <V>(settle: (value: V) => void): ((value: V) => void) => {
      return (value) => {
        clearTimeout(timer)
        settle(value)
      }
    }
    answer.then(ended(resolve), ended(reject))
  })
}

function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return typeof (answer as Promise<T> | undefined)?.then === 'function'
}

/** A record by id, by the store's `get` or its lifecycle method `load`; `SessionNotFoundError` says "missing" too. */
export async function readRecord(
  context: Context,
  id: string,
  record: Partial<SessionRecord> = { id },
  name: 'get' | 'load' = 'get',
): Promise<SessionRecord | undefined> {
  try {
    return await callStore(
      context,
      name,
      (store, options) => (name === 'get' ? store.get(id, options) : store.load(id, context.manager, options)),
      record,
    )
  } catch (error) {
    if (error instanceof SessionNotFoundError) return undefined
    throw error
  }
}

/** An optional method of the store, bound; its absence is a `SessionUnsupportedError` that names both. */
export function optional<Name extends 'removeExpired' | 'countExpired' | 'findBySubject' | 'removeBySubject'>(
  context: Context,
  name: Name,
): NonNullable<Store[Name]> {
  const method = context.store[name]
  if (!method) throw unsupported(context, name)
  return method.bind(context.store) as NonNullable<Store[Name]>
}

export function unsupported(context: Context, method: string): SessionUnsupportedError {
  return new SessionUnsupportedError(`${storeName(context.store)} has no \`${method}\`, which this call needs.`)
}

/** Destroys a record and says so, once. */
export async function destroySession(context: Context, record: Sealed): Promise<boolean> {
  const { id } = record
  const destroy = (store: Store, options: StoreCallOptions): MaybePromise<boolean | void> =>
    store.revocations?.end(record, scopeOf(context)) ?? destroyRecord(store, id, options)
  const existed = await callStore(context, 'destroy', destroy, { id })
  if (existed === false) return false
  context.emit('destroyed', record)
  return true
}

/** For what, and by which clock, a token-carrying store remembers sessions that ended. */
export function scopeOf({ cookie, now }: Pick<Context, 'cookie' | 'now'>): RevocationScope {
  return { name: cookie.bareName, now }
}
