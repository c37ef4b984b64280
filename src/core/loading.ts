/** How an adapter loads a request's session: once, when first asked, and closed if that is after the response. */
import { attempt, whenThere } from './maybe.ts'
import type { RequestCalls } from './manager.ts'
import { stateOf, type Session } from './session.ts'
import type { MaybePromise } from './store-model.ts'

export interface Loading {
  load: () => MaybePromise<Session>
  /** The response is there: the session if one was asked for, also where the handler did not wait for it. */
  finish: () => MaybePromise<Session | undefined>
}

/** What a request stands for counts also where the adapter was not asked: the handler may ask the manager itself. */
export function loadOnce(requests: RequestCalls, request: Request): Loading {
  let loading: MaybePromise<Session> | undefined
  let finished = false
  const keep = (session: Session): Session => {
    // It can be read, and a change is an error (F11).
    if (finished) stateOf(session).close()
    return (loading = session)
  }
  const forget = (error: unknown): never => {
    loading = undefined
    throw error
  }
  const end = (session?: Session): Session | undefined => {
    finished = true
    return session
  }
  return {
    load: () => {
      return (loading ??= attempt(() => whenThere(requests.load(request), keep), forget))
    },
    // A load that failed was the handler's to see.
    finish: () =>
      attempt(
        () => whenThere(loading ?? requests.of(request), end),
        () => end(),
      ),
  }
}
