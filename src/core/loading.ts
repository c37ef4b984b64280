/** How an adapter loads a request's session: once, when first asked, and closed if that is after the response. */
import { isPromise, promised } from './maybe.ts'
import type { RequestCalls } from './manager.ts'
import { stateOf, type Session } from './session.ts'
import type { MaybePromise } from './store-model.ts'

export class Loading {
  readonly #requests: RequestCalls
  readonly #request: Request
  #session: MaybePromise<Session> | undefined
  #finished = false

  constructor(requests: RequestCalls, request: Request) {
    this.#requests = requests
    this.#request = request
  }

  load(): MaybePromise<Session> {
    if (this.#session) return this.#session
    const session = this.#requests.load(this.#request)
    if (!isPromise(session)) return this.#keep(session)
    return (this.#session = session.then(
      (loaded) => this.#keep(loaded),
      (error: unknown) => {
        this.#session = undefined
        throw error
      },
    ))
  }

  /** What a lazy handler is given in the session's place. */
  whenAsked(): () => Promise<Session> {
    return () => promised(() => this.load())
  }

  #keep(session: Session): Session {
    // It can be read, and a change is an error (F11).
    if (this.#finished) stateOf(session).close()
    return (this.#session = session)
  }

  /**
   * The response is there: the session if one was asked for, also where the handler did not wait for it, or asked the manager
   * itself. A load that failed was the handler's to see.
   */
  finish(): MaybePromise<Session | undefined> {
    const asked = this.#session ?? this.#requests.of(this.#request)
    if (!isPromise(asked)) {
      this.#finished = true
      return asked
    }
    const end = (session?: Session): Session | undefined => {
      this.#finished = true
      return session
    }
    return asked.then(end, () => end())
  }
}
