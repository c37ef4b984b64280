/** Patience: how long and how often to try again against others that change the same record. */
import { SessionConflictError } from './errors.ts'

/** How long to keep trying, in milliseconds. */
const BUDGET = 10_000

/**
 * To be awaited before each new try: waits a little longer each time, by a random amount, so that writers fall out of step.
 * @throws SessionConflictError from what it returns, when the time is over
 */
export function patience(): () => Promise<void> {
  const giveUpAt = performance.now() + BUDGET
  let longest = 0
  return async () => {
    if (performance.now() > giveUpAt) throw new SessionConflictError('The session kept changing underneath. Try again.')
    const wait = Math.random() * longest
    longest = Math.min(2 * longest || 2, 50)
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}
