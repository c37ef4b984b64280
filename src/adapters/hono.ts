/** Sessions as Hono middleware: `c.var.session`, typed, committed into whatever response leaves. */
import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { loadOnce } from '../core/loading.ts'
import { managerFinder, type ManagerSource } from '../core/per-env.ts'
import { stateOf, type Session } from '../core/session.ts'
import { boundTo, type SessionManager } from '../core/manager.ts'

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
  load: () => Promise<object>
  /** The response without a body that stands for one: its headers are what a committed session still has to send. */
  again: ((blank: Response) => Promise<Response>) | undefined
}

/** The managers at work on a context: mounted twice, a manager loads and commits once. */
const active = new WeakMap<object, Map<object, Mount>>()

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
    const provide = async (load: () => Promise<object>): Promise<void> => c.set(name, lazy ? load : await load())
    const manager = find(c.env as never)
    const mounts = active.get(c) ?? new Map<object, Mount>()
    const outer = mounts.get(manager)
    if (outer) {
      await provide(outer.load)
      return next()
    }
    const request = c.req.raw
    const { load, finish } = loadOnce(() => manager.load(request))
    const mount: Mount = { load, again: undefined }
    active.set(c, mounts.set(manager, mount))
    await provide(load)

    // Where no response of the handler can carry a cookie, who was to leave still leaves.
    const abandon = async (): Promise<unknown> =>
      manager.commit(await manager.load(request), Response.error(), { failed: true })
    try {
      await next()
    } catch (thrown) {
      // Hono lets through only what is no Error.
      if (await finish()) await abandon()
      throw thrown
    }
    if (!(await finish())) return
    if (!c.finalized) {
      // The handler returned nothing, which Hono answers with an error.
      await abandon()
      return
    }
    const session = await manager.load(request)
    const failed = c.error !== undefined && !('getResponse' in c.error)
    mount.again = (blank) => manager.commit(session, blank)
    try {
      const commitOptions = { waitUntil: (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise), failed }
      replace(c, await manager.commit(session, c.res, commitOptions))
      // A middleware that replaced the request may have made the handler load a second session, or restart this one.
      const second = await (boundTo(manager, c.req.raw) as Promise<Session<Data, Flash>> | undefined)
      if (second && stateOf(second as never) !== stateOf(session as never))
        replace(c, await manager.commit(second, c.res, commitOptions))
    } catch (error) {
      await discard(c, mounts)
      throw error
    }
  }
  return middleware as MiddlewareHandler<SessionEnv<SessionManager<Data, Flash>, Options>>
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
async function discard(c: Context, mounts: Map<object, Mount>): Promise<void> {
  let keep = new Response(null)
  for (const [name, value] of c.res.headers) {
    if (/^(?:access-control-.*|vary)$/.test(name)) keep.headers.append(name, value)
  }
  // Headers set by `c.header()` are kept apart by Hono, and come back when no response hides them.
  empty(c)
  const prepared = Array.from(c.res.headers.keys())
  empty(c)
  for (const name of prepared) c.header(name, undefined)
  for (const { again } of mounts.values()) if (again) keep = await again(keep)
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
