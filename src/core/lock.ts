/** A lock per store and id: what makes get-compare-set one step within this process. */

const tails = new WeakMap<object, Map<string, Promise<unknown>>>()

/** Runs the tasks of one id of one store one after the other. */
export async function exclusively<T>(store: object, id: string, task: () => Promise<T>): Promise<T> {
  let ids = tails.get(store)
  if (!ids) tails.set(store, (ids = new Map()))
  const turn = (ids.get(id) ?? Promise.resolve()).then(task)
  const tail = turn.catch(() => {})
  ids.set(id, tail)
  try {
    return await turn
  } finally {
    if (ids.get(id) === tail) ids.delete(id)
  }
}
