/** C13: a canary in the token, the data, the flash message and the subject's neighbourhood, looked for in all that can be printed. */
import { inspect } from 'node:util'
import { SessionManager, type Store } from 'latchkey'
import { faulty, type StoreMethod } from 'latchkey/testing'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { KV, SEALED, SECRET, STRONG, withStores, type Backend } from '../places.ts'

const GOAL = 1_000
const METHODS: (StoreMethod | undefined)[] = [undefined, 'load', 'create', 'update', 'touch', 'destroy', 'seal']

export const canaryFigure: Figure = {
  name: 'canary in token and data',
  goal: 'found nowhere in output, errors, events, inspect',
  shares: 1,
  places: [...STRONG, KV, SEALED].map((backend) => ({ where: backend.name, run: (budget) => look(backend, budget) })),
}

async function look(backend: Backend, { random, left }: Budget): Promise<Omit<Finding, 'where'>> {
  return withStores(backend, async ([store]) => {
    const printed: unknown[] = []
    const restore = listen(printed)
    const door = faulty(store as Store)
    const events =
      'created loaded updated touched regenerated destroyed expired rejected conflict merged lost reuse storeError'
    const on = Object.fromEntries(events.split(' ').map((name) => [name, (event: unknown) => printed.push(event)]))
    const sessions: Sessions = new SessionManager({
      store: door,
      on,

      ...(backend === SEALED ? {} : { secret: SECRET }),
    })
    let rounds = 0
    let found = 0
    try {
      while (rounds < GOAL && left()) {
        rounds++
        const canary = `canary${random.below(2 ** 32)}x${rounds}`
        const method = random.pick(METHODS)
        const client = new Client()
        const tokens: string[] = []
        await client.visit(sessions, (session) => void (session.data.a = canary))
        tokens.push(String(client.token))
        // A backend that quotes what it was given. Tokens it was never given.
        const quoted = method && ['create', 'update', 'seal'].includes(method) ? canary : 'nothing'
        if (method) door.fail(method, { error: new Error(`failed with ${quoted}`) })
        for (const change of [0, 1, 2, 3]) {
          try {
            await client.visit(sessions, async (session) => {
              printed.push(session)
              session.data.b = canary
              if (change === 1) session.subject = 'u_1'
              if (change === 2) session.regenerate()
              if (change === 3) session.destroy()
            })
          } catch (error) {
            printed.push(error)
          }
          tokens.push(String(client.token))
        }
        door.heal()
        await sessions.retrieveSession(`${client.token}x`).catch((error: unknown) => printed.push(error))
        printed.push(sessions)
        const text = printed.splice(0).map(everything).join('\n')
        const secrets = [canary, ...tokens.filter((token) => token !== 'undefined').flatMap(partsOf)]
        if (secrets.some((secret) => text.includes(secret))) found++
      }
    } finally {
      restore()
    }
    return { rounds, of: GOAL, measured: `found in ${found}`, held: found === 0 }
  })
}

/** What is secret in a token: all but its id. */
function partsOf(token: string): string[] {
  return token
    .split('.')
    .slice(1)
    .filter((part) => part.length > 20)
}

function everything(value: unknown): string {
  const cause = value instanceof Error ? everything(value.cause) : ''
  const own = value instanceof Error ? `${value.stack} ${JSON.stringify(value, Object.getOwnPropertyNames(value))}` : ''
  return [inspect(value, { depth: 8, showHidden: true }), JSON.stringify(value) ?? '', String(value), own, cause].join(
    '\n',
  )
}

/** Takes down what is written to the console meanwhile. */
function listen(printed: unknown[]): () => void {
  const names = ['log', 'info', 'warn', 'error', 'debug'] as const
  const before = names.map((name) => console[name])
  for (const name of names) console[name] = (...args: unknown[]) => void printed.push(args)
  return () => names.forEach((name, index) => (console[name] = before[index] as typeof console.log))
}
