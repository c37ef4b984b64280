/** How an adapter loads a request's session: once, when first asked, and closed if that is after the response. */
import type { MaybePromise } from './store-model.ts'
import { stateOf, type Session } from './session.ts'

export interface Loading<S> {
  load: () => Promise<S>
  /** The response is there: the session if one was asked for, also where the handler did not wait for it. */
  finish: () => MaybePromise<S | undefined>
}

export function loadOnce<S extends object>(load: () => Promise<S>): Loading<S> {
  let loading: Promise<S> | undefined
  let loaded: S | undefined
  let finished = false
  const finish = (session: S | undefined): S | undefined => {
    finished = true
    return session
  }
  return {
    load: () =>
      (loading ??= load().then(
        (session) => {
          // It can be read, and a change is an error (F11).
          if (finished) stateOf(session as unknown as Session).close()
          return (loaded = session)
        },
        (error: unknown) => {
          loading = undefined
          throw error
        },
      )),
    finish: () => {
      if (loaded || !loading) return finish(loaded)
      // A load that failed was the handler's to see.
      return loading.then(finish, () => finish(undefined))
    },
  }
}
