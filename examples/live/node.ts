/** Streams on Node, by Hono's server: `node examples/live/node.ts` after a build. It has no upgrade for a `fetch` handler. */
import { serve } from '@hono/node-server'
import { SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { MemoryStore } from 'latchkey/stores/memory'
import { answer, initial, type Live } from './live.ts'

const sessions = new SessionManager<Live>({ store: new MemoryStore(), initial })

const fetch = withSession(sessions, (request, session) =>
  answer(sessions, request, session, () => new Response('No upgrade', { status: 426 })),
)
serve(
  { fetch: (request) => fetch(request), hostname: 'localhost', port: Number(process.env['PORT'] ?? 8787) },
  ({ port }) => console.log(`Listening on http://localhost:${port}`),
)
