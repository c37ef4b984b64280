/** `hono-sessions`: memory with the id as it is, memory with the id encrypted, and the data in the cookie. */
import { Hono } from 'hono'
import { CookieStore, MemoryStore, sessionMiddleware, type Session } from 'hono-sessions'
import { answer, SECRET, seedData, type Contestant, type Data } from '../contestant.ts'

type Env = { Variables: { session: Session<Data>; session_key_rotation: boolean } }

function read(one: Session<Data>): string {
  return answer({ n: one.get('n') as number, text: one.get('text') as string })
}

function fill(one: Session<Data>, payload: number): void {
  const data = seedData(payload)
  one.set('n', data.n)
  one.set('text', data.text)
}

function honoSessions(name: string, kind: 'memory' | 'sealed', encrypted: boolean): Contestant {
  return {
    name,
    role: 'peer',
    kind,
    open: (payload) => {
      const memory = new MemoryStore()
      return {
        app: () => {
          const app = new Hono<Env>()
          app.use(
            '*',
            sessionMiddleware({
              store: kind === 'memory' ? memory : new CookieStore(),
              ...(encrypted && { encryptionKey: SECRET }),
              expireAfterSeconds: 900,
              cookieOptions: { sameSite: 'Lax', path: '/', httpOnly: true },
            }),
          )
          app.get('/none', (c) => c.text('ok'))
          app.get('/read', (c) => c.text(read(c.get('session'))))
          app.get('/seed', (c) => {
            fill(c.get('session'), payload)
            return c.text('seeded')
          })
          app.get('/write', (c) => {
            const one = c.get('session')
            one.set('n', ((one.get('n') as number | null) ?? 0) + 1)
            return c.text(read(one))
          })
          app.get('/login', (c) => {
            const one = c.get('session')
            const n = one.get('n') as number | null
            if (n === null) fill(one, payload)
            else one.set('n', n + 1)
            one.set('user', 'u_42')
            c.set('session_key_rotation', true)
            return c.text(`${read(one)}:${one.get('user') as string}`)
          })
          return app.fetch
        },
      }
    },
  }
}

export const honoSessionsMemory: Contestant = {
  ...honoSessions('hono-sessions, plain id', 'memory', false),
  note: 'the data is shared by reference, not serialised',
}
export const honoSessionsEncrypted: Contestant = honoSessions('hono-sessions, encrypted id', 'memory', true)
export const honoSessionsCookie: Contestant = honoSessions('hono-sessions, cookie', 'sealed', true)
