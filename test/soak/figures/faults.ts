/**
 * R13, R14, R22: every store call made to fail, to hang, or to take effect and lose its answer, over every flow. The answer
 * is the old state, the new state or an error, and never a mix; nobody is signed in by it, and no cookie is replaced.
 */
import { Hono } from 'hono'
import { SessionManager, type Store } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { faulty, type FaultyStore, type StoreMethod } from 'latchkey/testing'
import { Client, type Sessions, type Visit } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { KV, STRONG, withStores, type Backend } from '../places.ts'

const METHODS: StoreMethod[] = ['load', 'create', 'update', 'touch', 'destroy', 'get']
const KINDS = ['fails', 'hangs', 'is reset'] as const

const FLOWS: Record<string, (session: Visit, round: number) => unknown> = {
  read: (visit) => visit.data.n,
  write: (visit, round) => Object.assign(visit.data, { a: String(round), b: String(round) }),
  'sign in': (visit, round) => {
    Object.assign(visit.data, { a: String(round), b: String(round) })
    visit.subject = 'u_2'
  },
  regenerate: (visit) => visit.regenerate(),
  'sign out': (visit) => visit.regenerate({ keepData: false }),
  destroy: (visit) => visit.destroy(),
  save: async (visit, round) => {
    Object.assign(visit.data, { a: String(round), b: String(round) })
    await visit.save()
  },
  csrf: (visit) => visit.csrfToken(),
}

/** As many as there are combinations of flow, call, kind and adapter. */
const GOAL = Object.keys(FLOWS).length * METHODS.length * KINDS.length * 2

export const faultsFigure: Figure = {
  name: 'each store call made to fail, hang or be reset, over every flow and adapter',
  goal: 'old state, new state or error; 0 authenticated, 0 cookies replaced',
  shares: 2,
  places: [...STRONG, KV].map((backend) => ({ where: backend.name, run: (budget) => break_(backend, budget) })),
}

async function break_(backend: Backend, budget: Budget): Promise<Omit<Finding, 'where'>> {
  return withStores(backend, async ([store]) => {
    const door = faulty(store as Store)
    const sessions: Sessions = new SessionManager({ store: door, storeTimeout: 50, touchEvery: 1 })
    // Sets the scene, and looks at what is left of it, however busy the machine is.
    const patient: Sessions = new SessionManager({ store: store as Store })
    let running: (visit: Visit) => unknown = () => undefined
    const servers = serversOver(sessions, (visit) => running(visit))
    const tally = { rounds: 0, mixed: 0, authenticated: 0, replaced: 0 }
    for (const serve of servers) {
      for (const [name, flow] of Object.entries(FLOWS)) {
        for (const method of METHODS) {
          for (const kind of KINDS) {
            if (!budget.left() && tally.rounds >= GOAL / 4) continue
            running = (visit) => flow(visit, tally.rounds)
            await oneRound(patient, door, serve, method, kind, name, tally)
          }
        }
      }
    }
    const { rounds, mixed, authenticated, replaced } = tally
    const measured = `${mixed} mixed, ${authenticated} authenticated, ${replaced} cookies replaced`
    return { rounds, of: GOAL, measured, held: mixed + authenticated + replaced === 0 }
  })
}

type Serve = (request: Request) => Promise<Response>

function serversOver(sessions: Sessions, handler: (visit: Visit) => unknown): Serve[] {
  const app = new Hono<SessionEnv<typeof sessions>>()
  app.use(session(sessions))
  app.all('*', async (c) => {
    await handler(c.var.session)
    return c.json({ subject: c.var.session.subject ?? null })
  })
  app.onError((error, c) => ('getResponse' in error ? (error.getResponse as () => Response)() : c.text('', 500)))
  const raw = withSession(sessions, async (_request, visit) => {
    await handler(visit)
    return Response.json({ subject: visit.subject ?? null })
  })
  return [async (request) => app.fetch(request), async (request) => raw(request)]
}

async function oneRound(
  sessions: Sessions,
  door: FaultyStore,
  serve: Serve,
  method: StoreMethod,
  kind: (typeof KINDS)[number],
  flow: string,
  tally: { rounds: number; mixed: number; authenticated: number; replaced: number },
): Promise<void> {
  tally.rounds++
  const client = new Client(await sessions.createSession({ n: 1, a: 'old', b: 'old' }, { subject: 'u_1' }))
  const release = kind === 'hangs' ? door.stall(method) : door.fail(method, { after: kind === 'is reset' })
  const response = await serve(client.request())
  // A stranger, with a token that opens nothing, at the same moment.
  const stranger = await serve(new Client(`${'x'.repeat(22)}.${'y'.repeat(43)}`).request())
  release()
  door.heal()
  const body = response.ok ? ((await response.json()) as { subject: string | null }) : undefined
  const signsIn = flow === 'sign in'
  if (body && body.subject !== null && body.subject !== (signsIn ? 'u_2' : 'u_1')) tally.authenticated++
  if (stranger.ok && ((await stranger.json()) as { subject: unknown }).subject === 'u_1') tally.authenticated++
  if (!response.ok && response.status !== 503) tally.mixed++

  const held = client.token
  client.keep(response)
  if (client.token !== undefined && client.token !== held && !(await sessions.findSession(client.token)))
    tally.replaced++
  if (!response.ok && client.token !== held && !(await sessions.findSession(String(client.token)))) tally.replaced++
  const found = await sessions.findSession(String(client.token))
  if (found && found.data.a !== found.data.b) tally.mixed++
}
