/** A Worker that keeps its sessions on a libSQL server: by `LibsqlStore`, and under /own by a client it made itself. */
import { createClient } from '@libsql/client/web'
import { drizzle } from 'drizzle-orm/libsql/web'
import { withSession } from '../../src/adapters/fetch.ts'
import { perEnv, SessionManager, type Session } from '../../src/core/index.ts'
import { LibsqlStore } from '../../src/stores/libsql.ts'
import { SqliteStore } from '../../src/stores/sqlite.ts'
import type { Task } from './conformance.ts'

type Data = { visits: number }

const initial = (): Data => ({ visits: 0 })
const serverOf = ({ TASK }: { TASK: Task }): Task['servers'][number] => TASK.servers[0] ?? { name: '', url: '' }

const sessions = perEnv((env: { TASK: Task }) => {
  const { url, authToken } = serverOf(env)
  return new SessionManager<Data>({ store: new LibsqlStore({ url, authToken }), initial })
})
const ownSessions = perEnv((env: { TASK: Task }) => {
  const client = createClient(serverOf(env))
  return new SessionManager<Data>({ store: new SqliteStore(drizzle({ client })), initial })
})

function count(_request: Request, session: Session<Data>, _env: { TASK: Task }): Response {
  return Response.json({ visits: ++session.data.visits })
}
const own = withSession(ownSessions, count)
const libsql = withSession(sessions, count)

export default {
  fetch(request: Request, env: { TASK: Task }): Promise<Response> | Response {
    const { pathname } = new URL(request.url)
    if (pathname === '/file') {
      try {
        return new Response(typeof new LibsqlStore({ url: 'file:sessions.db' }))
      } catch (error) {
        return new Response(String(error))
      }
    }
    return pathname === '/own' ? own(request, env) : libsql(request, env)
  },
}
