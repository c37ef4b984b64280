/**
 * The protocol as a model: every interleaving of two and of three requests of one visitor, by the real manager, with the
 * answers arriving in every order. A limit of the protocol may show only where its own kinds of request take part.
 */
import { describe, expect, test } from 'vitest'
import { combinations, explore, withoutWaiting } from './explore.ts'
import { ALL_KINDS, checkInvariants, type Limit } from './invariants.ts'
import type { Kind, Start, StoreKind } from './world.ts'

withoutWaiting()

/** Without those that do on a stored session what another kind does: `loginAndWrite`, `writeA`, `read`. */
const DISTINCT = ALL_KINDS.filter((kind) => !['login', 'writeB', 'csrf'].includes(kind))
const STARTS = ['visitor', 'user', 'rotating', 'nothing'] as const

interface Explored {
  runs: number
  /** The sets of requests in which a limit showed. */
  limits: Record<Limit, Set<Kind[]>>
}

/** Explores all sets of `size` of these kinds, and prints how many interleavings there were. */
async function exploreAll(kinds: readonly Kind[], size: number, start: Start, store: StoreKind): Promise<Explored> {
  const limits: Explored['limits'] = { overtaken: new Set(), twiceReplaced: new Set() }
  const sets = combinations(kinds, size)
  let runs = 0
  for (const set of sets) {
    runs += await explore(set, start, store, async (world) => {
      for (const limit of await checkInvariants(world)) limits[limit].add(set)
    })
  }
  console.log(
    `${runs} interleavings of ${sets.length} sets of ${size} requests; the browser: ${start}; store: ${store}`,
  )
  return { runs, limits }
}

/** Each limit needs a second new token, by a request of its own that is no sign-in. */
function onlyWhereExpected({ limits }: Explored, start: Start): void {
  const has = (set: Kind[], ...kinds: Kind[]): boolean => set.some((kind) => kinds.includes(kind))
  for (const set of limits.overtaken) {
    const signsIn = has(set, 'login', 'loginAndWrite')
    const meets = start === 'rotating' ? signsIn || has(set, 'regenerate') : signsIn && has(set, 'regenerate')
    expect(meets, `overtaken in ${set}`).toBe(true)
  }
  for (const set of limits.twiceReplaced) {
    // The rotation was the first of the two.
    const meets =
      start === 'rotating'
        ? has(set, 'loginAndWrite', 'login', 'regenerate', 'signOut')
        : has(set, 'regenerate', 'signOut') && set.length === 3
    expect(meets, `twice replaced in ${set}`).toBe(true)
  }
}

describe.each(STARTS)('two requests of a browser that starts as %s', (start) => {
  test('P4 P5 P6 P7 R19 R20 R21 hold in every interleaving', async () => {
    const explored = await exploreAll(ALL_KINDS, 2, start, 'memory')
    expect(explored.runs).toBeGreaterThan(100)
    onlyWhereExpected(explored, start)
  })
})

// `rotateEvery` is refused on a store that is not atomic.
describe.each(STARTS.filter((start) => start !== 'rotating'))('a browser that starts as %s', (start) => {
  test('P4 P5 P6 P7 hold for two requests on a store of three methods, inside its lock too', async () => {
    const explored = await exploreAll(DISTINCT, 2, start, 'three methods')
    expect(explored.runs).toBeGreaterThan(70)
    onlyWhereExpected(explored, start)
  })
})

describe.each(STARTS)('three requests of a browser that starts as %s', (start) => {
  test('P4 P5 P6 P7 R19 R20 R21 hold in every interleaving', { timeout: 120_000 }, async () => {
    const kinds: Kind[] =
      start === 'nothing'
        ? ['writeA', 'increment', 'loginAndWrite', 'csrf']
        : DISTINCT.filter((kind) => start !== 'rotating' || kind !== 'writeA')
    const explored = await exploreAll(kinds, 3, start, 'memory')
    expect(explored.runs).toBeGreaterThan(400)
    onlyWhereExpected(explored, start)
  })
})

test('P5 P6 P7 hold for three requests on a store of three methods too', { timeout: 120_000 }, async () => {
  const explored = await exploreAll(['read', 'increment', 'regenerate', 'logout'], 3, 'visitor', 'three methods')
  expect(explored.runs).toBeGreaterThan(1000)
  onlyWhereExpected(explored, 'visitor')
})
