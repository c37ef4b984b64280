/**
 * R16: a clock that is stepped by up to five minutes, back and forward, under load. The stated skew: a session may be
 * taken for alive for as long as the clock is behind when it is read, and was ahead when it was extended; ten minutes.
 */
import { SessionManager, type Store } from 'latchkey'
import type { Sessions } from '../client.ts'
import { Client } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { KV, SEALED, STRONG, withStores, type Backend } from '../places.ts'

const GOAL = 10_000
const MINUTE = 60_000
const STEP = 5 * MINUTE
const TTL = 30 * MINUTE
const CLIENTS = 20

export const clockFigure: Figure = {
  name: 'clock stepped ±5 min during load',
  goal: '0 expired accepted beyond 10 min of skew',
  shares: 1,
  places: [...STRONG, KV, SEALED].map((backend) => ({ where: backend.name, run: (budget) => step(backend, budget) })),
}

async function step(backend: Backend, budget: Budget): Promise<Omit<Finding, 'where'>> {
  return withStores(backend, async ([store]) => {
    const { random } = budget
    let time = Date.UTC(2030, 0, 1)
    let skew = 0
    const sessions: Sessions = new SessionManager({
      store: store as Store,
      now: () => time + skew,
      ttl: TTL,
      touchEvery: MINUTE,
    })
    /** When each client's session was last extended, by the true clock. */
    const clients = Array.from({ length: CLIENTS }, () => ({ client: new Client(), extended: -Infinity }))
    let rounds = 0
    let beyond = 0
    let expired = 0
    while (rounds < GOAL && budget.left()) {
      rounds++
      time += random.below(4 * MINUTE)
      if (random.below(3) === 0) skew = random.below(2 * STEP + 1) - STEP
      const one = random.pick(clients)
      const idle = time - one.extended
      const known = await one.client.visit(sessions, (session) => {
        const alive = !session.isNew
        session.data.n = rounds
        return alive
      })
      if (known && idle >= TTL + 2 * STEP) beyond++
      if (!known) expired++
      one.extended = time
    }
    return {
      rounds,
      of: GOAL,
      measured: `${beyond} accepted beyond it, ${expired} expired`,
      held: beyond === 0 && expired > 0,
    }
  })
}
