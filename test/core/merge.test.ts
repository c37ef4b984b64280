import { SessionConflictError, SessionDataError } from 'latchkey'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Codec, type PlainObject } from '../../src/core/data.ts'
import { mergeKeys, replay, type Change, type OnConflict } from '../../src/core/merge.ts'

const codec = new Codec(undefined)

function merge(base: PlainObject, mine: PlainObject, theirs: PlainObject): PlainObject {
  return mergeKeys(base, mine, theirs, codec.same).merged
}

const collides = (base: PlainObject, mine: PlainObject, theirs: PlainObject): boolean =>
  mergeKeys(base, mine, theirs, codec.same).collided

describe('mergeKeys', () => {
  it.each([
    // what, base, mine, theirs, merged, collided
    ['nothing changed', { a: 1 }, { a: 1 }, { a: 1 }, { a: 1 }, false],
    ['I changed', { a: 1 }, { a: 2 }, { a: 1 }, { a: 2 }, false],
    ['they changed', { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }, false],
    ['both changed alike', { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }, false],
    ['both changed: mine', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }, true],
    ['P4: different keys', { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 2 }, false],
    ['P4: I added', {}, { a: 1 }, { b: 1 }, { a: 1, b: 1 }, false],
    ['R02: both added the same key', {}, { a: 1 }, { a: 2 }, { a: 1 }, true],
    ['I removed', { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2 }, false],
    ['they removed', { a: 1, b: 1 }, { a: 1, b: 2 }, { b: 1 }, { b: 2 }, false],
    ['both removed', { a: 1 }, {}, {}, {}, false],
    ['I removed what they changed', { a: 1 }, {}, { a: 2 }, {}, true],
    ['they removed what I changed', { a: 1 }, { a: 2 }, {}, { a: 2 }, true],
    [
      'nested values are one key',
      { a: { x: 1, y: 1 } },
      { a: { x: 2, y: 1 } },
      { a: { x: 1, y: 2 } },
      { a: { x: 2, y: 1 } },
      true,
    ],
    ['null is a value', { a: 1 }, { a: null }, { a: 1 }, { a: null }, false],
    ['undefined is absence', { a: 1 }, { a: undefined }, { a: 1 }, {}, false],
  ] as [string, PlainObject, PlainObject, PlainObject, PlainObject, boolean][])(
    '%s',
    (_what, base, mine, theirs, merged, collided) => {
      expect(merge(base, mine, theirs)).toEqual(merged)
      expect(collides(base, mine, theirs)).toBe(collided)
    },
  )

  it('P18: names such as __proto__ and constructor merge as plain keys', () => {
    const parse = (text: string): PlainObject => JSON.parse(text) as PlainObject
    const merged = merge({}, parse('{"__proto__":{"a":1}}'), parse('{"constructor":2,"toString":3}'))
    expect(Object.keys(merged).toSorted()).toEqual(['__proto__', 'constructor', 'toString'])
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(collides({}, parse('{"valueOf":1}'), {})).toBe(false)
  })

  const value = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom('a', null, true), fc.constant([1]))
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor'), value, {
    noNullPrototype: true,
  })
  const at = (object: PlainObject, key: string): string =>
    Object.hasOwn(object, key) ? codec.encode(object[key]) : 'absent'
  const keysOf = (...objects: PlainObject[]): string[] => [...new Set(objects.flatMap((object) => Object.keys(object)))]

  it('P4: no change of either side is lost, unless both changed the same key', () => {
    fc.assert(
      fc.property(data, data, data, (base, mine, theirs) => {
        const merged = merge(base, mine, theirs)
        for (const key of keysOf(base, mine, theirs, merged)) {
          const [before, here, there] = [at(base, key), at(mine, key), at(theirs, key)]
          expect(at(merged, key)).toBe(here === before ? there : here)
        }
      }),
    )
  })

  it('P5: there is a collision exactly when both changed a key, and not alike', () => {
    fc.assert(
      fc.property(data, data, data, (base, mine, theirs) => {
        const expected = keysOf(base, mine, theirs).some(
          (key) => new Set([at(base, key), at(mine, key), at(theirs, key)]).size === 3,
        )
        expect(collides(base, mine, theirs)).toBe(expected)
      }),
    )
  })

  it('P4: the order does not matter where keys differ', () => {
    fc.assert(
      fc.property(data, data, data, (base, one, two) => {
        fc.pre(!collides(base, one, two))
        const [there, back] = [merge(base, one, two), merge(base, two, one)]
        for (const key of keysOf(there, back)) expect(at(there, key)).toBe(at(back, key))
      }),
    )
  })

  it('merging with what did not change, or merging again, changes nothing', () => {
    fc.assert(
      fc.property(data, data, data, (base, mine, theirs) => {
        expect(merge(base, mine, base)).toEqual(merge(mine, mine, mine))
        expect(merge(base, base, theirs)).toEqual(theirs)
        const merged = merge(base, mine, theirs)
        expect(merge(base, mine, merged)).toEqual(merged)
      }),
    )
  })

  it('none of the three is changed', () => {
    fc.assert(
      fc.property(data, data, data, (base, mine, theirs) => {
        const before = JSON.stringify([base, mine, theirs])
        merge(base, mine, theirs)
        expect(JSON.stringify([base, mine, theirs])).toBe(before)
      }),
    )
  })
})

describe('replay', () => {
  const edit = (from: PlainObject, to: PlainObject): Change => ({ from: codec.encode(from), to: codec.encode(to) })
  const run = (changes: Change[], theirs: PlainObject, rule: OnConflict<PlainObject> = 'merge'): unknown =>
    JSON.parse(replay(changes, codec.encode(theirs), rule, codec))

  it('P4: makes my changes on top of theirs', () => {
    expect(run([edit({}, { a: 1 }), edit({ a: 1 }, { a: 1, b: 2 })], { c: 3 })).toEqual({ a: 1, b: 2, c: 3 })
    expect(run([], { c: 3 })).toEqual({ c: 3 })
  })

  it('P5: runs functions again, on what others wrote, in the order the changes were made', () => {
    const add = (by: number): Change => ({ apply: (data: any) => ({ ...data, n: data.n * 2 + by }) })
    expect(run([add(1), edit({ n: 3 }, { n: 3, m: 1 }), add(5)], { n: 10 })).toEqual({ n: 47, m: 1 })
  })

  it('P5: a function that mutates and returns nothing does as well', () => {
    expect(run([{ apply: (data: any) => void data.n++ }], { n: 1 })).toEqual({ n: 2 })
  })

  it("'merge' lets the later commit win a key both changed", () => {
    expect(run([edit({ a: 1 }, { a: 2 })], { a: 3, b: 1 })).toEqual({ a: 2, b: 1 })
  })

  it("'fail' throws a SessionConflictError that holds no data, and only when both changed a key", () => {
    expect(run([edit({ a: 1 }, { a: 2 })], { a: 1, b: 1 }, 'fail')).toEqual({ a: 2, b: 1 })
    expect(() => run([edit({ a: 'CANARY1' }, { a: 'CANARY2' })], { a: 'CANARY3' }, 'fail')).toThrow(
      SessionConflictError,
    )
    expect(() => run([edit({ a: 'CANARY1' }, { a: 'CANARY2' })], { a: 'CANARY3' }, 'fail')).not.toThrow(/CANARY/)
  })

  it('a function of the user decides, given all three, and only when both changed a key', () => {
    const calls: unknown[] = []
    const rule: OnConflict<PlainObject> = (base, mine, theirs) => {
      calls.push([base, mine, theirs])
      return { ...theirs, n: Math.max(mine['n'] as number, theirs['n'] as number) }
    }
    expect(run([edit({ n: 1 }, { n: 2 })], { n: 1, x: 1 }, rule)).toEqual({ n: 2, x: 1 })
    expect(calls).toEqual([])
    expect(run([edit({ n: 1 }, { n: 2 })], { n: 5, x: 1 }, rule)).toEqual({ n: 5, x: 1 })
    expect(calls).toEqual([[{ n: 1 }, { n: 2 }, { n: 5, x: 1 }]])
  })

  it.each([[undefined], [null], [[1]], ['text'], [5], [true], [new Map()], [Promise.resolve({})]])(
    'a function that decides on %s, which is no data, is a SessionDataError: it would make the session unreadable',
    (result) => {
      const rule = (() => result) as unknown as OnConflict<PlainObject>
      expect(() => run([edit({ n: 1 }, { n: 2 })], { n: 3 }, rule)).toThrow(SessionDataError)
    },
  )

  it('stored data that cannot be read is a SessionDataError, and is not overwritten', () => {
    expect(() => replay([edit({}, { a: 1 })], 'CANARY{', 'merge', codec)).toThrow(SessionDataError)
    expect(() => replay([edit({}, { a: 1 })], 'CANARY{', 'merge', codec)).not.toThrow(/CANARY/)
  })
})
