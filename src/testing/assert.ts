/**
 * What the conformance kit checks with: three assertions that throw an `Error` saying what was expected and what came
 * instead. Its own, because the kit runs under any test runner or none, in any runtime.
 */

/** @throws Error with the message, unless the condition holds */
export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Compares by value; a key whose value is `undefined` counts as absent, `null` does not. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const found = difference(actual, expected, [])
  if (!found) return
  const at = found.path.length > 0 ? ` at \`${found.path.join('.')}\`` : ''
  throw new Error(`${what}: expected ${show(found.expected)}${at}, got ${show(found.actual)}.`)
}

/** The error a promise rejects with, which must be of one of these classes. */
export async function rejects(
  promise: Promise<unknown>,
  kinds: readonly (abstract new (...args: never[]) => Error)[],
  what: string,
): Promise<Error> {
  const names = kinds.map((kind) => kind.name).join(' or ')
  let answer: unknown
  try {
    answer = await promise
  } catch (error) {
    if (error instanceof Error && kinds.some((kind) => error instanceof kind)) return error
    throw new Error(`${what}: expected ${names}, got ${show(error)}.`, { cause: error })
  }
  throw new Error(`${what}: expected ${names}, got the answer ${show(answer)}.`)
}

interface Difference {
  path: string[]
  actual: unknown
  expected: unknown
}

/** The first difference, or `undefined` when there is none. */
function difference(actual: unknown, expected: unknown, path: string[]): Difference | undefined {
  if (Object.is(actual, expected)) return undefined
  if (!isObject(actual) || !isObject(expected) || Array.isArray(actual) !== Array.isArray(expected)) {
    return { path, actual, expected }
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const found = difference(actual[key], expected[key], [...path, key])
    if (found) return found
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const text = (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? quoted(value)
  return text.length > 120 ? `${text.slice(0, 120)}... (${text.length} characters)` : text
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
