/**
 * Sweeping: expired records go in bounded batches, with room for other work in between. Nothing depends on it but space, so
 * an error in the middle loses nothing: it says how far the sweep came, and the next one goes on from there.
 */
import { describe } from './describe.ts'
import { SessionConfigError, StoreUnavailableError } from './errors.ts'

export interface SweepOptions {
  /** Records per batch. Default 100. */
  batch?: number
  /** Stops after the batch under way, which is not cut short, so that what was done can be returned. */
  signal?: AbortSignal
  /** Called, and awaited, after each batch with the number removed so far. What it throws ends the sweep. */
  onProgress?: (progress: { removed: number }) => unknown
}

/** The `cause` of the `StoreUnavailableError` that ends a sweep: how far it came. Its own `cause` is what failed. */
export interface SweepFailure extends Error {
  /** The sessions removed by the batches that were acknowledged. */
  removed: number
}

/**
 * Calls `remove(limit)` until a batch comes back short.
 * @throws StoreUnavailableError whose `cause` is a `SweepFailure`
 */
export async function sweep(remove: (limit: number) => Promise<number>, options: SweepOptions): Promise<number> {
  const { batch = 100, signal, onProgress } = options
  if (!Number.isInteger(batch) || batch < 1) {
    throw new SessionConfigError(`\`batch\` is ${describe(batch)}; it must be a whole number of at least 1.`)
  }
  let removed = 0
  while (!signal?.aborted) {
    const count = await remove(batch).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) throw error
      // What the store's error said, and how far the sweep came before it.
      const far = `The sweep had removed ${removed} expired sessions; the next one goes on from there.`
      const cause: SweepFailure = Object.assign(new Error(far, { cause: error.cause ?? error }), { removed })
      throw new StoreUnavailableError(`${error.message} ${far}`, { cause })
    })
    // A store that does not say how many would be swept for ever.
    if (!(count > 0)) break
    removed += count
    await onProgress?.({ removed })
    if (count < batch) break
    // By a timer: whatever is quicker leaves other processes that wait for a locked file next to no gap to find.
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return removed
}
