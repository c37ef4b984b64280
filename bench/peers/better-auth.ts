/**
 * `better-auth`'s `getSession`, over its memory adapter and with its cookie cache. It keeps its own user and session and
 * no data of ours, so the payload is the user's name; its sign-in is a password hash, so only reads are measured.
 */
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { Hono } from 'hono'
import { ORIGIN, SECRET, seedData, type Contestant } from '../contestant.ts'

const FEW = 4
const ONLY_READS = 'its sessions hold no data, and its sign-in is a password hash'

function auth(db: Record<string, never[]>, cached: boolean) {
  return betterAuth({
    baseURL: ORIGIN,
    secret: SECRET,
    database: memoryAdapter(db),
    emailAndPassword: { enabled: true },
    session: { cookieCache: { enabled: cached, maxAge: 3600 } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  })
}

function betterAuthOver(name: string, kind: 'memory' | 'sealed', cached: boolean): Contestant {
  return {
    name,
    role: 'peer',
    kind,
    without: { write: ONLY_READS, 'sign-in': ONLY_READS, 'sign-in, from a session': ONLY_READS },
    open: (payload) => {
      const db = { user: [], session: [], account: [], verification: [] }
      const person = { email: 'u_42@bench.example', password: 'a long enough password', name: seedData(payload).text }
      // Each sign-in costs a password hash of some 50 ms, so a few sessions are used in turn.
      const few: string[] = []
      return {
        answers: { anonymous: '-:0', seeded: `u:${person.name.length}` },
        app: () => {
          const { api } = auth(db, cached)
          const app = new Hono()
          app.get('/none', (c) => c.text('ok'))
          app.get('/read', async (c) => {
            const found = await api.getSession({ headers: c.req.raw.headers })
            return c.text(found ? `u:${found.user.name.length}` : '-:0')
          })
          return app.fetch
        },
        cookies: async (count) => {
          const { api } = auth(db, cached)
          if (few.length === 0) await api.signUpEmail({ body: person })
          while (few.length < FEW) {
            const { headers } = await api.signInEmail({ body: person, returnHeaders: true })
            const pairs = headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
            few.push(pairs.join('; '))
          }
          return Array.from({ length: count }, (_, index) => few[index % FEW] ?? '')
        },
      }
    },
  }
}

export const betterAuthMemory: Contestant = betterAuthOver('better-auth getSession', 'memory', false)
export const betterAuthCached: Contestant = {
  ...betterAuthOver('better-auth getSession, cookie cache', 'sealed', true),
  note: 'signed, not encrypted; a few sessions in turn',
}
