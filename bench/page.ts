/** docs/performance.md: the part between its markers, made of what runs found. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem, type } from 'node:os'
import { join } from 'node:path'
import type { Table } from './harness.ts'
import { bench, RUNTIMES, versionOf, type Runtime } from './runtimes/run.ts'
import { digits, microsOf, ratio, tableOf, titleOf } from './table.ts'
import { targetsTable } from './targets.ts'

const PAGE = join(bench, '../docs/performance.md')
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->']

const KINDS = [
  ['memory', 'Sessions in memory'],
  ['sealed', 'Sessions in the cookie'],
  ['libsql', 'Sessions in libSQL'],
] as const

export interface Results {
  tables: ReadonlyMap<Runtime, readonly Table[]>
  http: readonly string[]
  sizes: readonly string[]
  weights: readonly string[]
  stores: readonly string[]
  sweeps: readonly string[]
}

export const today = (): string => new Date().toISOString().slice(0, 10)

/** Where, and of what. */
export function circumstances(runtimes: readonly Runtime[]): string {
  const [cpu] = cpus()
  const machine = `${cpu?.model ?? 'an unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()}`
  const { dependencies } = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const versions = Object.keys(dependencies).filter((name) => !name.startsWith('@types/'))
  return [
    `On ${machine}.`,
    `${runtimes.map((name) => `${name} ${versionOf(name)}`).join(', ')}.`,
    `latchkey ${versionOf('latchkey')} beside ${versions.map((name) => `${name} ${versionOf(name)}`).join(', ')}.`,
  ].join('\n')
}

/** One group in all runtimes: `µs, × bare, × floor` in each. */
function acrossRuntimes(tables: Results['tables'], first: Table, level: number): string {
  const runtimes = [...tables.keys()]
  const same = (one: Table): boolean => titleOf(one) === titleOf(first)
  const rows = first.rows.map(({ contestant }) => [
    contestant,
    ...runtimes.map((runtime) => {
      const table = tables.get(runtime)?.find(same)
      const spread = table && microsOf(table, contestant, level)
      if (!table || !spread) return '–'
      const ratios = ['bare handler', table.floor].map((to) => `${digits(ratio(table, contestant, to, level))}×`)
      return `${digits(spread.median)} (${digits(spread.q1)}–${digits(spread.q3)}) · ${ratios.join(' · ')}`
    }),
  ])
  return tableOf([`${level === 0 ? '1' : '16'} in flight`, ...runtimes], rows)
}

/** The other sizes of data: latchkey alone, with its times of the floor. */
function otherPayloads(tables: Results['tables'], payload: number): string {
  const runtimes = [...tables.keys()]
  const some = [...tables.values()][0]?.filter((one) => one.payload === payload) ?? []
  const rows = some.flatMap((first) =>
    first.rows
      .filter(({ role }) => role === 'latchkey')
      .map(({ contestant }) => [
        `${first.scenario}: ${contestant}`,
        ...runtimes.map((runtime) => {
          const table = tables.get(runtime)?.find((one) => titleOf(one) === titleOf(first))
          const spread = table && microsOf(table, contestant)
          return spread ? `${digits(spread.median)} · ${digits(ratio(table, contestant, table.floor))}×` : '–'
        }),
      ]),
  )
  return tableOf([`${payload} B`, ...runtimes], rows)
}

/** Long, so folded away. */
function folded(summary: string, parts: readonly string[]): string {
  return [`<details><summary>${summary}</summary>`, ...parts, '</details>'].join('\n\n')
}

/** What was not measured, and why; what the reader must know of what was. */
function remarks(tables: Results['tables']): string {
  const leftOut = new Map<string, Set<string>>()
  const notes = new Set<string>()
  for (const [runtime, list] of tables) {
    for (const { scenario, payload, rows } of list) {
      for (const { contestant, left, note } of rows) {
        if (note !== undefined) notes.add(`- ${contestant}: ${note}.`)
        if (left === undefined) continue
        const key = `- ${contestant}, left out: ${left}. That is in`
        leftOut.set(key, (leftOut.get(key) ?? new Set()).add(`${scenario}, ${payload} B, ${runtime}`))
      }
    }
  }
  const lines = [...leftOut].map(([key, where]) => `${key} ${[...where].join('; ')}.`)
  return [...notes, ...lines].toSorted().join('\n')
}

/** What a run filled, heading by heading, in the order of the page. */
function sectionsOf({ tables, http, sizes, weights, stores, sweeps }: Results): Map<string, readonly string[]> {
  const all = [...tables.values()][0] ?? []
  const times: [heading: string, parts: readonly string[]][] = [
    ['Targets', ['Ratios of medians, 1 kB, one call in flight. In bold: missed.', targetsTable(tables)]],
    [
      'Times',
      [
        'Each cell: median in microseconds (quartiles) · times the bare handler · times the floor.',
        ...KINDS.map(([kind, title]) =>
          folded(
            title,
            all
              .filter((table) => table.kind === kind && table.payload === 1000)
              .flatMap((table) => [
                `#### ${titleOf(table)}`,
                `Floor: ${table.floor}.`,
                acrossRuntimes(tables, table, 0),
                acrossRuntimes(tables, table, 1),
              ]),
          ),
        ),
        'With less data and with more: median in microseconds · times the floor, one call in flight.',
        ...[200, 3000].map((payload) => otherPayloads(tables, payload)),
      ],
    ],
    ['Remarks on the times', [remarks(tables)]],
  ]
  const others: typeof times = [
    ['Over HTTP', http],
    ['Calls of the libSQL store', stores],
    ['Sweeps', sweeps],
    ['Memory', weights],
    ['Size and cold import', sizes],
  ]
  return new Map([...(all.length > 0 ? times : []), ...others.filter(([, parts]) => parts.length > 0)])
}

/**
 * Puts what was measured into the page; what was not stays as it is, with its own date.
 * @throws where the page's other results are of another machine, or of other versions
 */
export function writePage(results: Results): void {
  const page = readFileSync(PAGE, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no \`${BEGIN}\` … \`${END}\``)
  const [before = '', ...kept] = page
    .slice(begin + BEGIN.length, end)
    .trim()
    .split(/^### /m)
  const head = circumstances(RUNTIMES)
  const measured = sectionsOf(results)
  const sections = new Map(kept.map((text) => [text.slice(0, text.indexOf('\n')), `### ${text.trim()}`]))
  if (before.trim() !== head && [...sections.keys()].some((heading) => !measured.has(heading)))
    throw new Error(
      `The results that would stay on ${PAGE} are of another machine or of other versions: measure all of them`,
    )
  for (const [heading, parts] of measured)
    sections.set(heading, [`### ${heading}`, `Measured on ${today()}.`, ...parts].join('\n\n'))
  writeFileSync(
    PAGE,
    `${page.slice(0, begin)}${[BEGIN, head, ...sections.values(), END].join('\n\n')}${page.slice(end + END.length)}`,
  )
}
