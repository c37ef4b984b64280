/** Types that keep promises at compile time: data JSON cannot hold asks for a `serializer`. */
import type { Serializer } from './data.ts'

type NotJson =
  | bigint
  | symbol
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never[]) => unknown)

/** Whether a type is `any`, which is left alone: whoever says `any` has opted out. */
type IsAny<T> = 0 extends 1 & T ? true : false

/** `true` when a value of this type would not come back from JSON the same. Looks six levels deep. */
export type HasNotJson<T, Depth extends unknown[] = []> = Depth['length'] extends 6
  ? false
  : IsAny<T> extends true
    ? false
    : T extends NotJson
      ? true
      : T extends readonly (infer Item)[]
        ? HasNotJson<Item, [...Depth, 0]>
        : T extends object
          ? { [Key in keyof T]-?: HasNotJson<T[Key], [...Depth, 0]> }[keyof T]
          : false

/**
 * A type without its literals and tuples: what a function's `'dark'` is taken for while `Data` is still being inferred from a schema. What
 * is lost here is checked at construction, by the schema itself.
 */
export type Widened<T> =
  IsAny<T> extends true
    ? T
    : T extends string
      ? string
      : T extends number
        ? number
        : T extends boolean
          ? boolean
          : T extends NotJson
            ? T
            : T extends readonly (infer Item)[]
              ? readonly Widened<Item>[]
              : T extends object
                ? { [Key in keyof T]: Widened<T[Key]> }
                : T

/** Demands a `serializer` when JSON cannot hold `Data`. */
export type NeedsSerializer<Data> = true extends HasNotJson<Data> ? { serializer: Serializer } : unknown
