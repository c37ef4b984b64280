/** Streams and WebSockets on Bun: `bun examples/live/bun.ts` after a build. */
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { MemoryStore } from 'latchkey/stores/memory'
import { answer, initial, look, type Live } from './live.ts'

type Attached = { token: string | undefined }

const sessions = new SessionManager<Live>({ store: new MemoryStore(), initial })

const server = Bun.serve<Attached>({
  hostname: 'localhost',
  port: Number(process.env['PORT'] ?? 8787),
  fetch: withSession(sessions, (request, session, bun: Bun.Server<Attached>) =>
    // Bun answers by itself after an upgrade, and is given nothing.
    answer(sessions, request, session, (token) => {
      return bun.upgrade(request, { data: { token } }) ? undefined : new Response('No upgrade', { status: 426 })
    }),
  ),
  websocket: {
    async message(socket) {
      socket.send(await look(sessions, socket.data.token))
    },
  },
})
console.log(`Listening on http://localhost:${server.port}`)
