/** The kit finds out stores that are wrong, each by the cases that are about it. */
import { describe, expect, it } from 'vitest'
import { storeCases } from '../../src/testing/index.ts'
import type { Broken } from './broken/broken.ts'
import { brokenContent } from './broken/content.ts'
import { brokenIds } from './broken/ids.ts'
import { brokenLists } from './broken/lists.ts'
import { brokenRows } from './broken/rows.ts'
import { brokenTimes } from './broken/times.ts'

const stores: Broken[] = [...brokenRows, ...brokenIds, ...brokenContent, ...brokenTimes, ...brokenLists]
const failures = new Map<Broken, Promise<string[]>>()

/** The names of the cases that a store fails, found out once. */
function failuresOf(broken: Broken): Promise<string[]> {
  const known = failures.get(broken) ?? findFailures(broken)
  failures.set(broken, known)
  return known
}

async function findFailures(broken: Broken): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run, skip } of storeCases(broken.make, broken.options)) {
    // Only what is wrong about content meets the large case: it takes longer than all others together.
    const tooLarge = name.startsWith('S13 a megabyte') && !brokenContent.includes(broken)
    if (skip === undefined && !tooLarge) await run().catch(() => failed.push(name))
  }
  return failed
}

describe('the conformance kit refuses a store that', () => {
  it.each(stores)('$it', async (broken) => {
    const failed = await failuresOf(broken)
    const missed = broken.fails.filter((beginning) => !failed.some((name) => name.startsWith(beginning)))
    expect(missed, `it failed: ${failed.join('; ')}`).toEqual([])
    expect(broken.fails).not.toEqual([])
  })
})

it('the conformance kit has no case that every store passes', { timeout: 120_000 }, async () => {
  const failed = new Set((await Promise.all(stores.map(failuresOf))).flat())
  const names = storeCases(() => stores[0]!.make()).map(({ name }) => name)
  expect(names.filter((name) => !failed.has(name))).toEqual([])
})
