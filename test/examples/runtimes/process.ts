/** An example as its own process, with its own command: started, found where it says it listens, and ended for certain. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { onTestFinished } from 'vitest'

export const root: string = join(import.meta.dirname, '../../..')
const bin = join(root, 'node_modules/.bin')

export interface Ended {
  code: number | null
  output: string
}

export interface Running {
  /** Where it listens. */
  origin: string
  /** Asks it to end, as Ctrl-C does. */
  stop: () => Promise<Ended>
}

/** Runs a program of node_modules/.bin until the test is over. Its environment is `env`, and what any program needs. */
export async function start(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Running> {
  const { ended, listening, signal } = launch(program, args, options)
  const origin = await Promise.race([listening, ended.then(({ output }) => Promise.reject(new Error(output)))])
  const stop = (): Promise<Ended> => {
    signal('SIGINT')
    return ended
  }
  return { origin, stop }
}

/** The same for a program that is expected not to start: what it said. */
export async function fails(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env: Record<string, string> },
): Promise<Ended> {
  return launch(program, args, options).ended
}

function launch(
  program: string,
  args: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> },
): { ended: Promise<Ended>; listening: Promise<string>; signal: (name: NodeJS.Signals) => void } {
  const node = join(root, 'node_modules/node/bin')
  const child = spawn(join(bin, program), args, {
    cwd,
    env: { PATH: [bin, node, process.env['PATH']].join(delimiter), HOME: process.env['HOME'], NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a group of its own, so that what it starts ends with it.
    detached: true,
  })
  let output = ''
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
  const listening = new Promise<string>((resolve) => {
    const read = (text: unknown): void => {
      output += String(text)
      const url = /(?:open|Ready|Listening) on (http:\/\/(?:localhost|127\.0\.0\.1):\d+)/.exec(output)?.[1]
      if (url) resolve(url)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
  })
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid as number), name)
    } catch {
      // It has ended already.
    }
  }
  onTestFinished(async () => {
    signal('SIGKILL')
    await ended
  })
  return { ended, listening, signal }
}

/** The words of a script in package.json. */
export function script(name: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  return manifest.scripts[name] ?? ''
}
