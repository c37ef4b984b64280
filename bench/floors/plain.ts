/**
 * The floors that keep no session: a handler and nothing else, Hono with a middleware that only calls the next, and one that
 * answers with a copy of the response under two more headers, as whoever marks a response for caches has to.
 */
import { Hono, type MiddlewareHandler } from 'hono'
import type { Contestant } from '../contestant.ts'

export const bare: Contestant = {
  name: 'bare handler',
  role: 'floor',
  kind: 'none',
  open: () => ({ app: () => () => new Response('ok') }),
}

/** Hono answers every path itself, so that its router does for the floor what it does for the others. */
function underHono(name: string, middleware: MiddlewareHandler): Contestant {
  return {
    name,
    role: 'floor',
    kind: 'none',
    open: () => ({
      app: () => {
        const app = new Hono()
        app.use(middleware)
        for (const path of ['/none', '/read', '/write', '/login', '/seed']) app.get(path, (c) => c.text('ok'))
        return app.fetch
      },
    }),
  }
}

export const honoNoop: Contestant = underHono('Hono, no-op middleware', (_c, next) => next())

export const honoCopy: Contestant = underHono('Hono, two headers on a copy', async (c, next) => {
  await next()
  const copy = new Response(c.res.body, c.res)
  copy.headers.append('Vary', 'Cookie')
  copy.headers.set('Cache-Control', 'private, no-cache')
  c.res = undefined
  c.res = copy
})

/** The A/A pair: measured like any other contestant, it shows what of a ratio is noise. */
export const honoNoopAgain: Contestant = { ...honoNoop, name: 'Hono, no-op middleware (again)' }
