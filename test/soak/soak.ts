/**
 * The soak: what the library claims under races, faults, kills and time, measured on real stores.
 *
 *     npm run soak                                 half an hour, a seed of its own
 *     npm run soak -- --minutes 120 --seed 7       longer, and repeatable
 *     npm run soak -- --only clock                 the figures, or places, whose name holds a word
 *     npm run soak -- --write                      puts the table into docs/reliability.md
 */
import { parseArgs } from 'node:util'
import { abortsFigure } from './figures/aborts.ts'
import { canaryFigure } from './figures/canary.ts'
import { clockFigure } from './figures/clock.ts'
import { faultsFigure } from './figures/faults.ts'
import { garbageFigure } from './figures/garbage.ts'
import { incrementsFigure } from './figures/increments.ts'
import { keysFigure } from './figures/keys.ts'
import { killsFigures } from './figures/kills.ts'
import { loadFigure } from './figures/load.ts'
import { logoutFigures } from './figures/logouts.ts'
import { oneByteFigure } from './figures/one-byte.ts'
import { rotationsFigure } from './figures/rotations.ts'
import type { Budget, Figure, Finding } from './figure.ts'
import { Random } from './random.ts'
import { markdown, printed, writeReport, type Row } from './report.ts'

const FIGURES: readonly Figure[] = [
  incrementsFigure,
  ...logoutFigures,
  rotationsFigure,
  ...killsFigures,
  garbageFigure,
  oneByteFigure,
  faultsFigure,
  abortsFigure,
  keysFigure,
  clockFigure,
  loadFigure,
  canaryFigure,
]

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('--minutes takes a number above 0, --seed a whole number.')
  process.exit(2)
}
const isWanted = (name: string): boolean => name.toLowerCase().includes(values.only.toLowerCase())
const figures = FIGURES.map((figure) =>
  isWanted(figure.name) ? figure : { ...figure, places: figure.places.filter(({ where }) => isWanted(where)) },
).filter(({ places }) => places.length > 0)
if (figures.length === 0) {
  console.error(
    `No figure, and no place of one, has "${values.only}" in its name. There are:\n${FIGURES.map(({ name }) => `  ${name}`).join('\n')}`,
  )
  process.exit(2)
}

console.log(`seed ${seed}, ${minutes} minutes`)
const shares = figures.reduce((sum, figure) => sum + figure.shares, 0)
const rows: Row[] = []
for (const figure of figures) {
  const time = (minutes * 60_000 * figure.shares) / shares / figure.places.length
  for (const place of figure.places) {
    const finding = await within(time, place.run)
    rows.push({ figure, finding: { where: place.where, ...finding } })
    console.log(printed(rows.at(-1) as Row))
  }
}

const failed = rows.filter(({ finding }) => !finding.held).length
console.log(`\n${markdown(rows)}\n`)
if (values.write) await writeReport(rows, { seed, minutes })
console.log(`${rows.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

/** Runs one figure in one place; what breaks it counts as not held. */
async function within(
  milliseconds: number,
  run: (budget: Budget) => Promise<Omit<Finding, 'where'>>,
): Promise<Omit<Finding, 'where'>> {
  let until: number | undefined
  // Counted from the first question on: opening a store is not on the figure's account.
  const left = (): boolean => performance.now() < (until ??= performance.now() + milliseconds)
  try {
    return await run({ random: new Random(seed), left, milliseconds, minutes })
  } catch (error) {
    console.error(error)
    return { rounds: 0, of: 0, measured: `broke: ${error instanceof Error ? error.name : typeof error}`, held: false }
  }
}
