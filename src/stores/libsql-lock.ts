/**
 * What a LibsqlStore knows of a lock on its file. A statement that meets one costs the process a connection's descriptors
 * until it is garbage-collected, so no call finds out with its own statement whether the lock is gone: after the first, one
 * call at a time asks, by a statement that leaves nothing behind, and all others wait for what it hears.
 */

/** Statements that meet the lock where a read or a write would, change nothing, and end at once. */
const QUESTIONS = { read: 'SELECT 1 FROM sqlite_schema', write: 'BEGIN IMMEDIATE; ROLLBACK' }

export type Access = keyof typeof QUESTIONS

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}

export class Lock {
  /** What asks the database, where a lock is suspected. */
  readonly question: string
  readonly #longestPause: number
  #busy: unknown
  #times = 0
  #nextTryAt = 0
  #pause: Promise<void> = Promise.resolve()

  /** @param longestPause between two tries, in milliseconds */
  constructor(access: Access, longestPause: number) {
    this.question = QUESTIONS[access]
    this.#longestPause = longestPause
  }

  /** Whether the last that was heard is that there is one. */
  get isSuspected(): boolean {
    return this.#times > 0
  }

  /** From when on somebody may try again, by `performance.now()`. */
  get nextTryAt(): number {
    return this.#nextTryAt
  }

  /** Resolves then, for those who wait in the order in which they came. */
  get pause(): Promise<void> {
    return this.#pause
  }

  /** @throws SQLITE_BUSY, as the last who tried was told, while it is too early to try again */
  throwIfEarly(): void {
    if (this.isSuspected && performance.now() < this.#nextTryAt) throw this.#busy
  }

  /** Takes note of an SQLITE_BUSY. The pauses grow, by a random amount, so that processes fall out of step. */
  found(busy: unknown): void {
    const pause = Math.min(2 ** this.#times++, this.#longestPause) * (0.5 + Math.random() / 2)
    this.#busy = busy
    this.#nextTryAt = performance.now() + pause
    // Timers may be early by a part of a millisecond.
    this.#pause = new Promise((done) => setTimeout(done, Math.ceil(pause) + 1))
  }

  gone(): void {
    this.#times = 0
  }
}
