/** Answers that may be there at once: what nobody has to wait for costs no turn of the event loop. */
import type { MaybePromise } from './store-model.ts'

export function isPromise<T>(answer: MaybePromise<T>): answer is Promise<T> {
  return typeof (answer as Promise<T> | null | undefined)?.then === 'function'
}

/** A promise of an answer. Who drops it, an outage in it included, brings no process down. */
export function promised<T>(ask: () => MaybePromise<T>): Promise<T> {
  const promise = (async () => ask())()
  promise.catch(() => {})
  return promise
}

/** An answer, or what `recover` makes of a failure, whether it is there at once or later. */
export function attempt<T>(ask: () => MaybePromise<T>, recover: (error: unknown) => T): MaybePromise<T> {
  try {
    const answer = ask()
    return isPromise(answer) ? answer.then(undefined, recover) : answer
  } catch (error) {
    return recover(error)
  }
}

/** Goes on with an answer when it is there, which may be now. */
export function whenThere<T, Next>(
  answer: MaybePromise<T>,
  next: (value: T) => MaybePromise<Next>,
): MaybePromise<Next> {
  return isPromise(answer) ? answer.then(next) : next(answer)
}
