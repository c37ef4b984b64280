/** R08, R12: SIGKILL in the middle of writes and of rotations, and what the next process finds in the file. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { temporaryDirectory } from '../../scale/stores.ts'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'

const GOAL = 1_000
/** How many processes are being started while one is killed. */
const AHEAD = 3
export const ROTATION = { rotateEvery: 3_600_000, grace: 30_000 }

export const killsFigures: Figure[] = [
  {
    name: 'SIGKILL during writes',
    goal: '0 corrupt, 0 acknowledged writes lost',
    shares: 3,
    places: [{ where: 'libSQL file', run: killWriters }],
  },
  {
    name: 'SIGKILL during rotation',
    goal: '0 corrupt, 0 locked out, 0 valid twice',
    shares: 3,
    places: [{ where: 'libSQL file', run: killRotators }],
  },
]

async function killWriters(budget: Budget): Promise<Omit<Finding, 'where'>> {
  return inOneFile(budget, 'write', async (round, { url, said, check }) => {
    const acknowledged = Number(said.at(-1) ?? 0)
    await check(new LibsqlStore({ url }), async (sessions) => {
      const { n = 0 } = await sessions.retrieveSession(round.token)
      // The one that was under way when the process died may have been written.
      if (n < acknowledged || n > acknowledged + 1) round.wrong('lost')
    })
  })
}

async function killRotators(budget: Budget): Promise<Omit<Finding, 'where'>> {
  return inOneFile(budget, 'rotate', async (round, { url, said, check }) => {
    const [held = round.token, clock] = (said.at(-1) ?? '').split(' ').filter(Boolean)
    let now = Number(clock ?? round.clock)
    await check(
      new LibsqlStore({ url }),
      async (sessions) => {
        // The browser comes back with the last token it was sent.
        const client = new Client(held)
        const served = await client.visit(sessions, (session) => session.subject)
        if (served !== 'u_1') return round.wrong('locked out')
        const next = client.token as string
        await client.visit(sessions, (session) => session.subject)
        now += ROTATION.grace
        if (next !== held && (await sessions.findSession(held))) round.wrong('valid twice')
        if (next === held && !(await sessions.findSession(held))) round.wrong('locked out')
      },
      () => now,
    )
  })
}

interface Round {
  token: string
  clock: number
  wrong(what: 'lost' | 'corrupt' | 'locked out' | 'valid twice'): void
}

interface Killed {
  url: string
  /** What the process said before it died, apart from `ready`. */
  said: string[]
  /** Opens the file anew, checks it, and closes it. */
  check(store: LibsqlStore, task: (sessions: Sessions) => Promise<void>, now?: () => number): Promise<void>
}

/** Starts processes on one file each, kills them at a random moment, and looks at what they left. */
async function inOneFile(
  budget: Budget,
  task: 'write' | 'rotate',
  look: (round: Round, killed: Killed) => Promise<void>,
): Promise<Omit<Finding, 'where'>> {
  const { directory, remove } = temporaryDirectory()
  const wrong: Record<string, number> = {
    corrupt: 0,
    ...(task === 'write' ? { lost: 0 } : { 'locked out': 0, 'valid twice': 0 }),
  }
  let started = 0
  let rounds = 0
  const clock = Date.UTC(2030, 0, 1)

  const run = async (number: number): Promise<void> => {
    const url = `file:${join(directory, `sessions-${number}.db`)}`
    const store = new LibsqlStore({ url })
    const sessions: Sessions = new SessionManager({ store, ...(task === 'rotate' && { now: () => clock }) })
    const token = await sessions.createSession({ n: 0 }, { subject: 'u_1' })
    store.close()
    const said = await killedHalfway([url, token, task, String(clock)], budget)
    const round: Round = { token, clock, wrong: (what) => void (wrong[what] = (wrong[what] ?? 0) + 1) }
    const check: Killed['check'] = async (again, job, now) => {
      try {
        await job(new SessionManager({ store: again, ...(now && { ...ROTATION, now }) }))
      } catch {
        round.wrong('corrupt')
      } finally {
        again.close()
      }
    }
    await look(round, { url, said, check })
    rounds++
  }
  const worker = async (): Promise<void> => {
    while (started < GOAL && (budget.left() || started < AHEAD)) await run(started++)
  }
  try {
    await Promise.all(Array.from({ length: AHEAD }, worker))
  } finally {
    remove()
  }
  const measured = Object.entries(wrong)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
  return { rounds, of: GOAL, measured, held: Object.values(wrong).every((count) => count === 0) }
}

/** Kills a process a few milliseconds after it has begun; what it had said. */
async function killedHalfway(args: string[], { random }: Budget): Promise<string[]> {
  const fromSource = pathToFileURL(join(import.meta.dirname, '../../examples/from-source.ts')).href
  const script = join(import.meta.dirname, '../killed.ts')
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings', '--import', fromSource, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  for await (const line of lines) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), random.below(60))
    else said.push(line)
  }
  return said
}
