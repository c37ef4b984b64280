/** A clock that stands still until it is moved, so that tests about time need not wait for it. */
import { DURATION_FORM, parseDuration, type Duration } from '../core/duration.ts'
import { SessionConfigError } from '../core/errors.ts'

/** Call it for the time, in epoch milliseconds; it fits the `now` option as it is. */
export interface TestClock {
  (): number
  /** Moves on by a duration, or by milliseconds, which may be negative; returns the new time. */
  advance(by: Duration): number
  /** Moves to a time in epoch milliseconds. */
  set(time: number): void
}

/**
 * A movable clock for the `now` option.
 *
 * ```ts
 * const now = testClock()
 * const sessions = new SessionManager({ now, ttl: '1h' })
 * now.advance('1h') // every session has expired
 * ```
 *
 * @param start epoch milliseconds; default 2026-01-01T00:00:00Z, so that tests repeat
 * @throws SessionConfigError when moved by or to something that is no time
 */
export function testClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  let time = finite(start)
  return Object.assign(() => time, {
    advance(by: Duration): number {
      return (time = finite(time + (typeof by === 'number' ? by : (parseDuration(by) ?? NaN))))
    },
    set(to: number): void {
      time = finite(to)
    },
  })
}

function finite(time: number): number {
  if (!Number.isFinite(time)) throw new SessionConfigError(`A clock is moved by ${DURATION_FORM}, or set to a time.`)
  return time
}
