/** Tables that read the same in a terminal and in Markdown. */
import { IN_FLIGHT, type Table } from './harness.ts'
import type { Spread } from './stats.ts'

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length), 3))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

/** Three digits that mean something. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function microsOf(table: Table, contestant: string, level = 0): Spread | undefined {
  return table.rows.find((row) => row.contestant === contestant)?.micros?.[level]
}

/** How many times the median of one is the median of another. */
export function ratio(table: Table, of: string, to: string, level = 0): number {
  return (microsOf(table, of, level)?.median ?? NaN) / (microsOf(table, to, level)?.median ?? NaN)
}

const withQuartiles = ({ q1, median, q3 }: Spread): string => `${digits(median)} (${digits(q1)}–${digits(q3)})`

/** One scenario in one runtime: microseconds a call, median and quartiles, and the ratios, by calls in flight. */
export function render(table: Table): string {
  const head = IN_FLIGHT.flatMap((calls) => [`µs, ${calls} in flight`, '× bare', '× floor'])
  const rows = table.rows.map(({ contestant, micros, left }) => [
    contestant,
    ...(micros
      ? micros.flatMap((spread, level) => [
          withQuartiles(spread),
          digits(ratio(table, contestant, 'bare handler', level)),
          digits(ratio(table, contestant, table.floor, level)),
        ])
      : ['left out', '', '', '', '', '']),
    left ?? '',
  ])
  return tableOf([titleOf(table), ...head, ''], rows)
}

export function titleOf({ scenario, kind, payload }: Table): string {
  return `${scenario} · ${kind} · ${payload} B`
}
