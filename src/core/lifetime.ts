/** A session's own lifetime ("remember me"), kept in its record and taking the place of the configured one. */
import { check, duration, flag, type Check } from './checks.ts'
import { describe } from './describe.ts'
import type { Duration } from './duration.ts'
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

const CHECKS: Record<keyof Lifetime, Check> = {
  ttl: duration(),
  absolute: duration(undefined, null),
  persistent: flag(),
}

/** @throws SessionConfigError when it is malformed, or its `ttl` is longer than the `absolute` in force */
export function parseLifetime(value: unknown, configured: Lifetimes): OwnLifetime {
  if (typeof value !== 'object' || value === null)
    throw new SessionConfigError(`\`lifetime\` is ${describe(value)}; it must be an object.`)
  const problems: string[] = []
  const own: OwnLifetime = check(value, CHECKS, problems, 'lifetime.')
  if (problems.length === 0 && (own.ttl ?? 0) > (absoluteInForce(own, configured) ?? Infinity))
    problems.push(
      "`lifetime.ttl` is longer than the `absolute` in force; raise the manager's, or set `absolute` beside it in `session.lifetime`, e.g. { ttl: '60d', absolute: '1y' }.",
    )
  if (problems.length > 0) throw new SessionConfigError(problems)
  return own
}
