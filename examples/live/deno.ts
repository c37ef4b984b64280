/** Streams and WebSockets on Deno: see README.md. */
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { MemoryStore } from 'latchkey/stores/memory'
import { answer, initial, look, type Live } from './live.ts'

const sessions = new SessionManager<Live>({ store: new MemoryStore(), initial })

Deno.serve(
  { hostname: 'localhost', port: Number(Deno.env.get('PORT') ?? 8787) },
  withSession(sessions, (request, session) =>
    answer(sessions, request, session, (token) => {
      const { socket, response } = Deno.upgradeWebSocket(request)
      socket.addEventListener('message', async () => socket.send(await look(sessions, token)))
      return response
    }),
  ),
)
