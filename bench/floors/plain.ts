/** The floors that keep no session: a handler and nothing else, and Hono with a middleware that only calls the next. */
import { Hono } from 'hono'
import type { Contestant } from '../contestant.ts'

export const bare: Contestant = {
  name: 'bare handler',
  role: 'floor',
  kind: 'none',
  open: () => ({ app: () => () => new Response('ok') }),
}

/** Hono answers every path itself, so that its router does for the floor what it does for the others. */
export const honoNoop: Contestant = {
  name: 'Hono, no-op middleware',
  role: 'floor',
  kind: 'none',
  open: () => ({
    app: () => {
      const app = new Hono()
      app.use((_c, next) => next())
      for (const path of ['/none', '/read', '/write', '/login', '/seed']) app.get(path, (c) => c.text('ok'))
      return app.fetch
    },
  }),
}

/** The A/A pair: measured like any other contestant, it shows what of a ratio is noise. */
export const honoNoopAgain: Contestant = { ...honoNoop, name: 'Hono, no-op middleware (again)' }
