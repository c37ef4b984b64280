/** Streams and WebSockets on Workers: `npx wrangler dev examples/live/worker.ts`. Sessions are in KV. */
import { perEnv, SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CloudflareKVStore, type KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'
import { answer, initial, look, type Live } from './live.ts'

type Env = { SESSIONS: KVNamespaceLike }

const sessions = perEnv((env: Env) => {
  return new SessionManager<Live>({ store: new CloudflareKVStore(env.SESSIONS), initial })
})

export default {
  fetch: withSession(sessions, (request, session, env: Env) =>
    answer(sessions(env), request, session, (token) => {
      const { 0: client, 1: server } = new WebSocketPair()
      server.accept()
      server.addEventListener('message', async () => server.send(await look(sessions(env), token)))
      return new Response(null, { status: 101, webSocket: client })
    }),
  ),
}
