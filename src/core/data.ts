/**
 * Data: from object to stored text and back. With the JSON default, what JSON would refuse, drop or flatten (functions,
 * bigint, Map, cycles) is a `SessionDataError` with its key path, before anything is stored; what has a `toJSON`, as a Date
 * has, becomes what that gives, and NaN becomes null. `__proto__` and its kind are plain keys (P18): objects are only ever
 * written by defining own properties.
 */
import { SessionDataError } from './errors.ts'
import { copyOf } from './plain.ts'

/** How data becomes text. `devalue` fits: `{ stringify, parse }`. */
export interface Serializer {
  stringify(value: unknown): string
  parse(text: string): unknown
}

export type PlainObject = Record<string, unknown>

/** Whether a value is an object that is neither an array nor an instance of some class. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object from another realm has an Object.prototype of its own, above which there is nothing.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

/** @throws SessionDataError with this message for anything but a plain object */
export function mustBePlain(value: unknown, message: string, path?: string): asserts value is PlainObject {
  if (!isPlainObject(value)) throw new SessionDataError(message, path)
}

/** Sets an own property, whatever its name (P18). */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/** Makes `target` hold just what `source` holds, keeping the object itself. Values equal by `same` are left in place. */
export function assign(target: object, source: object, same?: (a: unknown, b: unknown) => boolean): void {
  const from = source as PlainObject
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete (target as PlainObject)[key]
  for (const key of Object.keys(from)) {
    if (same && Object.hasOwn(target, key) && same((target as PlainObject)[key], from[key])) continue
    define(target, key, from[key])
  }
}

/** Encodes and decodes with the configured serializer. */
export class Codec {
  readonly #serializer: Serializer | undefined
  constructor(serializer: Serializer | undefined) {
    this.#serializer = serializer
  }

  /** @throws SessionDataError with the key path of what cannot be stored */
  encode(value: unknown): string {
    const custom = this.#serializer
    let text: unknown
    try {
      text = (custom ?? JSON).stringify(value)
    } catch (error) {
      if (!custom) throw refusal(findProblem(value))
      // The serializer's own error may quote the data, so it is not kept as cause (P13).
      const path = String((error as { path?: unknown } | null)?.path ?? '')
      throw refusal({ path, what: 'something the serializer refuses' })
    }
    const problem = custom ? undefined : findProblem(value)
    if (problem) throw refusal(problem)
    if (typeof text !== 'string') throw new SessionDataError('`serializer.stringify` returned no string.')
    return text
  }

  /** The object that text stands for, or `undefined` when it stands for none: missing, corrupt or foreign. */
  decode(text: string | undefined): PlainObject | undefined {
    if (text === undefined) return undefined
    try {
      const value = (this.#serializer ?? JSON).parse(text)
      return isPlainObject(value) ? value : undefined
    } catch {
      return undefined
    }
  }

  /** A copy of a decoded object, for `isLike`; `undefined` where a serializer of the app's own may have put anything in it. */
  copyOf(decoded: PlainObject): PlainObject | undefined {
    try {
      return this.#serializer ? undefined : copyOf(decoded)
    } catch {
      // Nested too deep for that; what can be written can be read.
      return undefined
    }
  }

  /** Whether two values are stored alike. */
  same = (a: unknown, b: unknown): boolean => {
    if (a === b) return true
    if (a === undefined || b === undefined) return false
    return this.encode(a) === this.encode(b)
  }
}

interface Problem {
  path: string
  what: string
}

function refusal({ path, what }: Problem = { path: '', what: 'something JSON cannot hold' }): SessionDataError {
  const where = path ? `\`${path}\`` : 'The session data'
  return new SessionDataError(
    `${where} holds ${what}. Store plain JSON data, or give a \`serializer\` that can hold it.`,
    path,
  )
}

/** The first value JSON would refuse, drop or flatten. */
function findProblem(value: unknown): Problem | undefined {
  try {
    const problem = walk(value, [])
    return problem && { ...problem, path: problem.path.replace(/^\./, '') }
  } catch (error) {
    if (error instanceof RangeError) return { path: '', what: 'values nested too deep' }
    throw error
  }
}

/** `trail` are the objects on the way here, by which cycles are known. The path is put together on the way back. */
function walk(value: unknown, trail: object[]): Problem | undefined {
  const type = typeof value
  if (type === 'function' || type === 'symbol' || type === 'bigint') return { path: '', what: `a ${type}` }
  if (typeof value !== 'object' || value === null) return undefined
  if (trail.includes(value)) return { path: '', what: 'a cycle' }
  const isArray = Array.isArray(value)
  if (!isArray && !isPlainObject(value)) {
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
    return { path: '', what: `a ${value.constructor?.name ?? 'class'} instance` }
  }
  trail.push(value)
  for (const key of Object.keys(value)) {
    const problem = walk((value as PlainObject)[key], trail)
    if (problem) return { ...problem, path: (isArray ? `[${key}]` : `.${key}`) + problem.path }
  }
  trail.pop()
  return undefined
}

/**
 * A view that reads like the object and answers every change with `refuse()`. Stands on a copy, level by level: a proxy
 * must not hand out another value than a frozen object holds.
 */
export function guarded<T extends object>(target: T, refuse: () => never): T {
  return new Proxy((Array.isArray(target) ? [...target] : { ...target }) as T, {
    get: (object, key, receiver) => {
      const value: unknown = Reflect.get(object, key, receiver)
      return Array.isArray(value) || isPlainObject(value) ? guarded(value as object, refuse) : value
    },
    set: refuse,
    deleteProperty: refuse,
    defineProperty: refuse,
    setPrototypeOf: refuse,
    preventExtensions: refuse,
  })
}
