/** The tables of `memory.ts`, each measurement in a process of its own. */
import { KEEPERS, type HeapRow } from './memory.ts'
import { linesOf } from './runtimes/run.ts'
import { tableOf } from './table.ts'

const YOUNG = ['--min-semi-space-size=256', '--max-semi-space-size=256']

async function resultOf<T>(flags: readonly string[], args: readonly string[]): Promise<T> {
  const node = [process.execPath, '--no-warnings', '--expose-gc', '--max-old-space-size=8192', ...flags]
  let last = 'null'
  for await (const line of linesOf(node, ['memory.ts', ...args])) last = line
  return JSON.parse(last) as T
}

export async function weights(quick: boolean): Promise<string[]> {
  const count = quick ? 5_000 : 1_000_000
  const sessions: string[][] = []
  for (const name of KEEPERS) {
    const bytes = await resultOf<number>([], ['sessions', name, String(count)])
    sessions.push([name, bytes.toFixed(0)])
  }
  const rows = await resultOf<HeapRow[]>(YOUNG, ['requests', quick ? 'quick' : 'full'])
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))]
  const names = [...new Set(rows.map(({ contestant }) => contestant))]
  const bytesOf = (name: string, scenario: string): string =>
    rows.find((row) => row.contestant === name && row.scenario === scenario)?.bytes.toFixed(0) ?? ''
  return [
    tableOf([`${count.toLocaleString('en')} sessions of 200 B in memory`, 'bytes each'], sessions),
    tableOf(
      ['bytes allocated by a call, its request and response included', ...scenarios],
      names.map((name) => [name, ...scenarios.map((scenario) => bytesOf(name, scenario))]),
    ),
  ]
}
