/** Durations: milliseconds, or a whole or decimal number with a unit. A year is 365 days. */

/** Milliseconds, or text such as `'90s'`, `'15m'`, `'2h'`, `'30d'`, `'1y'`. */
export type Duration = number | `${number}${'s' | 'm' | 'h' | 'd' | 'y'}`

/** What messages say is allowed. */
export const DURATION_FORM = "milliseconds above 0, or text like '90s', '15m', '2h', '30d', '1y'"

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_536_000_000 }

/** No duration is longer than this, so that adding one to a time of day stays a valid date. */
const LONGEST = 100_000 * 86_400_000

/** Whole milliseconds, or `undefined` when the value is no duration above 0. */
export function parseDuration(value: unknown): number | undefined {
  const [, count, unit = ''] = (typeof value === 'string' && /^(\d{1,15}(?:\.\d{1,9})?)([smhdy])$/.exec(value)) || []
  const milliseconds = Math.round(typeof value === 'number' ? value : Number(count) * (UNITS[unit] ?? NaN))
  return milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : undefined
}
