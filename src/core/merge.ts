/**
 * Merge: what happens when the record changed between load and commit. Three-way by top-level key (P4); a key both sides
 * changed is for `onConflict` to decide (P5). Changes are replayed in the order they were made, so that functions given to
 * `update` run again on what others wrote.
 */
import { define, mustBePlain, type Codec, type PlainObject } from './data.ts'
import { SessionConflictError, SessionDataError } from './errors.ts'

/** What decides over a key that both sides changed. */
export type OnConflict<Data> = 'merge' | 'fail' | ((base: Data, mine: Data, theirs: Data) => Data)

/** One change to the data since it was loaded: a difference in text, or a function to run again. */
export type Change = { from: string; to: string } | { apply: (data: object) => object | void }

/** Merges by top-level key, mine winning a key both changed; `collided` tells whether there was one. */
export function mergeKeys(
  base: PlainObject,
  mine: PlainObject,
  theirs: PlainObject,
  same: (a: unknown, b: unknown) => boolean,
): { merged: PlainObject; collided: boolean } {
  const merged: PlainObject = {}
  let collided = false
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine), ...Object.keys(base)])) {
    const [before, here, there] = [own(base, key), own(mine, key), own(theirs, key)]
    const kept = same(before, here) ? there : here
    if (!same(before, here) && !same(before, there) && !same(here, there)) collided = true
    if (kept !== undefined) define(merged, key, kept)
  }
  return { merged, collided }
}

/** A key's own value; inherited names such as `constructor` are absent (P18). */
function own(object: PlainObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/**
 * The text that results from making `changes` on top of what others wrote.
 * @throws SessionConflictError with `onConflict: 'fail'`, when both sides changed a key
 */
export function replay(
  changes: readonly Change[],
  theirs: string,
  rule: OnConflict<PlainObject>,
  codec: Codec,
): string {
  let current = decoded(codec, theirs)
  for (const change of changes) {
    if ('apply' in change) {
      current = (change.apply(current) as PlainObject | undefined) ?? current
      continue
    }
    const [base, mine] = [decoded(codec, change.from), decoded(codec, change.to)]
    const { merged, collided } = mergeKeys(base, mine, current, codec.same)
    if (collided && rule === 'fail') {
      throw new SessionConflictError(
        'Another request changed the same key. Load the session again and repeat the change.',
      )
    }
    current = collided && typeof rule === 'function' ? rule(base, mine, current) : merged
    mustBePlain(current, '`onConflict` must return a plain object.')
  }
  return codec.encode(current)
}

function decoded(codec: Codec, text: string): PlainObject {
  const data = codec.decode(text)
  if (!data) throw new SessionDataError('The stored data cannot be read. Another program may have written it.')
  return data
}
