/** `iron-session` under Hono, with its jar for web-standard requests. */
import { Hono } from 'hono'
import { getIronSession, webCookies, type IronSession } from 'iron-session'
import { answer, SECRET, seedData, type Contestant, type Data } from '../contestant.ts'

const OPTIONS = { password: SECRET, cookieName: 'iron', chunk: true }

async function using(request: Request, use: (one: IronSession<Data>) => string, save: boolean): Promise<Response> {
  const headers = new Headers()
  const one = await getIronSession<Data>(webCookies(request, headers), OPTIONS)
  const text = use(one)
  if (save) await one.save()
  return new Response(text, { headers })
}

export const ironSession: Contestant = {
  name: 'iron-session',
  role: 'peer',
  kind: 'sealed',
  open: (payload) => ({
    app: () => {
      const app = new Hono()
      app.get('/none', (c) => c.text('ok'))
      app.get('/read', (c) => using(c.req.raw, (one) => answer(one), false))
      app.get('/seed', (c) => using(c.req.raw, (one) => answer(Object.assign(one, seedData(payload))), true))
      app.get('/write', (c) => using(c.req.raw, (one) => answer(Object.assign(one, { n: (one.n ?? 0) + 1 })), true))
      app.get('/login', (c) =>
        using(
          c.req.raw,
          (one) => {
            Object.assign(one, one.n === undefined ? seedData(payload) : { n: one.n + 1 }, { user: 'u_42' })
            return `${answer(one)}:${one.user}`
          },
          true,
        ),
      )
      return app.fetch
    },
  }),
}
