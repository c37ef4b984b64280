/** The reports of every runtime as one table for README, with a note for whatever did not apply. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../runtimes/run.ts'
import type { MatrixReport } from './program.ts'

const PAGE = join(root, 'README.md')
const [BEGIN, END] = ['<!-- matrix: begin -->', '<!-- matrix: end -->']
const SUITES = ['latchkey/hono', 'latchkey/fetch', 'conformance kit']

/** Why a store is not measured in a runtime. */
const ABSENT: Record<string, string> = { CloudflareKVStore: 'Workers KV is there on Cloudflare only' }

/** What the kit says of a case, in the words of a reader who did not call it. */
const WORDS: readonly [RegExp, string][] = [
  [/^the option `lock` was not given$/, 'nothing there can lock it from outside'],
  [/^the option `peer` was not given$/, 'no second instance can share what it keeps'],
  [/^the option `otherNamespace` was not given$/, 'it has no second table or prefix'],
  [/^a copied cookie outlives its end\b/, 'a copied cookie outlives its end'],
  [/^the store has no `\w+`$/, 'an optional method that it does not have'],
]

/** Numbered notes, each text once. */
class Notes {
  readonly texts: string[] = []
  mark(text: string): string {
    if (!this.texts.includes(text)) this.texts.push(text)
    return `<sup>${this.texts.indexOf(text) + 1}</sup>`
  }
}

/** How many cases did not apply, by reason; `undefined` where all did. */
function skipped({ outcomes }: MatrixReport): string | undefined {
  const reasons = new Map<string, number>()
  for (const outcome of Object.values(outcomes)) {
    const reason = /^skipped: (.*)$/s.exec(outcome)?.[1]
    if (reason === undefined) continue
    const words = WORDS.find(([pattern]) => pattern.test(reason))?.[1] ?? reason
    reasons.set(words, (reasons.get(words) ?? 0) + 1)
  }
  if (reasons.size === 0) return undefined
  const most = [...reasons].toSorted(([, a], [, b]) => b - a)
  return `Not applicable: ${most.map(([reason, number]) => `${number} (${reason})`).join(', ')}.`
}

function cell(found: readonly MatrixReport[], row: string, notes: Notes): string {
  if (found.length === 0) return `not applicable${notes.mark(`${ABSENT[row] ?? `Nothing to run ${row} on`}.`)}`
  const counts = SUITES.map((suite) => {
    const report = found.find((one) => one.suite === suite)
    if (!report) return '**not run**'
    const note = skipped(report)
    const failed = report.failed > 0 ? ` (**${report.failed} failed**)` : ''
    return `${report.run - report.failed}${failed}${note === undefined ? '' : notes.mark(note)}`
  })
  const [{ store }] = found as [MatrixReport]
  const on = store.startsWith(row) ? store.slice(row.length).replace(/^, /, '').trim() : ''
  return `${counts.join(' · ')}${on && `<br>${on}`}`
}

/** What README shows between its markers. */
export function matrixTable(reports: readonly MatrixReport[]): string {
  const notes = new Notes()
  const runtimes = [...new Set(reports.map(({ runtime }) => runtime))]
  const rows = [...new Set(reports.map(({ row }) => row))].map((row) => {
    const cells = runtimes.map((runtime) =>
      cell(
        reports.filter((report) => report.row === row && report.runtime === runtime),
        row,
        notes,
      ),
    )
    return [row.replace(/\w+(?:Store|Cache)\b/g, '`$&`'), ...cells]
  })
  const head = ['store', ...runtimes]
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const list = notes.texts.map((text, index) => `<sup>${index + 1}</sup> ${text}`)
  const legend = `Cases passed: request and response through \`${SUITES[0]}\` · the same through \`${SUITES[1]}\` · the ${SUITES[2]} on the store.`
  const local = 'D1 and KV are the local ones of miniflare, where a read of KV is never behind.'
  return [`${legend} ${local}`, lines.join('\n'), list.join('<br>\n')].join('\n\n')
}

/** Every case that failed, as a line. */
export function failuresOf(reports: readonly MatrixReport[]): string[] {
  return reports.flatMap(({ runtime, suite, store, outcomes }) =>
    Object.entries(outcomes).flatMap(([name, outcome]) =>
      outcome.startsWith('failed') ? `${runtime}: ${suite}: ${store}: ${name}: ${outcome}` : [],
    ),
  )
}

/** README: what stands around the table, and the table. */
async function readPage(): Promise<[before: string, table: string, after: string]> {
  const page = await readFile(PAGE, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no \`${BEGIN}\` … \`${END}\``)
  const start = begin + BEGIN.length
  return [page.slice(0, start), page.slice(start, end).trim(), page.slice(end)]
}

export async function shownTable(): Promise<string> {
  return (await readPage())[1]
}

export async function writeTable(table: string): Promise<void> {
  const [before, , after] = await readPage()
  await writeFile(PAGE, `${before}\n\n${table}\n\n${after}`)
}
