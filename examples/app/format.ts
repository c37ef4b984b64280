/** Times and prices as people read them. Every time is in epoch milliseconds, and shown in UTC. */

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' })

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** `just now`, `5 minutes ago`, `yesterday`, … */
export function ago(then: number, now: number): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor((now - then) / length)
    if (count >= 1) return relative.format(-count, unit)
  }
  return 'just now'
}

export function day(time: number): string {
  return date.format(time)
}

export function price(cents: number): string {
  return euros.format(cents / 100)
}
