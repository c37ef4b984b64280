/** What a case of the conformance kit is, and when one is skipped: by what the store itself claims, never by guessing. */
import type { MaybePromise, StoreModel } from '../core/store.ts'
import type { Bench } from './bench.ts'

/** One case, for any test runner. */
export interface StoreCase {
  /** A sentence that begins with the case's number, e.g. `S06 update on a destroyed id is "gone", and still no row`. */
  name: string
  /** Runs the case; rejects with an `Error` that says what the store got wrong, and for a skipped case always. */
  run: () => Promise<void>
  /** Why this store is not tested for it. */
  skip?: string
}

/** What the kit cannot find out from a store alone. */
export interface StoreCaseOptions<S extends StoreModel = StoreModel> {
  /**
   * Opens another instance on the same backend, as another process would. Turns on the cases that go through two instances,
   * for a store that claims `atomic`.
   */
  peer?: (store: S) => MaybePromise<S>
  /** Opens a store on the same backend under another prefix or table (S22). */
  otherNamespace?: (store: S) => MaybePromise<S>
  /** Locks the backend against writes, from outside the store; returns what unlocks it (S17). */
  lock?: (store: S) => MaybePromise<() => MaybePromise<void>>
  /** Calls `run` with the process, or the database, in a time zone such as `'Pacific/Kiritimati'` (S16). */
  inTimeZone?: (zone: string, run: () => Promise<void>) => Promise<void>
  /** Closes a store when its case is over: each one `makeStore`, `peer` and `otherNamespace` made. */
  dispose?: (store: S) => MaybePromise<void>
}

type Optional = 'removeExpired' | 'countExpired' | 'all' | 'length' | 'clear' | 'findBySubject' | 'removeBySubject'

/**
 * What a case asks of a store: an optional method; `row`: a record that does not live in its token; `strong`: consistency;
 * `atomic`: across instances; or one of the options.
 */
export type Need = Optional | 'row' | 'strong' | 'atomic' | 'peer' | 'otherNamespace' | 'lock'

/** A case as its file writes it. */
export interface CaseDefinition {
  name: string
  needs: readonly Need[]
  run: (bench: Bench) => Promise<void>
}

/** Why a store is not tested for a case, or `undefined` when it is. */
export function skipReason<S extends StoreModel>(
  store: S,
  needs: readonly Need[],
  options: StoreCaseOptions<S>,
): string | undefined {
  const { atomic = false, consistency = 'strong', carriesRecord = false } = store.capabilities ?? {}
  if (carriesRecord && needs.length > 0) return 'the record lives in the token: the store keeps no row'
  for (const need of needs) {
    if (need === 'row') continue
    if (need === 'strong') {
      if (consistency !== 'strong') return "the store claims `consistency: 'eventual'`"
    } else if (need === 'atomic') {
      if (!atomic) return 'the store does not claim `atomic`: what it promises holds within one process'
    } else if (need === 'peer' || need === 'otherNamespace' || need === 'lock') {
      if (!options[need]) return `the option \`${need}\` was not given`
    } else if (typeof store[need] !== 'function') return `the store has no \`${need}\``
  }
  return undefined
}
