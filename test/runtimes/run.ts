/** Runs an entry of this folder in its runtime: a process of its own, or a Worker, and collects what it reports. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { startHranaServer } from '../support/hrana-server.ts'
import type { Report, Task } from './conformance.ts'

export const root: string = join(import.meta.dirname, '../..')
const bin = join(root, 'node_modules/.bin')
const COMPATIBILITY = '2026-10-01'

/** `node` is the one that runs this, `node24` the one of the development dependencies. */
export type Runtime = 'node' | 'node24' | 'node22' | 'bun' | 'deno' | 'workerd'

/** All that Deno must allow for libSQL: native code, what that code asks for to find itself, and the servers. */
export function denoPermissions({ servers, upstream }: Task): string[] {
  const urls = [...servers.map(({ url }) => url), ...(upstream === undefined ? [] : [upstream])]
  return [
    '--allow-ffi=node_modules/@libsql',
    '--allow-env=LIBSQL_JS_DEV',
    '--allow-sys=cpus,hostname,networkInterfaces',
    ...(urls.length > 0 ? [`--allow-net=${urls.map(hostOf).join(',')}`] : []),
  ]
}

function hostOf(url: string): string {
  return new URL(url.replace(/^libsql:/, 'https:')).host
}

/** Runs a program of `node_modules` to its end; what it printed, or an error that says what went wrong. */
export async function runProgram(program: string, args: readonly string[], cwd: string = root): Promise<string> {
  const nodes: Record<string, string> = {
    node: process.execPath,
    node24: join(root, 'node_modules/node/bin/node'),
    node22: join(root, 'node_modules/node22/bin/node'),
  }
  const file = nodes[program] ?? join(bin, program)
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}`, NO_COLOR: '1' }
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd, env, maxBuffer: 1e8 })
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args[0]} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** Runs the kit on every store of a runtime. */
export async function reportsOf(runtime: Runtime): Promise<Report[]> {
  return withTask(async (task) =>
    parse(await runEntry(runtime, join(root, `test/runtimes/${programOf(runtime)}.ts`), task)),
  )
}

/** The name of its entry. */
export function programOf(runtime: Runtime): string {
  return runtime.startsWith('node') ? 'node' : runtime
}

/** Runs an entry with its task; what it printed, or answered. Its own modules are found from where it lies. */
export async function runEntry(runtime: Runtime, entry: string, task: Task, cwd: string = root): Promise<string> {
  if (runtime === 'workerd') return inWorker(entry, task, textAt)
  const flags = ['--quiet', '--no-prompt', '--no-lock', '--node-modules-dir=manual', ...denoPermissions(task)]
  const run = runtime === 'deno' ? ['run', ...flags] : []
  return runProgram(runtime, [...run, entry, JSON.stringify(task)], cwd)
}

async function textAt(url: URL): Promise<string> {
  return (await fetch(url)).text()
}

function parse(lines: string): Report[] {
  const reports = lines.split('\n').filter((line) => line.startsWith('{'))
  if (reports.length === 0) throw new Error(`Nothing was reported:\n${lines}`)
  return reports.map((line) => JSON.parse(line) as Report)
}

/** A directory and a libSQL server for the time of one run; the server of `LIBSQL_URL` too, where there is one. */
export async function withTask<T>(use: (task: Task) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-kit-'))
  const server = await startHranaServer(join(directory, 'server.db'), { authToken: 'a-token' })
  const servers: Task['servers'] = [{ name: '', url: server.url, authToken: 'a-token' }]
  const { LIBSQL_URL: url, LIBSQL_AUTH_TOKEN: authToken } = process.env
  if (url) servers.push({ name: ' (LIBSQL_URL)', url, ...(authToken && { authToken }) })
  try {
    return await use({ directory, servers })
  } finally {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Why the kit does not run on a server from outside, or `undefined` when it does. */
export function missingServer(): string | undefined {
  return process.env['LIBSQL_URL']
    ? undefined
    : 'no libSQL server from outside: LIBSQL_URL (and LIBSQL_AUTH_TOKEN) are not set'
}

/** Bundles a Worker as wrangler does, and runs it in workerd with a KV namespace, a D1 database and the task. */
export async function inWorker<T>(entry: string, task: Task, use: (url: URL) => Promise<T>): Promise<T> {
  const { outputFiles } = await build({
    entryPoints: [resolve(root, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  })
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: outputFiles[0]?.text ?? '',
      compatibilityDate: COMPATIBILITY,
      kvNamespaces: ['SESSIONS'],
      d1Databases: ['DB'],
      bindings: { TASK: { ...task }, RUNTIME: `workerd ${versionOf('workerd')}` },
    }),
  )
  try {
    return await use(await worker.ready)
  } finally {
    await worker.dispose()
  }
}

/** Of an installed package. */
export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string })
    .version
}
