import { describe, expect, test } from 'vitest'
import type { StoreModel } from 'latchkey'
import { storeCases, type StoreCase, type StoreCaseOptions } from '../../src/testing/index.ts'

/** Runs the kit on a store; `skipped` is everything it must skip, reason by case number, and nothing else. */
export async function conforms<S extends StoreModel>(
  title: string,
  makeStore: () => S | Promise<S>,
  options: StoreCaseOptions<S> = {},
  skipped: Record<string, string[]> = {},
): Promise<void> {
  const cases: StoreCase[] = await storeCases(async () => makeStore(), options)
  describe(`${title} keeps the promises it claims`, () => {
    for (const { name, run } of cases.filter(({ skip }) => skip === undefined)) {
      test(`${name}`, () => expect(run()).resolves.toBeUndefined())
    }
    test('skips what it does not claim, and says why', () => {
      const reasons: Record<string, string[]> = {}
      for (const { name, skip } of cases) if (skip !== undefined) (reasons[skip] ??= []).push(name.slice(0, 3))
      expect(reasons).toEqual(skipped)
    })
  })
}
