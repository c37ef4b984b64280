/**
 * A lock per store and id: what makes get-compare-set one step within this process. A call that is past its time-out is
 * not begun any more. One that was abandoned while it wrote keeps its turn until it ends, since it could undo what others
 * write in between; but no longer than a minute, or a backend that never answers would close the session for ever.
 */
import { isPromise } from './maybe.ts'
import type { MaybePromise, StoreCallOptions } from './store-model.ts'

interface Queue {
  tail: Promise<unknown>
  /** When the turn under way may be passed over, by `performance.now()`. */
  overAt: number
}

const LONGEST_TURN = 60_000
const queues = new WeakMap<object, Map<string, Queue>>()

/** Runs the tasks of one id of one store one after the other. */
export async function exclusively<T>(
  store: object,
  id: string,
  { signal }: StoreCallOptions = {},
  task: () => MaybePromise<T>,
): Promise<T> {
  let ids = queues.get(store)
  if (!ids) queues.set(store, (ids = new Map()))
  let queue = ids.get(id)
  if (!queue || performance.now() > queue.overAt) {
    ids.set(id, (queue = { tail: Promise.resolve(), overAt: Infinity }))
  }
  const own = queue
  const turn = own.tail.then(() => {
    signal?.throwIfAborted()
    // Who waits without a limit runs without one.
    own.overAt = signal ? performance.now() + LONGEST_TURN : Infinity
    return task()
  })
  const tail = turn.catch(() => {})
  own.tail = tail
  try {
    return await turn
  } finally {
    if (own.tail === tail && ids.get(id) === own) ids.delete(id)
  }
}

/** The answer, or the signal's reason if that comes first. */
export function unlessAborted<T>(answer: MaybePromise<T>, { signal }: StoreCallOptions = {}): MaybePromise<T> {
  if (!signal || !isPromise(answer)) return answer
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    answer.then(resolve, reject)
  })
}
