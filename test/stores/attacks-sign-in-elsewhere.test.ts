/** Attack on `revocations` by a careless app: "sign in here, and out everywhere else", in one handler. */
import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { expect, it } from 'vitest'
import { SECRET } from './sealed.ts'

it.each(['no session', 'a session'])(
  'I02: signing in and ending the others, in this order, on a browser with %s, signs in',
  async (before) => {
    for (const store of [new MemoryStore(), new CookieStore({ secret: SECRET, revocations: new MemoryStore() })]) {
      let now = Date.UTC(2030, 0, 1)
      const sessions = new SessionManager({ store, now: () => now++ })
      const other = await sessions.createSession({}, { subject: 'u_42' })
      const visitor = before === 'a session' ? await sessions.createSession({ cart: 1 }) : undefined
      const headers = visitor ? { cookie: `__Host-session=${visitor}` } : {}
      const session = await sessions.load(new Request('https://shop.example/', { headers }))
      session.subject = 'u_42'
      await sessions.removeSessionsOf('u_42', { except: session })
      await sessions.commit(session, new Response())
      expect(await sessions.findSession(other)).toBeUndefined()
      expect(await sessions.findSession(session.token as string)).toMatchObject({ subject: 'u_42' })
      // It is spared by that call, and by no other.
      await sessions.removeSessionsOf('u_42')
      expect(await sessions.findSession(session.token as string)).toBeUndefined()
    }
  },
)
