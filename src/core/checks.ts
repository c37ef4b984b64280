/**
 * Checks: a table says of each option what it may be. Everything wrong is told at once, a line for each, which names the
 * option, its type and what is allowed, and never its value (P13).
 */
import { describe } from './describe.ts'
import { DURATION_FORM, parseDuration } from './duration.ts'
import { SessionConfigError } from './errors.ts'

/** What messages say is allowed; the value as it is used, or `undefined` for a wrong one; what is taken when it is left out. */
export type Check = readonly [allowed: string, resolve: (value: unknown) => unknown, fallback?: unknown]

/** A check that takes values as they are. */
export function when(allowed: string, allows: (value: unknown) => unknown, fallback?: unknown): Check {
  return [allowed, (value) => (allows(value) ? value : undefined), fallback]
}

/** Checked by what resolves it. */
export const ANYTHING: Check = when('', () => true)

export function oneOf(allowed: string, values: readonly unknown[], fallback?: unknown): Check {
  return when(allowed, (value) => values.includes(value), fallback)
}

export function flag(fallback?: boolean): Check {
  return oneOf('true or false', [true, false], fallback)
}

export function callable(fallback?: unknown): Check {
  return when('a function', isFunction, fallback)
}

/** A duration, in milliseconds; or, where there is a `none`, `false` for that. */
export function duration(fallback?: string, none?: false | null): Check {
  const allowed = none === undefined ? DURATION_FORM : `false, ${DURATION_FORM}`
  return [allowed, (value) => (value === false ? none : parseDuration(value)), fallback]
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** The values to use. Adds a line to `problems` for each option that is unknown or wrong; `path` is what it is part of. */
export function check(
  given: object,
  checks: Readonly<Record<string, Check>>,
  problems: string[],
  path = '',
  kind = 'option',
): Record<string, unknown> {
  let known = `; there are ${Object.keys(checks).join(', ')}`
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(checks, name)) continue
    problems.push(`\`${path}${name.slice(0, 40)}\` is no ${kind}${known}.`)
    known = ''
  }
  const values: Record<string, unknown> = {}
  for (const [name, [allowed, resolve, fallback]] of Object.entries(checks)) {
    const { [name]: value = fallback } = given as Record<string, unknown>
    values[name] = resolve(value)
    if (value !== undefined && values[name] === undefined)
      problems.push(`\`${path}${name}\` is ${describe(value)}; it must be ${allowed}.`)
  }
  return values
}

/** @throws SessionConfigError naming what is given beside options of these names */
export function onlyNamed(given: object, names: readonly string[], kind?: string): void {
  const problems: string[] = []
  check(given, Object.fromEntries(names.map((name) => [name, ANYTHING])), problems, '', kind)
  if (problems.length > 0) throw new SessionConfigError(problems)
}
