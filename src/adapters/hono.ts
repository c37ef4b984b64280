/** Sessions as Hono middleware: `c.var.session`, typed, committed into whatever response leaves. */
import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { beside } from '../core/beside.ts'
import type { CommitOptions } from '../core/commit.ts'
import { SessionConfigError, StoreUnavailableError } from '../core/errors.ts'
import { Loading } from '../core/loading.ts'
import { managerFinder, type ManagerSource } from '../core/per-env.ts'
import { requestsOf, type RequestCalls, type SessionManager } from '../core/manager.ts'
import { isPromise } from '../core/maybe.ts'
import { stateOf, type Session } from '../core/session.ts'

export interface SessionMiddlewareOptions {
  /** Nothing is read until asked; the variable is then `() => Promise<Session>`. Default `false`. */
  lazy?: boolean
  /** The variable's name, so that two managers live side by side. Default `'session'`. */
  as?: string
}

/** The `Session` of a manager, or of a function that returns one. */
type SessionOf<Source> =
  Source extends SessionManager<infer Data, infer Flash>
    ? Session<Data, Flash>
    : Source extends (...args: never[]) => SessionManager<infer Data, infer Flash>
      ? Session<Data, Flash>
      : never

/** The Hono environment that `session(sessions)` provides: `new Hono<SessionEnv<typeof sessions>>()`. */
export type SessionEnv<Source, Options extends SessionMiddlewareOptions = Record<never, never>> = {
  Variables: Record<
    Options extends { as: infer Name extends string } ? Name : 'session',
    Options extends { lazy: true } ? () => Promise<SessionOf<Source>> : SessionOf<Source>
  >
}

/** A manager at work on a context. */
interface Mount {
  manager: object
  requests: RequestCalls
  loading: Loading
  /** Once its response is being committed. */
  session?: Session
  outer: Mount | undefined
}

/** Outages whose answer holds nothing of the handler's (P11). */
const answered = new WeakSet<StoreUnavailableError>()

/** The managers at work on a context, the innermost first: mounted twice, a manager loads and commits once. */
const active = beside<Mount>()

/**
 * The middleware. Takes a manager, or a function that returns one from `c.env` (see `perEnv`).
 *
 * A store outage is thrown before or instead of the handler's response, as `StoreUnavailableError`: Hono's default error
 * handler answers it with 503, and `app.onError` may take over (P11). After an error that is no `HTTPException`, or a status
 * ≥ 500, changes are dropped (P15).
 */
export function session<
  Data extends object,
  Flash extends object,
  const Options extends SessionMiddlewareOptions = Record<never, never>,
>(
  sessions: ManagerSource<Data, Flash, [env: never]>,
  options?: Options,
): MiddlewareHandler<SessionEnv<SessionManager<Data, Flash>, Options>> {
  const find = managerFinder(sessions)
  const { lazy, as: name = 'session' }: SessionMiddlewareOptions = options ?? {}
  const middleware: MiddlewareHandler = async (c, next) => {
    const manager = find(c.env as never)
    const requests = requestsOf(manager)
    const request = c.req.raw
    const outer = active.get(c)
    let same = outer
    for (; same && same.manager !== manager; same = same.outer) {
      const cookieName = requests.cookieNameFor(request)
      if (cookieName !== undefined && cookieName === same.requests.cookieNameFor(request))
        throw new SessionConfigError(
          `Two managers use the cookie \`${cookieName}\` on one request. Give one of them a name of its own: \`cookie: { name }\`.`,
        )
    }
    const loading = same?.loading ?? new Loading(requests, request)
    // Here and below: an await costs as much where the answer is there, as it is for most, and so is spared then.
    const loaded = lazy ? loading.whenAsked() : loading.load()
    c.set(name, isPromise(loaded) ? await loaded : loaded)
    if (same) return next()

    const mount: Mount = { manager, requests, loading, outer }
    active.set(c, mount)
    try {
      await next()
    } catch (thrown) {
      // Hono lets through only what is no Error; `every` of its combine middleware all.
      if (await loading.finish()) await abandon(requests, request)
      throw thrown
    }
    const finished = loading.finish()
    const asked = isPromise(finished) ? await finished : finished
    // The handler returned nothing, which Hono answers with an error.
    if (asked && !c.finalized) return abandon(requests, request)
    try {
      if (asked) {
        const current = requests.load(request)
        const session = (mount.session = isPromise(current) ? await current : current)
        const commitOptions = commitOptionsOf(c)
        // A middleware that replaced the request may have made the handler load a second session, or restart this one.
        const other = requests.of(c.req.raw)
        const second = isPromise(other) ? await other : other
        if (second && stateOf(second) !== stateOf(session))
          replace(c, await requests.commit(second, c.res, commitOptions))
        // The last cookie stays: that of the session which the handler had from here.
        const committed = requests.commit(session, c.res, commitOptions)
        replace(c, isPromise(committed) ? await committed : committed)
      }
      // What the handler had set when it met the outage is in the answer to it: it is given anew, without.
      if (c.error instanceof StoreUnavailableError && !answered.has(c.error)) throw c.error
    } catch (error) {
      if (error instanceof StoreUnavailableError) answered.add(error)
      await discard(c)
      throw error
    }
  }
  return middleware as MiddlewareHandler<SessionEnv<SessionManager<Data, Flash>, Options>>
}

/** Apart from the middleware: a closure in it would have every request keep all that is around it on the heap. */
function commitOptionsOf(c: Context): CommitOptions {
  const failed = c.error !== undefined && !('getResponse' in c.error)
  return { waitUntil: (promise) => c.executionCtx.waitUntil(promise), failed }
}

/** Where no response of the handler can carry a cookie, who was to leave still leaves. */
async function abandon(requests: RequestCalls, request: Request): Promise<void> {
  await requests.commit(await requests.load(request), Response.error(), { failed: true })
}

/** Puts a response in the place of the current one. Without the first assignment Hono would merge the old headers back in. */
function replace(c: Context, response: Response): void {
  if (response === c.res) return
  c.res = undefined
  c.res = response
}

/**
 * Makes room for an error response after the handler had answered: nothing it had set remains, but a token that is already
 * persisted is still sent (P15). Headers for other origins stay, or their browsers could not read the answer.
 */
async function discard(c: Context): Promise<void> {
  let keep = new Response(null)
  for (const [name, value] of c.res.headers) {
    if (/^(?:access-control-.*|vary)$/.test(name)) keep.headers.append(name, value)
  }
  // Headers set by `c.header()` are kept apart by Hono, and come back when no response hides them.
  empty(c)
  const prepared = Array.from(c.res.headers.keys())
  empty(c)
  for (const name of prepared) c.header(name, undefined)
  // A response without a body gets the headers that a committed session still has to send.
  for (let mount = active.get(c); mount; mount = mount.outer)
    if (mount.session) keep = await mount.requests.commit(mount.session, keep, {})
  // What caches may do is for the error's own response to say, unless it carries a token.
  if (!keep.headers.has('set-cookie')) keep.headers.delete('cache-control')
  c.res = keep
  c.finalized = false
}

function empty(c: Context): void {
  c.res = undefined
  c.finalized = false
}

/**
 * Refuses with 401 unless the session has a subject; with 503 while the store is down and `onStoreError: 'anonymous'`
 * stands in. Use it after `session(…)`.
 */
export function requireSubject({ as: name = 'session' }: { as?: string } = {}): MiddlewareHandler {
  return async (c, next) => {
    const variable: unknown = c.get(name)
    if (variable === undefined)
      throw new Error(`requireSubject() found no \`c.var.${name}\`. Mount \`session(…)\` before it.`)
    const session = (typeof variable === 'function' ? await variable() : variable) as Session
    if (session.subject === undefined)
      throw stateOf(session).outage ?? new HTTPException(401, { message: 'Unauthorized' })
    await next()
  }
}
