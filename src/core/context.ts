/** What the files of one manager share: its settings, itself as its store knows it, and how it calls that store. */
import { describeFailure, SessionError, SessionUnsupportedError, StoreUnavailableError } from './errors.ts'
import type { Settings } from './options.ts'
import type { SessionRecord } from './record.ts'
import type { SessionPort } from './session.ts'
import type { RevocationScope, Sealed } from './store-model.ts'
import { destroyRecord, storeName, type Store } from './store.ts'

export interface Context extends Settings {
  /** The manager itself: the last argument of the store's lifecycle methods. */
  manager: object
  port: SessionPort
}

/**
 * Calls the store. What it throws becomes a `StoreUnavailableError` whose cause holds no data (P11, P13); errors of this
 * library pass. No value of `record` appears in the cause.
 */
export async function callStore<T>(
  context: Context,
  name: string,
  call: (store: Store) => T | Promise<T>,
  record: Partial<SessionRecord> = {},
): Promise<T> {
  try {
    return await call(context.store)
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
  const destroy = (store: Store): Promise<boolean | void> =>
    store.revocations?.end(record, scopeOf(context)) ?? destroyRecord(store, id)
  const existed = await callStore(context, 'destroy', destroy, { id })
  if (existed === false) return false
  context.emit('destroyed', record)
  return true
}

/** For what, and by which clock, a token-carrying store remembers sessions that ended. */
export function scopeOf({ cookie, now }: Pick<Context, 'cookie' | 'now'>): RevocationScope {
  return { name: cookie.bareName, now }
}
