/** R15: requests over HTTP that are aborted halfway, among others that are not. Each client has an account of its own. */
import { serve, type ServerType } from '@hono/node-server'
import { once } from 'node:events'
import { request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { SessionManager, StoreUnavailableError, type Store } from 'latchkey'
import { session, type SessionEnv } from 'latchkey/hono'
import type { Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { KV, LIBSQL, MEMORY, SEALED, withStores, type Backend } from '../places.ts'

const GOAL = 100_000
const CLIENTS = 32
const OUTAGE = 'outage'

export const abortsFigure: Figure = {
  name: 'aborted requests under load',
  goal: '0 foreign sessions',
  shares: 2,
  places: [MEMORY, LIBSQL, KV, SEALED].map((backend) => ({
    where: backend.name,
    run: (budget) => abort(backend, budget),
  })),
}

async function abort(backend: Backend, budget: Budget): Promise<Omit<Finding, 'where'>> {
  return withStores(backend, async ([store]) => {
    const { server, sessions } = await start(store as Store)
    const { port } = server.address() as AddressInfo
    const tally = { aborted: 0, foreign: 0, answered: 0, outages: 0 }
    const client = async (number: number): Promise<void> => {
      const subject = `u_${number}`
      let cookie = `session=${await sessions.createSession({ n: 0 }, { subject })}`
      while (tally.aborted < GOAL && budget.left()) {
        const answer = await visit(port, cookie, budget.random.below(2) === 0 ? undefined : budget.random.below(3))
        if (!answer) {
          tally.aborted++
          continue
        }
        // The local KV of miniflare is asked over HTTP, and its connections break now and then: an outage, and said to be one.
        if (answer.body === OUTAGE) {
          tally.outages++
          continue
        }
        tally.answered++
        if (answer.cookie) cookie = answer.cookie
        if (answer.body !== subject) tally.foreign++
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    server.close()
    await once(server, 'close')
    const { aborted, foreign, answered, outages } = tally
    return {
      rounds: aborted,
      of: GOAL,
      measured: `${foreign} foreign of ${answered} answered beside them${outages > 0 ? `, ${outages} told of an outage` : ''}`,
      held: foreign === 0 && answered > 0,
    }
  })
}

async function start(store: Store): Promise<{ server: ServerType; sessions: Sessions }> {
  const sessions: Sessions = new SessionManager({ store })
  const app = new Hono<SessionEnv<typeof sessions>>()
  app.use(session(sessions))
  app.get('/', (c) => {
    c.var.session.update((data) => void (data.n = (data.n ?? 0) + 1))
    return c.text(c.var.session.subject ?? 'nobody')
  })
  app.onError((error, c) => c.text(error instanceof StoreUnavailableError ? OUTAGE : 'error', 503))
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  return { server, sessions }
}

/** One request, its connection torn down after so many turns of the event loop; `undefined` when that came first. */
function visit(
  port: number,
  cookie: string,
  abortAfter: number | undefined,
): Promise<{ body: string; cookie: string | undefined } | undefined> {
  return new Promise((resolve) => {
    const request = send({ port, host: '127.0.0.1', headers: { cookie } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () =>
        resolve({ body, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] ?? undefined }),
      )
    })
    request.on('error', () => resolve(undefined))
    request.end()
    if (abortAfter === undefined) return
    const tick = (left: number): void => void (left > 0 ? setImmediate(tick, left - 1) : request.destroy())
    request.on('socket', (socket) =>
      socket.connecting ? socket.once('connect', () => tick(abortAfter)) : tick(abortAfter),
    )
  })
}
