/** How an adapter loads a request's session: once, when first asked, and closed if that is after the response. */
import { stateOf, type Session } from './session.ts'

export interface Loading<S> {
  load: () => Promise<S>
  /** The response is there: the session if one was asked for, also where the handler did not wait for it. */
  finish: () => Promise<S | undefined>
}

export function loadOnce<S extends object>(load: () => Promise<S>): Loading<S> {
  let loading: Promise<S> | undefined
  let finished = false
  return {
    load: () =>
      (loading ??= load().then(
        (session) => {
          // It can be read, and a change is an error (F11).
          if (finished) stateOf(session as unknown as Session).close()
          return session
        },
        (error: unknown) => {
          loading = undefined
          throw error
        },
      )),
    finish: async () => {
      // A load that failed was the handler's to see.
      const session = await loading?.catch(() => undefined)
      finished = true
      return session
    },
  }
}
