/** Minutes of load on one process: the heap stays flat, and no listener or timer is left. Needs `--expose-gc`. */
import { SessionManager, type Store } from 'latchkey'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { LIBSQL, MEMORY, SEALED, withStores, type Backend } from '../places.ts'

const GOAL_SECONDS = 600
const CLIENTS = 100
/** The share of the time after which the heap counts: until then code is compiled and pools are filled. */
const WARM = 0.3

export const loadFigure: Figure = {
  name: 'ten minutes of load, in seconds',
  goal: 'heap flat within 5 %, no listener or timer left',
  shares: 4,
  places: [MEMORY, LIBSQL, SEALED].map((backend) => ({ where: backend.name, run: (budget) => load(backend, budget) })),
}

async function load(backend: Backend, budget: Budget): Promise<Omit<Finding, 'where'>> {
  const before = resources()
  const { heaps, seconds } = await withStores(backend, ([store]) => visits(store as Store, budget))
  // What was closed, here or by the figure before, has its last turns of the event loop before it is gone; a leak stays.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  for (let turn = 0; turn < 200 && resources() > before; turn++) await new Promise((go) => setTimeout(go, 25))
  const left = resources() - before
  const [first = 0, last = 0] = [median(heaps.slice(0, 3)), median(heaps.slice(-3))]
  const growth = Math.max(0, (last - first) / first)
  const percent = (100 * growth).toFixed(1)
  return {
    rounds: Math.round(seconds),
    of: GOAL_SECONDS,
    measured: `heap +${percent} %, ${Math.max(0, left)} left`,
    held: growth <= 0.05 && left <= 0,
  }
}

async function visits(
  store: Store,
  { random, left, milliseconds }: Budget,
): Promise<{ heaps: number[]; seconds: number }> {
  const sessions: Sessions = new SessionManager({ store, on: { updated: () => {} } })
  const clients = Array.from({ length: CLIENTS }, () => new Client())
  const start = performance.now()
  const heaps: number[] = []
  let nextSample = milliseconds * WARM
  while (left()) {
    await Promise.all(Array.from({ length: 16 }, () => visit(sessions, random.pick(clients), random.below(10))))
    const passed = performance.now() - start
    if (passed < nextSample) continue
    nextSample = passed + milliseconds / 20
    globalThis.gc?.()
    heaps.push(process.memoryUsage().heapUsed)
  }
  return { heaps, seconds: (performance.now() - start) / 1000 }
}

/** One in ten signs in, one in ten out; the others read and write. Requests of one client overlap. */
async function visit(sessions: Sessions, client: Client, what: number): Promise<void> {
  await client.visit(sessions, (session) => {
    if (what === 0) session.subject = 'u_1'
    else if (what === 1) session.destroy()
    else if (what < 5) session.data.n = what
    else void session.data.n
  })
}

function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'TTYWrap').length
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
