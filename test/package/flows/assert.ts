/** What the request cases check with, as the conformance kit does: no test runner, an error that says what came instead. */

/** A case does not hold. Its own class, so that one thrown inside of a handler is told from what the handler threw. */
export class Unmet extends Error {
  override readonly name = 'Unmet'
}

/** @throws Unmet with the message, unless the condition holds */
export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Unmet(message)
}

/** Compares by value, as JSON tells it, where `undefined` is unlike anything else. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [show(actual), show(expected)]
  if (found !== wanted) throw new Unmet(`${what}: expected ${wanted}, got ${found}.`)
}

/** What a call throws, which must be of this class. */
export function throws(call: () => unknown, kind: abstract new (...args: never[]) => Error, what: string): void {
  let answer: unknown
  try {
    answer = call()
  } catch (error) {
    if (error instanceof kind) return
    throw new Unmet(`${what}: expected ${kind.name}, got ${String(error)}.`, { cause: error })
  }
  throw new Unmet(`${what}: expected ${kind.name}, got the answer ${show(answer)}.`)
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part === undefined ? 'undefined' : part)) ?? String(value)
}
