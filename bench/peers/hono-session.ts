/** `@hono/session`: a JWE cookie, or the id in the JWE and the data in a storage of three methods. */
import { useSession, useSessionStorage, type SessionEnv } from '@hono/session'
import { Hono } from 'hono'
import { answer, seedData, type Contestant, type Data } from '../contestant.ts'

const NO_ROTATION = 'it has no way to give a session another id'
/** "32-byte, hex-encoded string"; what `openssl rand -base64 32` gives is taken as well. */
const SECRET = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='

function honoSession(name: string, kind: 'memory' | 'sealed', without: Contestant['without'] = {}): Contestant {
  return {
    name,
    role: 'peer',
    kind,
    note: 'logs each bad cookie with `console.error`, which is silenced here',
    without,
    open: (payload) => {
      const rows = new Map<string, string>()
      return {
        app: () => {
          const app = new Hono<SessionEnv<Data & Record<string, unknown>>>()
          if (kind === 'memory') {
            app.use(
              useSessionStorage({
                delete: (sid) => void rows.delete(sid),
                get: (sid) => JSON.parse(rows.get(sid) ?? 'null') as never,
                set: (sid, value) => void rows.set(sid, JSON.stringify(value)),
              }),
            )
          }
          app.use(useSession({ secret: SECRET, duration: { absolute: 86_400 } }))
          app.get('/none', (c) => c.text('ok'))
          app.get('/read', async (c) => c.text(answer(await c.var.session.get())))
          app.get('/seed', async (c) => {
            await c.var.session.update({ ...seedData(payload) })
            return c.text('seeded')
          })
          app.get('/write', async (c) => {
            await c.var.session.update((data) => ({ ...(data as Data), n: (data?.n ?? 0) + 1 }))
            return c.text(answer(c.var.session.data))
          })
          app.get('/login', async (c) => {
            await c.var.session.update((data) => ({
              ...(data ? { ...data, n: data.n + 1 } : seedData(payload)),
              user: 'u_42',
            }))
            return c.text(`${answer(c.var.session.data)}:u_42`)
          })
          return app.fetch
        },
      }
    },
  }
}

export const honoSessionSealed: Contestant = honoSession('@hono/session', 'sealed')
export const honoSessionStorage: Contestant = honoSession('@hono/session, storage', 'memory', {
  'sign-in, from a session': NO_ROTATION,
})
