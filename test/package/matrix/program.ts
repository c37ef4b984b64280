/**
 * What is measured in every runtime with the library installed: the conformance kit on each store, and the request cases
 * through each adapter over it. One report a line, as the kit without a test runner prints them.
 */
import { CookieStore } from '../../../src/stores/cookie.ts'
import { MemoryStore } from '../../../src/stores/memory.ts'
import { measure, subject, type Making, type Report, type Subject, type Task } from '../../runtimes/conformance.ts'
import { adapters, flowCases } from '../flows/index.ts'

/** A report of the kit, or of the request cases through an adapter. */
export interface MatrixReport extends Report {
  suite: string
  /** The row: a store, whatever it runs on there. */
  row: string
}

export const KIT = 'conformance kit'

/** Row by row, on what a store is measured: the first of these that the runtime has. */
const ROWS: readonly [row: string, on: readonly string[]][] = [
  ['MemoryStore', ['MemoryStore']],
  [
    'SqliteStore',
    ['SqliteStore, better-sqlite3', 'SqliteStore, bun:sqlite', 'SqliteStore, D1', 'SqliteStore, libSQL in memory'],
  ],
  ['LibsqlStore', ['LibsqlStore on a file', 'LibsqlStore over HTTP']],
  ['CloudflareKVStore', ['CloudflareKVStore']],
  ['CookieStore', ['CookieStore']],
  ['CookieStore with revocations', ['CookieStore with revocations']],
  ['CookieCache over MemoryStore', ['CookieCache over MemoryStore']],
  ['EncryptedStore over MemoryStore', ['EncryptedStore over MemoryStore']],
  ['a store of three methods', ['three methods over a Map']],
]

/** Sealed cookies, and a store that remembers what ended. The kit's own cases are on rows, of which it keeps none either. */
const revocable: Subject = subject('CookieStore with revocations', ({ guard }: Making = {}) => {
  const memory = new MemoryStore()
  return new CookieStore({
    secret: 'a secret for tests, of more than 32 bytes',
    revocations: guard?.(memory) ?? memory,
  })
})

export async function* reports(
  runtime: string,
  subjects: readonly Subject[],
  { upstream = '' }: Task,
): AsyncGenerator<MatrixReport, void, undefined> {
  for (const [row, on] of ROWS) {
    const found = on.flatMap((name) => [...subjects, revocable].filter(({ store }) => store === name))[0]
    if (!found) continue
    for await (const report of measure(runtime, [found])) yield { suite: KIT, row, ...report }
    for (const adapter of adapters) {
      const flows = { store: found.store, cases: () => flowCases({ subject: found, adapter, upstream }) }
      for await (const report of measure(runtime, [flows])) yield { suite: adapter.name, row, ...report }
    }
  }
}

/** For the runtimes that are programs: the task is the first argument. */
export async function print(runtime: string, stores: (task: Task) => Subject[]): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '') as Task
  for await (const report of reports(runtime, stores(task), task)) console.log(JSON.stringify(report))
}
