/**
 * The floors that keep a session: an app in Hono that does by hand, for one token format and without a promise kept, only what
 * cannot be left out. `Keeping` is the difference between them.
 */
import { Hono } from 'hono'
import { answer, seedData, type Data, type Fetch } from '../contestant.ts'

/** How a floor keeps data. Each returns the token that the client is to have. */
export interface Keeping {
  find: (token: string) => Promise<Data | undefined> | Data | undefined
  create: (data: Data) => Promise<string> | string
  /** `undefined`: the client's token stays. */
  update: (token: string, data: Data) => Promise<string | undefined> | string | undefined
  rotate: (token: string, data: Data) => Promise<string> | string
}

const NAME = '__Host-floor'

function tokenOf(header: string | null): string | undefined {
  const at = header === null ? -1 : header.indexOf(`${NAME}=`)
  if (header === null || at < 0) return undefined
  const from = at + NAME.length + 1
  const end = header.indexOf(';', from)
  return end < 0 ? header.slice(from) : header.slice(from, end)
}

function reply(text: string, token?: string): Response {
  if (token === undefined) return new Response(text)
  return new Response(text, {
    headers: { 'set-cookie': `${NAME}=${token}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=86400` },
  })
}

export function byHand(keeping: Keeping, payload: number): Fetch {
  const app = new Hono()
  app.get('/none', () => reply('ok'))
  app.get('/seed', async () => reply('seeded', await keeping.create(seedData(payload))))
  app.get('/read', async (c) => {
    const token = tokenOf(c.req.raw.headers.get('cookie'))
    return reply(answer(token === undefined ? undefined : await keeping.find(token)))
  })
  app.get('/write', async (c) => {
    const token = tokenOf(c.req.raw.headers.get('cookie')) ?? ''
    const data = await keeping.find(token)
    if (!data) return reply('lost')
    data.n += 1
    return reply(answer(data), await keeping.update(token, data))
  })
  app.get('/login', async (c) => {
    const token = tokenOf(c.req.raw.headers.get('cookie'))
    const found = token === undefined ? undefined : await keeping.find(token)
    const data = found ? { ...found, n: found.n + 1, user: 'u_42' } : { ...seedData(payload), user: 'u_42' }
    const next = token !== undefined && found ? await keeping.rotate(token, data) : await keeping.create(data)
    return reply(`${answer(data)}:${data.user}`, next)
  })
  return app.fetch
}
