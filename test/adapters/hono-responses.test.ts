/** Which response of a Hono app carries what a session says to caches: the one that the context made, or a copy. */
import { Hono, type Context } from 'hono'
import { SessionManager } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'
import { beforeEach, describe, expect, it } from 'vitest'

const sessions = new SessionManager<{ n?: number }>()
type Env = SessionEnv<typeof sessions>

/** A visit of somebody who has a session, which the handler reads. */
async function visit(handler: (c: Context<Env>) => Response | Promise<Response>): Promise<Response> {
  const app = new Hono<Env>()
  app.use(session(sessions))
  app.get('/', (c) => {
    expect(c.var.session.data.n).toBe(1)
    return handler(c)
  })
  const token = await sessions.createSession({ n: 1 })
  return app.request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
}

const SAID = [
  ['cache-control', 'private, no-cache'],
  ['vary', 'Cookie'],
]
const saidBy = ({ headers }: Response): unknown[] =>
  [...headers].filter(([name]) => name === 'cache-control' || name === 'vary')

let made: Response | undefined
beforeEach(() => {
  made = undefined
})

describe('P16 P19: what was read of a session', () => {
  it.each<[string, (c: Context<Env>) => Response | Promise<Response>]>([
    ['c.text', (c) => c.text('ok')],
    ['c.json', (c) => c.json({ ok: true })],
    ['c.html', (c) => c.html('<p>ok</p>')],
    ['c.html of a promise', (c) => c.html(Promise.resolve('<p>ok</p>'))],
    ['c.body', (c) => c.body('ok')],
    ['c.body of nothing', (c) => c.body(null, 204)],
    ['c.newResponse', (c) => c.newResponse('ok')],
    ['c.redirect', (c) => c.redirect('/')],
    ['c.notFound', (c) => c.notFound()],
  ])('is said on what %s makes', async (_name, make) => {
    expect(saidBy(await visit(make))).toEqual(SAID)
  })

  it('leaves a response as it is that says it already', async () => {
    const headers = { Vary: 'Accept, Cookie', 'Cache-Control': 'private, max-age=60' }
    const answer = await visit((c) => (made = c.body(null, 404, headers)))
    expect(answer).toBe(made)
    expect(saidBy(answer)).toEqual([
      ['cache-control', 'private, max-age=60'],
      ['vary', 'Accept, Cookie'],
    ])
  })

  it('is said on a copy of another that the handler answers with, whatever the context made before', async () => {
    const shared = new Response(null)
    const answer = await visit((c) => {
      made = c.text('not this')
      return shared
    })
    expect(saidBy(answer)).toEqual(SAID)
    expect([saidBy(shared), saidBy(made as Response)]).toEqual([[], []])
  })

  it('goes with the cookie on a copy: what the context made may be kept by the app, and never holds a token', async () => {
    const answer = await visit((c) => {
      c.var.session.data.n = 2
      c.var.session.regenerate()
      return (made = c.text('ok'))
    })
    expect(answer.headers.getSetCookie()).toHaveLength(1)
    expect([saidBy(made as Response), made?.headers.getSetCookie()]).toEqual([[], []])
  })
})
