/** Sessions around a raw `fetch` handler, in any runtime. */
import { StoreUnavailableError } from '../core/errors.ts'
import { Loading } from '../core/loading.ts'
import { requestsOf } from '../core/manager.ts'
import { isPromise, whenThere } from '../core/maybe.ts'
import type { MaybePromise } from '../core/store-model.ts'
import { managerFinder, type ManagerSource } from '../core/per-env.ts'
import type { Session } from '../core/session.ts'

/** What a handler may return: `undefined` as Bun wants it after an upgrade. */
export type HandlerResult = Response | undefined | void

/** A handler as `export default { fetch }`, `Deno.serve` and `Bun.serve` take it. `Rest` is whatever the runtime passes. */
export type Fetch<Rest extends unknown[], Result> = (request: Request, ...rest: Rest) => Promise<Result>

export interface WithSessionOptions {
  /** Nothing is read until asked; the handler's `session` is then `() => Promise<Session>`. Default `false`. */
  lazy?: boolean
}

/**
 * Wraps a handler: loads the session before it, commits it into the response after it. Takes a manager, or a function that
 * returns one from what follows the request (see `perEnv`). A store outage is answered with 503 (P11); an error of the
 * handler's is thrown on after `destroy()` was carried out (P15), unless it has a `getResponse()`.
 */
export function withSession<
  Data extends object,
  Flash extends object,
  Rest extends unknown[],
  Result extends HandlerResult,
>(
  sessions: ManagerSource<Data, Flash>,
  handler: (request: Request, session: () => Promise<Session<Data, Flash>>, ...rest: Rest) => Result | Promise<Result>,
  options: WithSessionOptions & { lazy: true },
): Fetch<Rest, Result>
export function withSession<
  Data extends object,
  Flash extends object,
  Rest extends unknown[],
  Result extends HandlerResult,
>(
  sessions: ManagerSource<Data, Flash>,
  handler: (request: Request, session: Session<Data, Flash>, ...rest: Rest) => Result | Promise<Result>,
  options?: WithSessionOptions & { lazy?: false },
): Fetch<Rest, Result>
export function withSession<Data extends object, Flash extends object, Rest extends unknown[]>(
  sessions: ManagerSource<Data, Flash>,
  handler: (request: Request, session: never, ...rest: Rest) => HandlerResult | Promise<HandlerResult>,
  options: WithSessionOptions = {},
): Fetch<Rest, HandlerResult> {
  const find = managerFinder(sessions)
  return async (request, ...rest) => {
    const requests = requestsOf(find(...(rest as unknown as never[])))
    const loading = new Loading(requests, request)
    const finish = (response: Response, failed = false): MaybePromise<Response> =>
      whenThere(loading.finish(), (asked) => {
        if (!asked) return response
        const waiting = (rest as unknown[]).find(canWait)
        const waitUntil = waiting && ((promise: Promise<unknown>): void => waiting.waitUntil(promise))
        return whenThere(requests.load(request), (session) => requests.commit(session, response, { waitUntil, failed }))
      })
    try {
      // Here and below: an await costs as much where the answer is there, as it is for most, and so is spared then.
      const first = options.lazy ? loading.whenAsked() : loading.load()
      const session = isPromise(first) ? await first : first
      let response: HandlerResult
      try {
        const answer = handler(request, session as never, ...rest)
        // A lazy load that the handler did not wait for has its turn first.
        response = options.lazy || isPromise(answer) ? await answer : answer
      } catch (error) {
        const answer = responseOf(error)
        if (answer) return await finish(answer)
        await finish(Response.error(), true)
        throw error
      }
      // Not asked by class: a server may put its own in the place of the global one, and `fetch()` still give the native.
      if (response) {
        const finished = finish(response)
        return isPromise(finished) ? await finished : finished
      }
      await finish(UPGRADED)
      return response
    } catch (error) {
      if (error instanceof StoreUnavailableError) return finish(error.getResponse())
      throw error
    }
  }
}

/** Stands for the response a runtime makes by itself after an upgrade; only its status is looked at. */
const UPGRADED = { status: 101 } as Response

function canWait(value: unknown): value is { waitUntil: (promise: Promise<unknown>) => void } {
  return typeof value === 'object' && value !== null && 'waitUntil' in value && typeof value.waitUntil === 'function'
}

/** The response an error brings along, as `HTTPException` of Hono and its kind do. */
function responseOf(error: unknown): Response | undefined {
  if (!(error instanceof Error) || !('getResponse' in error) || typeof error.getResponse !== 'function')
    return undefined
  try {
    return error.getResponse() as Response
  } catch {
    return undefined
  }
}
