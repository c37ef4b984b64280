/** Concurrent rotations: requests that find the token old all at once, on two instances. */
import { SessionManager } from 'latchkey'
import { testClock } from 'latchkey/testing'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { STRONG, withStores, type Backend } from '../places.ts'

const GOAL = 10_000
const AT_ONCE = 4

export const rotationsFigure: Figure = {
  name: 'concurrent rotations, 4 requests each',
  goal: 'exactly 1 live token each',
  shares: 2,
  places: STRONG.map((backend) => ({ where: backend.name, run: (budget) => rotate(backend, budget) })),
}

function rotate(backend: Backend, budget: Budget): Promise<Omit<Finding, 'where'>> {
  return withStores(backend, async (stores) => {
    const now = testClock()
    const sides = stores.map((store): Sessions => new SessionManager({ store, now, rotateEvery: '1h', grace: '30s' }))
    let rounds = 0
    let wrong = 0
    while (rounds < GOAL && budget.left()) {
      rounds++
      const old = await (sides[0] as Sessions).createSession({}, { subject: 'u_1' })
      now.advance(3_600_000)
      const clients = Array.from({ length: AT_ONCE }, () => new Client(old))
      const served = await Promise.all(
        clients.map((client, index) =>
          client.visit(sides[index % 2] as Sessions, async (session) => {
            for (let step = budget.random.below(4); step > 0; step--) await Promise.resolve()
            return session.subject
          }),
        ),
      )
      const tokens = new Set(clients.map(({ token }) => token))
      const [next] = [...tokens]
      const one = served.every((subject) => subject === 'u_1') && tokens.size === 1 && next !== old
      // Its first use starts the grace; after that the old one opens nothing, and its use ends the session.
      const used = await new Client(next).visit(sides[1] as Sessions, (session) => session.subject)
      now.advance(30_000)
      const alive = (await sides[0]?.findSession(String(next))) !== undefined
      const dead = (await sides[0]?.findSession(old)) === undefined
      const ended = (await sides[1]?.findSession(String(next))) === undefined
      if (!(one && used === 'u_1' && alive && dead && ended)) wrong++
    }
    return { rounds, of: GOAL, measured: `${rounds - wrong} with exactly 1`, held: wrong === 0 }
  })
}
