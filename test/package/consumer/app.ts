/**
 * A user's first app, as the package test copies it into an empty project: it is type-checked there, then run under
 * every Node, and prints what three requests of one browser were answered.
 */
import { Hono } from 'hono'
import { SessionManager } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'

const sessions = new SessionManager<{ visits: number }>({ initial: () => ({ visits: 0 }) })
const app = new Hono<SessionEnv<typeof sessions>>()
app.use(session(sessions))
app.get('/', (c) => c.json(c.var.session.data.visits))
app.post('/', (c) => {
  c.var.session.data.visits += 1
  return c.json(c.var.session.data.visits)
})

const first = await app.request('/', { method: 'POST' })
const setCookie = first.headers.getSetCookie()
const headers = { cookie: setCookie[0]?.split(';', 1)[0] ?? '' }
const second = await app.request('/', { method: 'POST', headers })
const third = await app.request('/', { headers })
console.log(JSON.stringify({ visits: [await first.json(), await second.json(), await third.json()], setCookie }))
