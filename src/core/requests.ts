/**
 * The sessions of requests: one for each `Request`, whoever asks and how often. Whoever holds a session that was loaded
 * again, or ended to begin an empty one, sees the new state in the same object.
 */
import { destroySession, type Context } from './context.ts'
import { attach } from './lifecycle.ts'
import { answerAsNew, buildSession, loadSession, readable } from './load.ts'
import type { SessionRecord } from './record.ts'
import { shareState, stateOf, type Session } from './session.ts'

export class RequestSessions {
  readonly #context: Context
  readonly #sessions = new WeakMap<Request, Promise<Session>>()
  /** Requests of which `load` binds the session itself, when it is complete. */
  readonly #loading = new WeakSet<Request>()

  /** Makes the manager known to its store, whose lifecycle methods end here. */
  constructor(context: Context) {
    this.#context = context
    attach(context.store, context.manager, {
      generate: (request) => this.#keep(request, buildSession(context, request), true),
      createSession: (request, record, bind) => {
        const build = (read: SessionRecord): Session => this.#keep(request, buildSession(context, request, read), bind)
        const read = readable(context, record)
        return read instanceof Promise ? read.then(build) : build(read)
      },
      regenerate: async (request) => {
        const old = await this.#endable(request)
        const ended = stateOf(old).record ?? stateOf(old).superseded
        if (ended) await destroySession(context, ended)
        return this.#succeed(request, old, await context.store.generate(request, context.manager))
      },
    })
  }

  /** The session a request is known to stand for, without loading one. */
  of(request: Request): Promise<Session> | undefined {
    return this.#sessions.get(request)
  }

  bind(request: Request, session: Session): void {
    this.#sessions.set(request, Promise.resolve(session))
  }

  load(request: Request, fresh: boolean | undefined): Promise<Session> {
    const known = this.#sessions.get(request)
    if (known) return fresh ? this.#refresh(request, known) : known
    this.#loading.add(request)
    const session = loadSession(this.#context, request, fresh)
    this.#sessions.set(request, session)
    const done = (): boolean => this.#loading.delete(request)
    session.then(done, () => done() && this.#sessions.delete(request))
    return session
  }

  /** Ends the request's session and starts an empty one, through the store's `regenerate`. */
  async regenerate(request: Request): Promise<Session> {
    const { store, manager } = this.#context
    const old = await this.#endable(request)
    return this.#succeed(request, old, await store.regenerate(request, manager))
  }

  #keep(request: Request, session: Session, bind: boolean): Session {
    if (this.#loading.has(request)) return session
    answerAsNew(this.#context, request, session)
    if (bind) this.bind(request, session)
    return session
  }

  /** Loads again what a copy stood in for. */
  async #refresh(request: Request, loading: Promise<Session>): Promise<Session> {
    const session = await loading
    const state = stateOf(session)
    if (!state.record || state.asOf !== undefined || state.committed || state.destroyed) return session
    this.#loading.add(request)
    try {
      const fresh = await loadSession(this.#context, request, true)
      stateOf(fresh).accessed = state.accessed
      shareState(fresh, session)
    } finally {
      this.#loading.delete(request)
    }
    return session
  }

  /** The request's session, if it may still be ended. */
  async #endable(request: Request): Promise<Session> {
    const session = await this.load(request, false)
    await stateOf(session).queue
    const state = stateOf(session)
    if (state.committed) state.refuse()
    if (state.outage) throw state.outage
    return session
  }

  /** Puts an empty session in the place of the request's ended one. */
  #succeed(request: Request, old: Session, next: Session): Session {
    if (stateOf(old) !== stateOf(next)) {
      stateOf(next).clearDue = true
      shareState(next, old)
    }
    this.bind(request, next)
    return next
  }
}
