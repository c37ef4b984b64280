/**
 * `npm run conformance`: the kit on every store in every runtime, and what came of it as tables: store by runtime, the
 * promises each store kept, and what was skipped. With `-- --write` they are kept in docs/stores.md, between its markers.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../test/runtimes/conformance.ts'
import { missingServer, reportsOf, root, versionOf, type Runtime } from '../test/runtimes/run.ts'

const RUNTIMES: readonly Runtime[] = ['node', 'node22', 'bun', 'deno', 'workerd']
const PAGE = join(root, 'docs/stores.md')
const [BEGIN, END] = ['<!-- conformance: begin -->', '<!-- conformance: end -->']

/** The promises that are the store's to keep, and the cases that show it; the others are kept by the core over any store. */
const PROMISES: readonly [string, string, readonly string[]][] = [
  ['P4, P5', 'no change is lost, and conflicts are decided once', ['R01', 'R02']],
  ['P6', 'destroy wins', ['S06', 'S07', 'S08', 'S09', 'S19', 'R03', 'R04', 'R06']],
  ['P7', '`regenerate()` ends the old token in the same write', ['R05', 'R06']],
  ['P8', 'an unknown id opens nothing, and ids match exactly', ['S01', 'S10', 'S11', 'S12', 'S24']],
  ['P9', 'expired at exactly `expiresAt`', ['S02', 'S03', 'S15', 'S16']],
  ['P10', 'nothing shortens a session, or renews it past its end', ['S18']],
  ['P13', 'no token in lists and events', ['I01', 'I05']],
  ['P19', 'nothing is shared by reference', ['S13', 'S14']],
]

/** The columns of the table of promises. */
const FAMILIES: readonly [string, RegExp][] = [
  ['memory', /^MemoryStore$/],
  ['SQLite, libSQL, D1', /^(SqliteStore|LibsqlStore)/],
  ['three methods', /^three methods/],
  ['KV', /^CloudflareKVStore$/],
  ['CookieStore', /^CookieStore$/],
  ['CookieCache over memory', /^CookieCache over MemoryStore$/],
  ['EncryptedStore over memory', /^EncryptedStore over MemoryStore$/],
]

/** What a reason to skip means for a promise; reasons that only say what the kit was not given mean nothing. */
const LIMITS: readonly [RegExp, string][] = [
  [/eventual/, 'best effort'],
  [/does not claim `atomic`/, 'within one process'],
]

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

/** Store by runtime: how many cases were run and skipped, and how many failed. */
function storesTable(reports: readonly Report[]): string {
  const runtimes = unique(reports.map(({ runtime }) => runtime))
  const rows = unique(reports.map(({ store }) => store)).map((store) => [
    store,
    ...runtimes.map((runtime) => {
      const found = reports.find((report) => report.runtime === runtime && report.store === store)
      if (!found) return ''
      const failed = found.failed > 0 ? ` · **${found.failed} failed**` : ''
      return `${found.run} / ${found.skipped}${failed}`
    }),
  ])
  return table(['store', ...runtimes], rows)
}

/** Promise by family of stores, from the outcome of the cases. */
function promisesTable(reports: readonly Report[]): string {
  const rows = PROMISES.map(([numbers, promise, cases]) => [
    `**${numbers}** ${promise} (${cases.join(', ')})`,
    ...FAMILIES.map(([, pattern]) => {
      const outcomes = reports
        .filter(({ store }) => pattern.test(store))
        .flatMap((report) => Object.entries(report.outcomes))
        .filter(([name]) => cases.includes(name.slice(0, 3)))
        .map(([, outcome]) => outcome)
      if (outcomes.some((outcome) => outcome.startsWith('failed'))) return '**no**'
      const limit = LIMITS.find(([reason]) => outcomes.some((outcome) => reason.test(outcome)))?.[1]
      // A record that lives in its token has fewer cases, and none of a row.
      return limit ?? (outcomes.includes('held') ? 'yes' : 'no row')
    }),
  ])
  return table(['promise', ...FAMILIES.map(([name]) => name)], rows)
}

/** Why cases were skipped: the reason, the stores, the cases. */
function skippedTable(reports: readonly Report[]): string {
  const found = new Map<string, { stores: Set<string>; cases: Set<string> }>()
  for (const { store, outcomes } of reports) {
    for (const [name, outcome] of Object.entries(outcomes)) {
      if (!outcome.startsWith('skipped: ')) continue
      const reason = outcome.slice('skipped: '.length)
      const entry = found.get(reason) ?? { stores: new Set(), cases: new Set() }
      entry.stores.add(store)
      entry.cases.add(name.slice(0, 3))
      found.set(reason, entry)
    }
  }
  const rows = [...found].map(([reason, { stores, cases }]) => [
    reason.replace('the option `', 'the kit was not given `').replace('` was not given', '`'),
    [...stores].join('; '),
    [...cases].join(' '),
  ])
  return table(['why', 'stores', 'cases'], rows)
}

const reports: Report[] = []
for (const runtime of RUNTIMES) {
  process.stderr.write(`${runtime} …\n`)
  reports.push(...(await reportsOf(runtime)))
}
const missing = missingServer()
if (missing) process.stderr.write(`Not run: ${missing}.\n`)

const packages = ['drizzle-orm', '@libsql/client', 'better-sqlite3', 'miniflare']
const section = [
  `Measured on ${new Date().toISOString().slice(0, 10)} with ${packages.map((name) => `${name} ${versionOf(name)}`).join(', ')}.`,
  'Cases run / skipped:',
  storesTable(reports),
  'Of the promises that are the store’s to keep:',
  promisesTable(reports),
  'Skipped, because the store does not claim it, or the kit could not do it there:',
  skippedTable(reports),
].join('\n\n')
console.log(`\n${section}\n`)

const failures = reports.flatMap(({ runtime, store, outcomes }) =>
  Object.entries(outcomes).flatMap(([name, outcome]) =>
    outcome.startsWith('failed') ? `${runtime}: ${store}: ${name}: ${outcome}` : [],
  ),
)
for (const failure of failures) console.error(failure)
if (failures.length > 0) process.exitCode = 1

if (process.argv.includes('--write')) {
  const page = readFileSync(PAGE, 'utf8')
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`${PAGE} has no \`${BEGIN}\` … \`${END}\``)
  writeFileSync(PAGE, `${page.slice(0, before)}${BEGIN}\n\n${section}\n\n${page.slice(after)}`)
}
