/**
 * What latchkey is to reach, each as a ratio inside of one run, with one call in flight and 1 kB of data. For libSQL, that is
 * in store-calls.ts and sweep.ts, which measure what the store adds to its database.
 */
import type { Table } from './harness.ts'
import { digits, ratio, tableOf } from './table.ts'
import type { Runtime } from './runtimes/run.ts'

interface Target {
  scenario: string
  kind: string
  of: string
  to: string
  /** At most; by runtime, where they differ. A runtime that is not named has no target. */
  most: number | Partial<Record<Runtime, number>>
}

const NOOP = 'Hono, no-op middleware'
const JOSE = 'jose compact, imported key'
const HONO_SESSION = '@hono/session'
const MAP = 'a Map and a hash'
const [MEMORY, SEALED] = ['latchkey, memory', 'latchkey, sealed']
const WARM = { node: 1.6, deno: 1.6, bun: 2.5, workerd: 2.2 }

const TARGETS: readonly Target[] = [
  { scenario: 'anonymous', kind: 'memory', of: MEMORY, to: NOOP, most: 1.1 },
  { scenario: 'anonymous', kind: 'sealed', of: SEALED, to: NOOP, most: 1.1 },
  { scenario: 'read, warm', kind: 'memory', of: MEMORY, to: NOOP, most: 1.5 },
  { scenario: 'read, warm', kind: 'memory', of: MEMORY, to: 'hono-sessions, plain id', most: 1 / 4 },
  { scenario: 'read, cold', kind: 'sealed', of: SEALED, to: JOSE, most: 1.15 },
  { scenario: 'read, warm', kind: 'sealed', of: 'latchkey, sealed, raw fetch', to: 'bare handler', most: WARM },
  { scenario: 'read, warm', kind: 'sealed', of: SEALED, to: HONO_SESSION, most: { node: 1 / 15 } },
  { scenario: 'write', kind: 'sealed', of: SEALED, to: JOSE, most: 1.15 },
  { scenario: 'write', kind: 'sealed', of: SEALED, to: HONO_SESSION, most: 0.8 },
  { scenario: 'sign-in', kind: 'memory', of: MEMORY, to: MAP, most: 1.3 },
  { scenario: 'sign-in, from a session', kind: 'memory', of: MEMORY, to: MAP, most: 1.3 },
  { scenario: 'sign-in', kind: 'sealed', of: SEALED, to: JOSE, most: 1.15 },
  { scenario: 'garbage', kind: 'memory', of: 'latchkey, memory, raw fetch', to: 'bare handler', most: 1.15 },
  { scenario: 'garbage', kind: 'sealed', of: 'latchkey, sealed, raw fetch', to: 'bare handler', most: 1.15 },
  { scenario: 'tampered', kind: 'sealed', of: SEALED, to: JOSE, most: 1.15 },
]

/** A row for each target: the ratio in each runtime, in bold where it is missed. */
export function targetsTable(tables: ReadonlyMap<Runtime, readonly Table[]>): string {
  const runtimes = [...tables.keys()]
  const rows = TARGETS.map(({ scenario, kind, of, to, most }) => [
    `${scenario}: ${of} to ${to}`,
    typeof most === 'number' ? `≤ ${digits(most)}` : `≤ ${[...new Set(Object.values(most).map(digits))].join(', ')}`,
    ...runtimes.map((runtime) => {
      const table = tables
        .get(runtime)
        ?.find((one) => one.scenario === scenario && one.kind === kind && one.payload === 1000)
      const found = table ? ratio(table, of, to) : NaN
      const limit = typeof most === 'number' ? most : (most[runtime] ?? Infinity)
      return found > limit ? `**${digits(found)}**` : digits(found)
    }),
  ])
  return tableOf(['ratio', 'at most', ...runtimes], rows)
}
