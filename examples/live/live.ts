/**
 * What stays open: Server-Sent Events and WebSockets, around a plain `fetch` handler. The session is read before the first
 * byte and before the upgrade, and its token is kept; whoever wants to know later asks `findSession(token)`, which neither
 * throws nor renews: a visitor who signed out meanwhile is `undefined` from then on. Each runtime brings its own upgrade:
 * worker.ts, deno.ts, bun.ts.
 */
import type { Session, SessionManager } from 'latchkey'

export type Live = { count: number; sockets: number }
export type LiveSessions = SessionManager<Live>

export const initial = (): Live => ({ count: 0, sockets: 0 })

/** How often an open stream looks, in milliseconds. */
const EVERY = 100

/** Answers all but the upgrade, which is the runtime's: `upgrade` gets the token that later looks are made with. */
export async function answer<Result>(
  sessions: LiveSessions,
  request: Request,
  session: Session<Live>,
  upgrade: (token: string | undefined) => Result,
): Promise<Response | Result> {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case 'POST /sign-in':
      session.subject = 'u_ada'
      return Response.json(session.data)
    case 'POST /count':
      session.update((data) => void (data.count += 1))
      return Response.json(session.data)
    case 'POST /sign-out':
      session.destroy()
      return new Response('Goodbye.')
    case 'GET /socket':
      // Kept when the session is stored already; an upgrade has no room for a cookie, so a new one is not stored for it.
      session.data.sockets += 1
      return upgrade(session.token)
    case 'GET /events':
      return new Response(events(sessions, session.token), { headers: { 'Content-Type': 'text/event-stream' } })
    default:
      return new Response('Not found', { status: 404 })
  }
}

/** What a socket answers, whatever it is sent: the session's data as they are now. */
export async function look(sessions: LiveSessions, token: string | undefined): Promise<string> {
  const found = token === undefined ? undefined : await sessions.findSession(token)
  return JSON.stringify(found ? { subject: found.subject, ...found.data } : { ended: true })
}

/** An event for each change, until the session ends or the visitor leaves. */
function events(sessions: LiveSessions, token: string | undefined): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let last = ''
  let left = false
  return new ReadableStream({
    async pull(controller) {
      let now = await look(sessions, token)
      while (now === last && !left) {
        await new Promise((resolve) => setTimeout(resolve, EVERY))
        now = await look(sessions, token)
      }
      if (left) return
      last = now
      controller.enqueue(encoder.encode(`data: ${now}\n\n`))
      if (now.includes('"ended"')) controller.close()
    },
    cancel() {
      left = true
    },
  })
}
