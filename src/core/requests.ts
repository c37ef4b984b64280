/**
 * The sessions of requests: one for each `Request`, whoever asks and how often. Whoever holds a session that was loaded
 * again, or ended to begin an empty one, sees the new state in the same object.
 */
import { beside } from './beside.ts'
import { commitSession, type CommitOptions } from './commit.ts'
import { destroySession, type Context } from './context.ts'
import { attach } from './lifecycle.ts'
import { answerAsNew, buildSession, loadSession, readable } from './load.ts'
import { isPromise, whenThere } from './maybe.ts'
import { shareState, stateOf, type Session } from './session.ts'
import type { MaybePromise } from './store-model.ts'
import { cookieFor } from './transport.ts'

interface Known {
  session: MaybePromise<Session> | undefined
  /** `load` binds the session itself, when it is complete. */
  loading: boolean
}

function keep(known: Known, session: Session): Session {
  known.loading = false
  return (known.session = session)
}

/** A load that failed may be tried again. */
function forget(known: Known, error: unknown): never {
  known.loading = false
  known.session = undefined
  throw error
}

export class RequestSessions {
  readonly #context: Context
  readonly #known = beside<Known>()

  /** Makes the manager known to its store, whose lifecycle methods end here. */
  constructor(context: Context) {
    this.#context = context
    attach(context.store, context.manager, {
      generate: (request) => this.#keep(request, buildSession(context, request), true),
      createSession: (request, record, bind) =>
        whenThere(readable(context, record), (read) => this.#keep(request, buildSession(context, request, read), bind)),
      regenerate: async (request) => {
        const old = await this.#endable(request)
        const { record, superseded, destroyDone } = stateOf(old)
        const ended = destroyDone ? undefined : (record ?? superseded)
        if (ended) await destroySession(context, ended)
        return this.#succeed(request, old, await context.store.generate(request, context.manager))
      },
    })
  }

  /** The name of the cookie that an answer to this request sets; `undefined` without one. */
  cookieNameFor(request: Request): string | undefined {
    return this.#context.transports.includes('cookie') ? cookieFor(request, this.#context).cookieName : undefined
  }

  /** The session a request is known to stand for, without loading one. */
  of(request: Request): MaybePromise<Session> | undefined {
    return this.#known.get(request)?.session
  }

  bind(request: Request, session: Session): void {
    this.#known.set(request, { session, loading: false })
  }

  load(request: Request, fresh?: boolean): MaybePromise<Session> {
    const before = this.#known.get(request)
    if (before?.session) return fresh ? this.#refresh(before, request) : before.session
    const known: Known = { session: undefined, loading: true }
    this.#known.set(request, known)
    let loaded: MaybePromise<Session>
    try {
      loaded = loadSession(this.#context, request, fresh)
    } catch (error) {
      return forget(known, error)
    }
    if (!isPromise(loaded)) return keep(known, loaded)
    return (known.session = loaded.then(
      (session) => keep(known, session),
      (error: unknown) => forget(known, error),
    ))
  }

  commit(session: Session, response: Response, options: CommitOptions): MaybePromise<Response> {
    // A load under way may put another state in the place of this one.
    const { queue } = stateOf(session)
    if (queue) return queue.then(() => commitSession(this.#context, stateOf(session), response, options))
    return commitSession(this.#context, stateOf(session), response, options)
  }

  /** Ends the request's session and starts an empty one, through the store's `regenerate`. */
  async regenerate(request: Request): Promise<Session> {
    const { store, manager } = this.#context
    const old = await this.#endable(request)
    return this.#succeed(request, old, await store.regenerate(request, manager))
  }

  #keep(request: Request, session: Session, bind: boolean): Session {
    if (this.#known.get(request)?.loading) return session
    answerAsNew(this.#context, request, session)
    if (bind) this.bind(request, session)
    return session
  }

  /** Loads again what a copy stood in for; no change is taken in meanwhile. */
  async #refresh(known: Known, request: Request): Promise<Session> {
    const session = (await known.session) as Session
    const state = stateOf(session)
    return state.enqueue(async () => {
      // What `save()` wrote is newer than the cookie that came, and its token is still to be sent (P15).
      if (!state.record || state.asOf !== undefined || state.tokenDue || state.committed || state.destroyed)
        return session
      known.loading = true
      try {
        const fresh = await loadSession(this.#context, request, true)
        stateOf(fresh).accessed = state.accessed
        shareState(fresh, session)
      } finally {
        known.loading = false
      }
      return session
    })
  }

  /** The request's session, if it may still be ended. */
  async #endable(request: Request): Promise<Session> {
    const session = await this.load(request)
    await stateOf(session).queue
    const state = stateOf(session)
    if (state.committed) state.refuse()
    if (state.outage) throw state.outage
    return session
  }

  /** Puts an empty session in the place of the request's ended one. */
  #succeed(request: Request, old: Session, next: Session): Session {
    const [ended, begun] = [stateOf(old), stateOf(next)]
    if (ended !== begun) {
      // A cookie that the ended session did not come by is another's.
      begun.clearDue = ended.carried?.transport === begun.carried?.transport
      begun.accessed ||= ended.accessed
      shareState(next, old)
    }
    // The one that the handler holds already, however often it is asked for.
    this.bind(request, old)
    return old
  }
}
