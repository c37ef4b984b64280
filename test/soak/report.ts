/** The soak's table, for the terminal and for docs/reliability.md. */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Figure, Finding } from './figure.ts'

export interface Row {
  figure: Figure
  finding: Finding
}

const DOCUMENT = join(import.meta.dirname, '../../docs/reliability.md')
const BEGIN = '<!-- measured by `npm run soak -- --write` -->'
const END = '<!-- end of what was measured -->'
const PACKAGES = ['@libsql/client', 'drizzle-orm', 'hono', 'jose', 'miniflare']

export function printed({ figure, finding }: Row): string {
  const { where, rounds, of, measured, held } = finding
  return `${held ? 'held  ' : 'BROKEN'} ${figure.name} | ${where} | ${rounds} of ${of} | ${measured}`
}

export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(({ figure, finding }) => {
    const { where, rounds, of, measured, held } = finding
    const run = rounds >= of ? count(rounds) : `${count(rounds)} of ${count(of)}`
    return `| ${figure.name} | ${where} | ${run} | ${figure.goal} | ${measured} | ${held ? 'yes' : '**no**'} |`
  })
  return ['| figure | where | rounds | to reach | measured | held |', '|---|---|---|---|---|---|', ...lines].join('\n')
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

/** Puts the table, the date and what it ran on between the marks of the document. */
export async function writeReport(
  rows: readonly Row[],
  { seed, minutes }: { seed: number; minutes: number },
): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8')
  const [before, after] = [text.slice(0, text.indexOf(BEGIN) + BEGIN.length), text.slice(text.indexOf(END))]
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  const versions = await Promise.all(PACKAGES.map(async (name) => `${name} ${await versionOf(name)}`))
  const run = `Measured on ${date} in ${minutes} minutes with seed ${seed}: Node ${process.versions.node}, ${versions.join(', ')}; ${machine}.`
  await writeFile(DOCUMENT, `${before}\n\n${run}\n\n${markdown(rows)}\n\n${after}`)
}

async function versionOf(name: string): Promise<string> {
  const manifest = join(import.meta.dirname, '../../node_modules', name, 'package.json')
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version
}
