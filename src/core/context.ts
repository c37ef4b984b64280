/** What the files of one manager share: its settings, itself as its store knows it, and how it calls that store. */
import {
  describeFailure,
  SessionError,
  SessionNotFoundError,
  SessionUnsupportedError,
  StoreUnavailableError,
} from './errors.ts'
import { attempt, isPromise } from './maybe.ts'
import type { Memo } from './memo.ts'
import type { Settings } from './settings.ts'
import type { SessionRecord } from './record.ts'
import type { SessionPort } from './session.ts'
import type { Sealed } from './store-model.ts'
import { destroyRecord, storeName, type MaybePromise, type Store, type StoreCallOptions } from './store.ts'

export interface Context extends Settings {
  /** The manager itself: the last argument of the store's lifecycle methods. */
  manager: object
  port: SessionPort
  /** Verified tokens, and the verifiers of their secrets. */
  memo: Memo<string>
}

/** The methods of a store that the core calls with the options of the call last. */
type Method =
  | 'get'
  | 'load'
  | 'create'
  | 'update'
  | 'touch'
  | 'removeExpired'
  | 'countExpired'
  | 'findBySubject'
  | 'removeBySubject'
  | 'seal'
  | 'open'

type Arguments<Name extends Method> = Parameters<NonNullable<Store[Name]>>
/** The arguments without the options; those that may be left out are given as `undefined`. */
type Leading<All extends unknown[]> =
  Required<All> extends [...infer Args, unknown]
    ? { [Index in keyof Args]: Index extends keyof All ? All[Index] : never }
    : never
type Options<All extends unknown[]> = Required<All> extends [...unknown[], infer Last] ? Omit<Last, 'signal'> : never
type Answer<Name extends Method> = Awaited<ReturnType<NonNullable<Store[Name]>>>

/**
 * Calls a method of the store, as `askStore` does.
 * @throws SessionUnsupportedError naming the store and the method, where it has none
 */
export function callStore<Name extends Method>(
  context: Context,
  name: Name,
  args: Leading<Arguments<Name>>,
  record?: Partial<SessionRecord>,
  options?: Options<Arguments<Name>>,
): MaybePromise<Answer<Name>> {
  const method = context.store[name] as ((...all: unknown[]) => MaybePromise<Answer<Name>>) | undefined
  if (!method) throw unsupported(context, name)
  const call = (store: Store, signal: StoreCallOptions): MaybePromise<Answer<Name>> =>
    method.call(store, ...args, Object.assign(signal, options))
  return askStore(context, name, call, record)
}

/**
 * Asks the store, which has `storeTimeout` to answer. What it throws becomes a `StoreUnavailableError` whose cause holds no
 * data (P11, P13); errors of this library pass. A read that throws `SessionNotFoundError` says "missing". No value of
 * `record`, which is what was sent, appears in the cause; what a read brings is not known, and so nothing quoted does.
 */
export function askStore<T>(
  context: Context,
  name: string,
  call: (store: Store, options: StoreCallOptions) => MaybePromise<T>,
  record: Partial<SessionRecord> = {},
): MaybePromise<T> {
  const fail = (error: unknown): T => {
    if (error instanceof SessionNotFoundError && (name === 'get' || name === 'load')) return undefined as T
    if (error instanceof SessionError && !(error instanceof StoreUnavailableError)) throw error
    context.emit('storeError', { id: record.id, reason: name })
    if (error instanceof StoreUnavailableError) throw error
    const { data, flash, info, subject, verifier, previous } = record
    throw new StoreUnavailableError(undefined, {
      cause: describeFailure(error, { data, flash, info, subject, verifier, previous }),
    })
  }
  return attempt(() => inTime(context.storeTimeout, name, (options) => call(context.store, options)), fail)
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
      controller ??= new AbortController()
      if (cause) controller.abort(cause)
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
    void Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

export function unsupported(context: Context, method: string): SessionUnsupportedError {
  const { store } = context
  const cure = store.capabilities.carriesRecord && method.startsWith('remove') ? ' Give it `revocations`.' : ''
  return new SessionUnsupportedError(`${storeName(store)} has no \`${method}\`, which this call needs.${cure}`)
}

/** Destroys a record and says so, once. */
export async function destroySession(context: Context, record: Sealed): Promise<boolean> {
  const { id } = record
  const destroy = (store: Store, options: StoreCallOptions): MaybePromise<boolean | void> =>
    store.revocations?.end(context, record) ?? destroyRecord(store, id, options)
  if ((await askStore(context, 'destroy', destroy, { id })) === false) return false
  context.emit('destroyed', record)
  return true
}
