/** The conformance kit's one call: the cases, each over a fresh store, for whatever test runner there is. */
import { promised } from '../core/maybe.ts'
import type { StoreModel } from '../core/store.ts'
import { openBench } from './bench.ts'
import { skipReason, type StoreCase, type StoreCaseOptions } from './case.ts'
import { dataCases } from './cases-data.ts'
import { idCases } from './cases-ids.ts'
import { manyCases } from './cases-many.ts'
import { raceCases } from './cases-races.ts'
import { rowCases } from './cases-rows.ts'
import { subjectCases } from './cases-subjects.ts'
import { timeCases } from './cases-times.ts'

const CASES = [...rowCases, ...idCases, ...dataCases, ...timeCases, ...manyCases, ...raceCases, ...subjectCases]

/** S before R before I, each by its number. */
function rank({ name }: { name: string }): number {
  return 'SRI'.indexOf(name.charAt(0)) * 100 + Number(name.slice(1, 3))
}

/**
 * The conformance cases for a store, to be run by any test runner, or none:
 *
 * ```ts
 * for (const { name, run, skip } of storeCases(() => new MyStore())) test(name, { skip: skip !== undefined }, run)
 * ```
 *
 * What the store claims in `capabilities`, and the optional methods it has, are tested; what it does not claim is skipped,
 * with the reason.
 *
 * @param makeStore makes a new store, empty and used by nobody else, for each case; once more at the start, to look at
 * what it claims. When it returns a promise, so does `storeCases`.
 */
export function storeCases<S extends StoreModel>(
  makeStore: () => Promise<S>,
  options?: StoreCaseOptions<S>,
): Promise<StoreCase[]>
export function storeCases<S extends StoreModel>(makeStore: () => S, options?: StoreCaseOptions<S>): StoreCase[]
export function storeCases<S extends StoreModel>(
  makeStore: () => S | Promise<S>,
  options: StoreCaseOptions<S> = {},
): StoreCase[] | Promise<StoreCase[]> {
  const probe = makeStore()
  return probe instanceof Promise
    ? probe.then((store) => casesFor(store, makeStore, options))
    : casesFor(probe, makeStore, options)
}

function casesFor<S extends StoreModel>(
  probe: S,
  makeStore: () => S | Promise<S>,
  options: StoreCaseOptions<S>,
): StoreCase[] {
  const cases = CASES.toSorted((a, b) => rank(a) - rank(b)).map(({ name, needs, run }): StoreCase => {
    const skip = skipReason(probe, needs, options)
    if (skip !== undefined) return { name, skip, run: () => Promise.reject(new Error(`Not tested: ${skip}.`)) }
    return {
      name,
      run: async () => {
        await closed
        const { close, ...bench } = await openBench(makeStore, options)
        try {
          await run(bench)
        } finally {
          await close()
        }
      },
    }
  })
  // Whether it failed is for the first case to say.
  const closed = promised(() => options.dispose?.(probe))
  return cases
}
