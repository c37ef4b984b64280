/**
 * `npm run bench`: latchkey beside its peers and its floors, in every runtime. Options, after `--`:
 *
 * - `--quick`: a few short samples, to see that everything runs; its figures mean little
 * - `--write`: puts the results into docs/performance.md; with `--parts`, those of these parts
 * - `--runtimes node,bun,deno,workerd` · `--parts times,http,stores,sweeps,memory,sizes`: only these
 * - `--only 'read, cold sealed'`: of the times, only the scenarios whose name and store contain it
 */
import { parseArgs } from 'node:util'
import type { Table } from './harness.ts'
import { overHttp } from './http.ts'
import { circumstances, today, writePage, type Results } from './page.ts'
import { RUNTIMES, tablesOf, type Runtime } from './runtimes/run.ts'
import { sizes } from './size.ts'
import { storeCalls } from './store-calls.ts'
import { sweeps } from './sweep.ts'
import { render } from './table.ts'
import { targetsTable } from './targets.ts'
import { weights } from './weights.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    runtimes: { type: 'string' },
    parts: { type: 'string' },
    only: { type: 'string' },
  },
})
const { quick, write, only } = values
const PARTS = ['times', 'http', 'stores', 'sweeps', 'memory', 'sizes'] as const

/** The names of a list that an option chooses, or all of them. */
function chosen<Name extends string>(option: string | undefined, names: readonly Name[]): readonly Name[] {
  const asked = option?.split(',') ?? names
  const unknown = asked.find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) throw new Error(`\`${unknown}\` is none of ${names.join(', ')}`)
  return names.filter((name) => asked.includes(name))
}

const runtimes = chosen<Runtime>(values.runtimes, RUNTIMES)
const parts = chosen(values.parts, PARTS)
if (write && (quick || only !== undefined || runtimes.length < RUNTIMES.length))
  throw new Error('`--write` keeps the results of whole parts only: leave `--quick`, `--only` and `--runtimes` out')

async function part(name: (typeof PARTS)[number], measured: (quick: boolean) => Promise<string[]>): Promise<string[]> {
  if (!parts.includes(name)) return []
  process.stderr.write(`${name} …\n`)
  const printed = await measured(quick)
  console.log(`\n${printed.join('\n\n')}`)
  return printed
}

console.log(`${today()}\n${circumstances(runtimes)}`)
const tables = new Map<Runtime, Table[]>()
if (parts.includes('times')) {
  for (const runtime of runtimes) {
    process.stderr.write(`${runtime} …\n`)
    const list: Table[] = []
    await tablesOf(runtime, { quick, only }, (table) => {
      list.push(table)
      console.log(`\n${runtime}\n${render(table)}`)
    })
    tables.set(runtime, list)
  }
  console.log(`\n${targetsTable(tables)}`)
}
const results: Results = {
  tables,
  http: await part('http', overHttp),
  stores: await part('stores', storeCalls),
  sweeps: await part('sweeps', sweeps),
  weights: await part('memory', weights),
  sizes: await part('sizes', sizes),
}
if (write) writePage(results)
