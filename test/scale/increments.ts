/**
 * R11: processes that each increment one number in one session of one libSQL file, all at once. Nothing may be lost: each
 * acknowledged increment answers with a number of its own, and the last of them is in the file.
 *
 *     npm run increments              8 processes × 10,000
 *     npm run increments -- 4 500     fewer
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SessionConflictError, SessionManager, StoreUnavailableError } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { temporaryDirectory } from './stores.ts'

type Count = { n: number }

/** What one process did. */
interface Report {
  /** The numbers that its increments answered with. */
  numbers: number[]
  /** Compare-and-sets that met somebody else's, each then made again on what that one wrote. */
  conflicts: number
  /** Calls that gave up, surely without having written, and were made again. */
  refused: number
  /** The longest that one increment took, in milliseconds. */
  longest: number
}

export interface Outcome extends Omit<Report, 'numbers'> {
  acknowledged: number
  /** How many different numbers were answered. */
  distinct: number
  /** What the file says in the end. */
  stored: number
  milliseconds: number
}

/** Starts the processes, waits for them, and reads the file. */
export async function increments(processes: number, each: number): Promise<Outcome> {
  const { directory, remove } = temporaryDirectory()
  const url = `file:${join(directory, 'sessions.db')}`
  const store = new LibsqlStore({ url })
  try {
    const sessions = managerOver(store)
    const token = await sessions.createSession({ n: 0 })
    const children = await Promise.all(Array.from({ length: processes }, () => started([url, token, String(each)])))
    const start = performance.now()
    const reports = await Promise.all(children.map(reportOf))
    const milliseconds = performance.now() - start
    const numbers = reports.flatMap((report) => report.numbers)
    const sum = (name: 'conflicts' | 'refused'): number => reports.reduce((total, report) => total + report[name], 0)
    return {
      acknowledged: numbers.length,
      distinct: new Set(numbers).size,
      stored: (await sessions.retrieveSession(token)).n,
      milliseconds,
      conflicts: sum('conflicts'),
      refused: sum('refused'),
      longest: Math.max(...reports.map(({ longest }) => longest)),
    }
  } finally {
    store.close()
    remove()
  }
}

function managerOver(store: LibsqlStore, onConflict?: () => void): SessionManager<Count> {
  return new SessionManager<Count>({
    store,
    initial: () => ({ n: 0 }),
    ...(onConflict && { on: { conflict: onConflict } }),
  })
}

/** A process that has loaded everything and opened the file, and waits for the word. */
async function started(args: readonly string[]): Promise<ChildProcess> {
  const fromSource = pathToFileURL(join(import.meta.dirname, '../examples/from-source.ts')).href
  const child = fork(fileURLToPath(import.meta.url), ['process', ...args], {
    execArgv: ['--no-warnings', '--import', fromSource],
  })
  await orExit(child)
  return child
}

async function reportOf(child: ChildProcess): Promise<Report> {
  child.send('go')
  return (await orExit(child)) as Report
}

/** The next message of a process; rejects when it ends without one. */
async function orExit(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a process ended with ${code}`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), exit])) as [unknown]
    return message
  } finally {
    ended.abort()
    exit.catch(() => {})
  }
}

/** One process's part. */
async function increment(url: string, token: string, each: number): Promise<Report> {
  const report: Report = { numbers: [], conflicts: 0, refused: 0, longest: 0 }
  const store = new LibsqlStore({ url })
  const sessions = managerOver(store, () => report.conflicts++)
  await sessions.retrieveSession(token)
  process.send?.('ready')
  await once(process, 'message')
  while (report.numbers.length < each) {
    const start = performance.now()
    try {
      report.numbers.push((await sessions.updateSession(token, ({ n }) => ({ n: n + 1 }))).n)
    } catch (error) {
      if (!(error instanceof SessionConflictError || error instanceof StoreUnavailableError)) throw error
      report.refused++
    }
    report.longest = Math.max(report.longest, performance.now() - start)
  }
  store.close()
  return report
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [first = '8', ...rest] = process.argv.slice(2)
  if (first === 'process') {
    const [url = '', token = '', each = ''] = rest
    process.send?.(await increment(url, token, Number(each)))
    process.disconnect()
  } else {
    const [processes, each] = [Number(first), Number(rest[0] ?? 10_000)]
    const outcome = await increments(processes, each)
    const seconds = outcome.milliseconds / 1000
    console.log(`${processes} processes × ${each} increments of one number in one libSQL file`)
    console.log(`stored ${outcome.stored}, acknowledged ${outcome.acknowledged}, distinct answers ${outcome.distinct}`)
    console.log(`lost ${outcome.acknowledged - outcome.stored}`)
    console.log(`${seconds.toFixed(1)} s, ${Math.round(outcome.stored / seconds)} a second`)
    console.log(
      `${outcome.conflicts} conflicts, ${outcome.refused} refused, the longest took ${Math.round(outcome.longest)} ms`,
    )
    if (outcome.stored !== processes * each || outcome.distinct !== outcome.stored) process.exitCode = 1
  }
}
