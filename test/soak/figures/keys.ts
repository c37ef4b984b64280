/** Key rotation under load: three generations of secrets, two instances of which one is always a step ahead. */
import { SessionManager, type Store } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'

const GOAL = 10_000
const CLIENTS = 50
const [ONE, TWO, THREE] = ['first', 'second', 'third'].map((word) => `the ${word} secret, longer than 32 bytes`) as [
  string,
  string,
  string,
]

/** Each step is deployed instance by instance: a new key is known everywhere before anybody uses it. */
const STEPS: string[][] = [[ONE], [ONE, TWO], [TWO, ONE], [TWO], [TWO, THREE], [THREE, TWO], [THREE]]
/** After these, what was made under the keys before is sent once more, and must open nothing. */
const REMOVALS = new Set([3, 6])

export const keysFigure: Figure = {
  name: 'key rotation under load, 3 generations',
  goal: '0 logouts in the overlap, 0 accepted after removal',
  shares: 1,
  places: [
    { where: 'sealed cookie', run: (budget) => rotate((secret) => ({ store: new CookieStore({ secret }) }), budget) },
    {
      where: 'signed tokens',
      run: (budget) => {
        const store: Store = new MemoryStore()
        return rotate((secret) => ({ store, secret }), budget)
      },
    },
  ],
}

async function rotate(
  options: (secret: string[]) => { store: Store; secret?: string[] },
  budget: Budget,
): Promise<Omit<Finding, 'where'>> {
  const open = (step: number): Sessions => new SessionManager(options(STEPS[step] as string[]))
  const tally = { rounds: 0, logouts: 0, accepted: 0 }
  let instances = [open(0), open(0)]
  const clients = Array.from({ length: CLIENTS }, () => new Client())
  for (const client of clients)
    await client.visit(instances[0] as Sessions, (session) => void (session.subject = 'u_1'))

  const load = async (visits: number): Promise<void> => {
    for (let visit = 0; visit < visits; visit++) {
      const client = clients[visit % CLIENTS] as Client
      tally.rounds++
      const subject = await client.visit(budget.random.pick(instances), (session) => {
        session.data.n = visit
        // A signed token is signed anew when it is replaced.
        if (budget.random.below(5) === 0) session.regenerate()
        return session.subject
      })
      if (subject !== 'u_1') tally.logouts++
    }
  }
  const each = Math.floor(GOAL / (2 * STEPS.length))
  for (let step = 0; step < STEPS.length; step++) {
    if (REMOVALS.has(step)) {
      // By now every token was made under the first key: the recipe waits for that before it takes the old one away.
      for (const client of clients) await client.visit(instances[1] as Sessions, (session) => session.regenerate())
    }
    instances = [open(step), instances[1] as Sessions]
    if (budget.left() || step > 0) await load(each)
    instances = [instances[0] as Sessions, open(step)]
    await load(each)
    if (!REMOVALS.has(step)) continue
    const removed = await tokensUnder(options([STEPS[step - 1]?.[1] as string]))
    for (const token of removed) {
      if (await instances[0]?.findSession(token)) tally.accepted++
    }
  }
  const { rounds, logouts, accepted } = tally
  return {
    rounds,
    of: GOAL,
    measured: `${logouts} logouts, ${accepted} accepted after removal`,
    held: logouts + accepted === 0,
  }
}

/** Tokens made under a key that was removed. */
async function tokensUnder(options: { store: Store; secret?: string[] }): Promise<string[]> {
  const sessions: Sessions = new SessionManager(options)
  return Promise.all(Array.from({ length: CLIENTS }, () => sessions.createSession({}, { subject: 'u_1' })))
}
