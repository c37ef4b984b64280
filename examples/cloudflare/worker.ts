/**
 * The shop on Cloudflare Workers: `npm run start:workers`. Requests go to the app with their bindings; a touch of a session
 * ends after the response has left, by `waitUntil`; and a cron trigger removes expired sessions from D1.
 */
import { createApp } from '../app/app.ts'
import { sessions, type Env } from './sessions.ts'

const app = createApp(sessions)

interface Context {
  waitUntil(promise: Promise<unknown>): void
  passThroughOnException(): void
  props: unknown
}

export default {
  fetch: (request: Request, env: Env, ctx: Context): Response | Promise<Response> => app.fetch(request, env, ctx),

  /** Only D1 needs it: keys in KV end by themselves, and a sealed cookie ends with its browser. */
  async scheduled(_controller: unknown, env: Env): Promise<void> {
    if (env.STORE !== 'd1') return
    // What is left after 20 seconds is for the next hour.
    const removed = await sessions(env).removeExpiredSessions({ signal: AbortSignal.timeout(20_000) })
    console.log(`${removed} expired sessions removed`)
  },
}
