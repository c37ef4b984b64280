/** A session's own lifetime ("remember me"), kept in its record and taking the place of the configured one. */
import { describe } from './describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from './duration.ts'
import { SessionConfigError } from './errors.ts'
import { absoluteInForce, type Lifetimes } from './policy.ts'

/** What `session.lifetime` takes. What is left out is as configured. */
export interface Lifetime {
  /** Sliding life, for now and for every renewal. */
  ttl?: Duration
  /** Overall life, from creation or the last change of subject; `false` for no hard end. */
  absolute?: Duration | false
  /** `false`: the cookie ends with the browser. Default `true`. */
  persistent?: boolean
}

/** The same in milliseconds, as records keep it; `absolute: null` for no hard end. */
export interface OwnLifetime {
  ttl?: number
  absolute?: number | null
  persistent?: boolean
}

/** @throws SessionConfigError when it is malformed, or its `ttl` is longer than the `absolute` in force */
export function parseLifetime(value: unknown, configured: Lifetimes): OwnLifetime {
  if (typeof value !== 'object' || value === null)
    throw new SessionConfigError(`\`lifetime\` is ${describe(value)}; it must be an object.`)
  const { ttl, absolute, persistent, ...unknown } = value as Record<string, unknown>
  const problems = Object.keys(unknown).map(
    (name) => `\`lifetime.${name.slice(0, 40)}\` is nothing known; there are ttl, absolute, persistent.`,
  )
  const own: OwnLifetime = {}
  if (ttl !== undefined) {
    own.ttl = parseDuration(ttl) ?? 0
    if (!own.ttl) problems.push(`\`lifetime.ttl\` is ${describe(ttl)}; it must be ${DURATION_FORM}.`)
  }
  if (absolute !== undefined) {
    own.absolute = absolute === false ? null : (parseDuration(absolute) ?? 0)
    if (own.absolute === 0)
      problems.push(`\`lifetime.absolute\` is ${describe(absolute)}; it must be false, ${DURATION_FORM}.`)
  }
  if (persistent !== undefined) {
    if (typeof persistent !== 'boolean')
      problems.push(`\`lifetime.persistent\` is ${describe(persistent)}; it must be true or false.`)
    own.persistent = persistent === true
  }
  const hardEnd = absoluteInForce(own, configured)
  if (own.ttl && hardEnd && own.ttl > hardEnd) {
    problems.push(
      "`lifetime.ttl` is longer than the `absolute` in force; set `absolute` beside it, e.g. { ttl: '60d', absolute: '1y' }.",
    )
  }
  if (problems.length > 0) throw new SessionConfigError(problems)
  return own
}
