/** The same without a framework, around a plain `fetch` handler; README.md has the command. */
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore } from 'latchkey/stores/cookie'

const store = new CookieStore({ secret: Deno.env.get('SESSION_SECRET') })
const sessions = new SessionManager({ store, initial: () => ({ visits: 0 }) })

export default {
  fetch: withSession(sessions, (_request, session) => Response.json({ visits: (session.data.visits += 1) })),
}
