/** Sweeping: expired records go in bounded batches, with room for other work in between. */
import { describe } from './describe.ts'
import { SessionConfigError } from './errors.ts'

export interface SweepOptions {
  /** Records per batch. Default 100. */
  batch?: number
  /** Stops after the batch under way; what was done is returned. */
  signal?: AbortSignal
  /** Called after each batch with the number removed so far. */
  onProgress?: (progress: { removed: number }) => void
}

/** Calls `remove(limit)` until a batch comes back short. */
export async function sweep(remove: (limit: number) => Promise<number>, options: SweepOptions): Promise<number> {
  const { batch = 100, signal, onProgress } = options
  if (!Number.isInteger(batch) || batch < 1) {
    throw new SessionConfigError(`\`batch\` is ${describe(batch)}; it must be a whole number of at least 1.`)
  }
  let removed = 0
  while (!signal?.aborted) {
    const count = await remove(batch)
    removed += count
    if (count > 0) onProgress?.({ removed })
    if (count < batch) break
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return removed
}
