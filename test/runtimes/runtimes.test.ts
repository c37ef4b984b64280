/**
 * The conformance kit on every store in the runtimes that are programs: this Node, Bun and Deno; inside Workers it runs in
 * test/workerd, and by `npm run conformance`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../src/stores/memory.ts'
import { storeCases } from '../../src/testing/index.ts'
import type { Report } from './conformance.ts'
import { missingServer, reportsOf, root, runProgram, type Runtime } from './run.ts'

const ALONE = 'the option `peer` was not given'
const NO_LOCK = 'the option `lock` was not given'
const RACES = 'R01 R02 R03 R04 R05 R06 R10'

/** What each store must skip, and nothing else: the reason, then the numbers of the cases. */
const PORTABLE: Record<string, Record<string, string>> = {
  MemoryStore: { [NO_LOCK]: 'S17', [ALONE]: RACES },
  CookieStore: {
    'the record lives in the token: the store keeps no row':
      'S01 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 ' +
      `${RACES} I01 I02 I03`,
  },
  'CookieCache over MemoryStore': { [NO_LOCK]: 'S17', [ALONE]: RACES },
  'EncryptedStore over MemoryStore': { [NO_LOCK]: 'S17', [ALONE]: RACES },
  'three methods over a Map': {
    [NO_LOCK]: 'S17',
    'the store has no `removeExpired`': 'S20 R10',
    'the store has no `all`': 'S21',
    'the store has no `length`': 'S21',
    'the store has no `clear`': 'S21',
    'the store has no `findBySubject`': 'S23 I01 I03',
    'the store has no `removeBySubject`': 'S23 I02',
    'the store does not claim `atomic`: what it promises holds within one process': RACES,
  },
}
const IN_MEMORY = { [NO_LOCK]: 'S17', 'the option `otherNamespace` was not given': 'S22', [ALONE]: RACES }
const LIBSQL = {
  'LibsqlStore on a file': {},
  'LibsqlStore in memory': IN_MEMORY,
  'SqliteStore, libSQL in memory': IN_MEMORY,
  'SqliteStore, libSQL over HTTP': { [NO_LOCK]: 'S17' },
  'LibsqlStore over HTTP': { [NO_LOCK]: 'S17' },
}

function skips({ outcomes }: Report): Record<string, string> {
  const reasons = new Map<string, Set<string>>()
  for (const [name, outcome] of Object.entries(outcomes)) {
    const reason = /^skipped: (.*)$/s.exec(outcome)?.[1]
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? new Set()).add(name.slice(0, 3)))
  }
  return Object.fromEntries([...reasons].map(([reason, numbers]) => [reason, [...numbers].join(' ')]))
}

type Expected = [Runtime, Record<string, Record<string, string>>]
const NODE: Expected = ['node', { ...PORTABLE, 'SqliteStore, better-sqlite3': {}, ...LIBSQL }]
const OTHERS: Expected[] = [
  ['bun', { ...PORTABLE, 'SqliteStore, bun:sqlite': {}, ...LIBSQL }],
  ['deno', { ...PORTABLE, ...LIBSQL }],
]
/** Bun and Deno are the same whichever Node asks them: the one of development does. */
const nodeOfDevelopment = readFileSync(join(root, '.node-version'), 'utf8').trim()
const RUNTIMES = process.versions.node.startsWith(`${nodeOfDevelopment}.`) ? [NODE, ...OTHERS] : [NODE]

describe('the conformance kit, with no test runner', () => {
  const missing = missingServer()
  if (missing) console.log(`Not run: ${missing}.`)

  it.each(RUNTIMES)(
    'holds on %s for every store there, and skips only what the store does not claim',
    async (runtime, expected) => {
      const reports = await reportsOf(runtime)
      const failures = reports.flatMap(({ store, outcomes }) =>
        Object.entries(outcomes).flatMap(([name, outcome]) =>
          outcome.startsWith('failed') ? `${store}: ${name}: ${outcome}` : [],
        ),
      )
      expect(failures).toEqual([])
      const own = reports.filter(({ store }) => !store.includes('LIBSQL_URL'))
      expect(Object.fromEntries(own.map((report) => [report.store, skips(report)]))).toEqual(expected)
      for (const { run, skipped, outcomes } of reports) expect(run + skipped).toBe(Object.keys(outcomes).length)
    },
    180_000,
  )
})

describe('the conformance kit, in one line, under the test runner of', () => {
  const cases = storeCases(() => new MemoryStore())
  const skipped = cases.filter(({ skip }) => skip !== undefined).length
  const run = cases.length - skipped
  const file = (name: string): string => `./test/runtimes/runners/${name}.ts`

  it('Node', async () => {
    const output = await runProgram('node', ['--test', '--test-reporter=tap', file('node')])
    expect(output).toContain(`# pass ${run}\n# fail 0\n# cancelled 0\n# skipped ${skipped}\n`)
  }, 60_000)

  it('Bun', async () => {
    const output = await runProgram('bun', ['test', file('bun')])
    expect(output).toMatch(new RegExp(`\\b${run} pass\\n\\s*${skipped} skip\\n\\s*0 fail\\n`))
  }, 60_000)

  it('Deno, which needs no permission for it', async () => {
    const flags = ['--quiet', '--no-prompt', '--no-lock', '--no-check', '--node-modules-dir=manual']
    const output = await runProgram('deno', ['test', ...flags, file('deno')])
    expect(output).toContain(`${run} passed | 0 failed | ${skipped} ignored`)
  }, 60_000)
})
