/** Runs the suite in a runtime: a process of its own, or a Worker. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import type { Driver } from '../driver.ts'
import { everyone } from '../everyone.ts'
import { FULL, measure, QUICK, type Table } from '../harness.ts'
import { groupsOf } from '../scenarios.ts'
import type { Call } from './workerd.ts'

export const bench: string = join(import.meta.dirname, '..')
const bin = join(bench, '../node_modules/.bin')

export const RUNTIMES = ['node', 'bun', 'deno', 'workerd'] as const
export type Runtime = (typeof RUNTIMES)[number]

export interface Task {
  quick: boolean
  /** Only groups whose `<scenario> <kind>` contains this. */
  only?: string | undefined
  /** For files. */
  directory: string
}

const DENO = ['run', '--quiet', '--no-prompt', '--no-lock', '--node-modules-dir=manual', '--allow-all', '--no-check']
const COMMANDS: Record<Exclude<Runtime, 'workerd'>, [program: string, ...flags: string[]]> = {
  node: [process.execPath, '--no-warnings', '--expose-gc'],
  bun: [join(bin, 'bun'), '--expose-gc'],
  deno: [join(bin, 'deno'), ...DENO, '--v8-flags=--expose-gc'],
}

/** The tables of a runtime, each as soon as it is measured. */
export async function tablesOf(
  runtime: Runtime,
  options: Omit<Task, 'directory'>,
  onTable: (table: Table) => void,
): Promise<void> {
  const directory = temporary()
  try {
    if (runtime === 'workerd') await inWorker(options, onTable)
    else await inProcess(runtime, { ...options, directory }, onTable)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** In memory where the system has such a place, so that a disk's own time, the same for all, does not hide the rest. */
export function temporary(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'latchkey-bench-'))
}

async function inProcess(
  runtime: Exclude<Runtime, 'workerd'>,
  task: Task,
  onTable: (table: Table) => void,
): Promise<void> {
  for await (const line of linesOf(COMMANDS[runtime], ['runtimes/process.ts', JSON.stringify(task)]))
    if (line.startsWith('{')) onTable(JSON.parse(line) as Table)
}

/** What a program prints, line by line; throws when it fails. */
export async function* linesOf(
  [program, ...flags]: readonly string[],
  args: readonly string[],
): AsyncGenerator<string> {
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env['PATH']}`,
    NO_COLOR: '1',
    NODE_ENV: 'production',
  }
  const child = spawn(program as string, [...flags, ...args], { cwd: bench, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((done, fail) => child.once('close', done).once('error', fail))
  yield* createInterface({ input: child.stdout })
  const code = await ended
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}`)
}

/**
 * A Worker's clock stands still between one input and the next, so samples are timed from here: one request makes what a
 * sample needs, another makes its calls in a loop, and the time of a request that does nothing is taken off.
 */
async function inWorker({ quick, only }: Omit<Task, 'directory'>, onTable: (table: Table) => void): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(bench, 'runtimes/workerd.ts')],
    bundle: true,
    splitting: true,
    outdir: '/',
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  })
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: outputFiles
        .toSorted((a, b) => Number(b.path === '/workerd.js') - Number(a.path === '/workerd.js'))
        .map(({ path, contents }) => ({ type: 'ESModule', path, contents })),
      modulesRoot: '/',
      compatibilityDate: '2026-10-01',
      compatibilityFlags: ['nodejs_compat'],
    }),
  )
  try {
    const url = await worker.ready
    const call = async (one: Partial<Call>): Promise<{ left?: string }> => {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify({ quick, ...one }) })
      if (!response.ok) throw new Error(`the Worker answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as { left?: string }
    }
    const timed = async (one: Partial<Call>): Promise<number> => {
      const start = performance.now()
      await call(one)
      return performance.now() - start
    }
    const driver: Driver = {
      open: async (place) => (await call({ method: 'open', place })).left,
      prepare: async (place, calls) => void (await call({ method: 'prepare', place, calls })),
      run: async (place, calls, inFlight) => {
        const nothing = [0, 0, 0]
        for (const index of nothing.keys()) nothing[index] = await timed({ method: 'nothing' })
        return Math.max(0.01, (await timed({ method: 'run', place, calls, inFlight })) - Math.min(...nothing))
      },
      close: async (group) => void (await call({ method: 'close', place: { group, contestant: 0 } })),
    }
    const groups = groupsOf(everyone, quick)
    for (const [index, { scenario, kind }] of groups.entries()) {
      if (only !== undefined && !`${scenario} ${kind}`.includes(only)) continue
      // Longer samples than elsewhere, or the way to the Worker and back would be a part of them.
      const effort = quick ? QUICK : FULL
      onTable(await measure(driver, groups, index, { ...effort, sampleMs: effort.sampleMs * 3 }))
    }
  } finally {
    await worker.dispose()
  }
}

/** Of a package that is installed for the bench, or beside it for the library. */
export function versionOf(name: string): string {
  for (const folder of [bench, join(bench, '..')]) {
    try {
      const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
      return (JSON.parse(manifest) as { version: string }).version
    } catch {
      // Not here.
    }
  }
  throw new Error(`${name} is not installed`)
}
