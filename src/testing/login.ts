/** Signing in without a login page: for tests of what comes after it. */
import type { SessionManager } from '../core/manager.ts'

export interface LoginOptions<Data> {
  /** Data of the session, on top of `initial`. */
  data?: Partial<Data>
  /** Where the requests will go; its scheme decides the cookie's name. Default `https://localhost/`. */
  url?: string | URL
}

/**
 * Signs a subject in by a session of their own, through a real request and its response, and returns the headers a client
 * would send from then on: `Cookie`, or `Authorization` where new sessions answer by bearer.
 *
 * ```ts
 * const headers = await loginAs(sessions, 'u_42', { data: { cart: [] } })
 * const response = await app.request('https://localhost/cart', { headers })
 * ```
 */
export async function loginAs<Data extends object, Flash extends object>(
  sessions: SessionManager<Data, Flash>,
  subject: string,
  options: LoginOptions<Data> = {},
): Promise<Headers> {
  const session = await sessions.load(new Request(options.url ?? 'https://localhost/'))
  session.subject = subject
  if (options.data) session.data = { ...session.data, ...options.data }
  const response = await sessions.commit(session, new Response())
  if (session.transport === 'bearer') return new Headers({ authorization: `Bearer ${session.token}` })
  const cookies = response.headers.getSetCookie().map((header) => header.split(';', 1)[0])
  return new Headers({ cookie: cookies.join('; ') })
}
