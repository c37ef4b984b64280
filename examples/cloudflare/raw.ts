/** The same without a framework, around a plain `fetch` handler: `npx wrangler dev examples/cloudflare/raw.ts`. */
import { perEnv, SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CloudflareKVStore, type KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'

const sessions = perEnv((env: { SESSIONS: KVNamespaceLike }) => {
  return new SessionManager({ store: new CloudflareKVStore(env.SESSIONS), initial: () => ({ visits: 0 }) })
})

export default {
  fetch: withSession(sessions, (_request, session) => Response.json({ visits: (session.data.visits += 1) })),
}
