/** The client of a LibsqlStore: how it is opened, and what is wrong with a URL that cannot be. */
import { createClient, type Client } from '@libsql/client'
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'

export const URL_FORM = "'file:sessions.db', ':memory:', or a server's 'libsql://…', 'https://…' or 'http://…'"
/** How long a server may take for a whole answer, in milliseconds. */
const LONGEST_REQUEST = 60_000

/** @throws SessionConfigError when the URL names nothing that can be opened */
export function open(url: string, authToken: string | undefined): Client {
  try {
    // `bigint` reads every integer, where `number` throws for large ones; a PRAGMA holds for the one connection. Calls to a
    // server do not queue: in a Worker, what a cancelled request has begun would keep its place in the queue for ever.
    const concurrency = /^file:|^:memory:/i.test(url) ? 1 : Infinity
    return createClient({ url, intMode: 'bigint', concurrency, fetch: bounded, ...(authToken && { authToken }) })
  } catch (error) {
    // The client's message may repeat the URL, and that its token.
    throw new SessionConfigError(urlProblem(url, error))
  }
}

/** The client passes no signal to a single request: this keeps one from hanging on long after the manager gave it up. */
function bounded(request: Request): Promise<Response> {
  return fetch(request, { signal: AbortSignal.timeout(LONGEST_REQUEST) })
}

function urlProblem(url: string, error: unknown): string {
  if ((error as { code?: unknown }).code === 'URL_SCHEME_NOT_SUPPORTED')
    return "`url` names a file, and this runtime has none; it must be a server's 'libsql://…', 'https://…' or 'http://…'."
  if (/^file:/i.test(url))
    return (
      '`url` names a file that cannot be opened. Its directory must exist already (a relative path starts at the ' +
      'working directory; make it with `mkdir -p`), be writable, and the name must not be that of a directory.'
    )
  return `\`url\` is ${describe(url)}; it must be ${URL_FORM}.`
}
