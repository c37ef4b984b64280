import type { StoreModel } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { storeCases, type StoreCaseOptions } from '../../src/testing/index.ts'

/** Runs the kit on a store. `skipped` is all that it must skip: the reason, then the numbers of the cases. */
export async function conforms<S extends StoreModel>(
  title: string,
  makeStore: () => S | Promise<S>,
  options: StoreCaseOptions<S>,
  skipped: Record<string, string>,
): Promise<void> {
  const cases = await storeCases(async () => makeStore(), options)
  describe(`${title} keeps what it claims`, () => {
    for (const { name, run } of cases.filter(({ skip }) => skip === undefined)) {
      test(`${name}`, () => expect(run()).resolves.toBeUndefined())
    }
  })
  test(`${title}: what it does not claim is skipped, with the reason`, () => {
    const reasons = new Map<string, Set<string>>()
    for (const { name, skip } of cases) {
      if (skip !== undefined) reasons.set(skip, (reasons.get(skip) ?? new Set()).add(name.slice(0, 3)))
    }
    expect(Object.fromEntries([...reasons].map(([reason, numbers]) => [reason, [...numbers].join(' ')]))).toEqual(
      skipped,
    )
  })
}
