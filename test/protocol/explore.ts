/**
 * All interleavings of a world's requests, depth first, each run from scratch with the choices that lead to it. Of runs
 * that differ only in the order of moves that do not touch the same thing (two reads of a row, calls on two rows, the
 * network and the store) one is enough: sleep sets (Godefroid, 1996) leave the others out and lose no outcome.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, vi } from 'vitest'
import { World, type Kind, type Start, type StoreKind } from './world.ts'

/** Runs every interleaving and calls `check` at the end of each; how many there were. */
export async function explore(
  kinds: readonly Kind[],
  start: Start,
  store: StoreKind,
  check: (world: World) => Promise<void>,
): Promise<number> {
  const open: { choices: number[]; asleep: number[] }[] = [{ choices: [], asleep: [] }]
  let runs = 0
  for (let node = open.pop(); node; node = open.pop()) {
    const world = new World(kinds, start, store)
    const { choices } = node
    let { asleep } = node
    for (const choice of choices) await world.move(choice)
    for (;;) {
      const movable = world.movable()
      const awake = movable.filter((index) => !asleep.includes(index))
      const first = awake[0]
      if (first === undefined) {
        if (movable.length > 0) break
        runs++
        await check(world)
        break
      }
      const tried = [...asleep, first]
      for (const other of awake.slice(1)) {
        open.push({ choices: [...choices, other], asleep: tried.filter((index) => world.independent(index, other)) })
        tried.push(other)
      }
      asleep = asleep.filter((index) => world.independent(index, first))
      choices.push(first)
      await world.move(first)
    }
  }
  return runs
}

/** Every set of `size` kinds, with repetition. */
export function combinations(kinds: readonly Kind[], size: number): Kind[][] {
  if (size === 0) return [[]]
  return kinds.flatMap((kind, index) => combinations(kinds.slice(index), size - 1).map((rest) => [kind, ...rest]))
}

/**
 * Makes many thousand runs take seconds: the same SHA-256 from a synchronous hash instead of the thread pool, and no
 * waiting between two tries of a write, nor for a store call that the scheduler holds back. All leave everything the model looks at as it is.
 */
export function withoutWaiting(): void {
  beforeAll(() => {
    vi.spyOn(crypto.subtle, 'digest').mockImplementation((_algorithm, bytes) => {
      const digest = createHash('sha256')
        .update(bytes as Uint8Array)
        .digest()
      return Promise.resolve(Uint8Array.from(digest).buffer)
    })
    vi.stubGlobal('setTimeout', (callback: () => void, delay = 0) => void (delay < 1000 && queueMicrotask(callback)))
  })
  afterAll(() => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  })
}
