/**
 * Managers per environment: on Workers bindings exist only at request time, so the manager is made from them, once per
 * environment object.
 */
import { describe } from './describe.ts'
import { SessionConfigError } from './errors.ts'
import { SessionManager } from './manager.ts'

/** A manager, or a function that makes one from what the runtime passes along. */
export type ManagerSource<Data extends object, Flash extends object, Args extends unknown[] = never[]> =
  | SessionManager<Data, Flash>
  | ((...args: Args) => SessionManager<Data, Flash>)

const perEnvironment = new WeakSet<object>()

/**
 * Memoises a manager per environment object; callable from handlers too: `sessions(c.env).listSessions(…)`. Node and Deno
 * make a new environment object for every request: there the adapters hand it one process-wide object instead,
 * `process.env` where there is one.
 */
export function perEnv<Env extends object, Data extends object, Flash extends object>(
  make: (env: Env) => SessionManager<Data, Flash>,
): (env: Env) => SessionManager<Data, Flash> {
  const managers = new WeakMap<object, SessionManager<Data, Flash>>()
  const sessions = (env: Env): SessionManager<Data, Flash> => {
    const key = environmentOf(env) as Env
    let manager = managers.get(key)
    if (!manager) managers.set(key, (manager = make(key)))
    return manager
  }
  perEnvironment.add(sessions)
  return sessions
}

const processWide: object = (globalThis as { process?: { env?: object } }).process?.env ?? {}

/** The environment a manager may be kept for: bindings, or the process's own where the runtime passes request details. */
function environmentOf(env: unknown): object {
  if (typeof env !== 'object' || env === null) return processWide
  // Of Node's server, of Deno's, and the server of Bun; a binding may have any name.
  const isServer = 'requestIP' in env && typeof env.requestIP === 'function'
  if (('incoming' in env && 'outgoing' in env) || 'remoteAddr' in env || isServer) return processWide
  return Object.keys(env).length > 0 ? env : processWide
}

/**
 * How an adapter finds the manager of a request: the one it was given, one per environment, or one made at first use.
 * @throws SessionConfigError for anything else, when the adapter is made
 */
export function managerFinder<Data extends object, Flash extends object, Args extends unknown[]>(
  source: ManagerSource<Data, Flash, Args>,
): (...args: Args) => SessionManager<Data, Flash> {
  if (source instanceof SessionManager) return () => source
  if (typeof source !== 'function')
    throw new SessionConfigError(
      `The adapter got ${describe(source)}; it needs a SessionManager, or a function that returns one.`,
    )
  if (perEnvironment.has(source)) return source
  let manager: SessionManager<Data, Flash> | undefined
  return (...args) => (manager ??= source(...args))
}
