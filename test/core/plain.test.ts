/** Copies of data: they share nothing (P19), and tell a read from a change without the data being written out (P3). */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyOf, isLike } from '../../src/core/plain.ts'
import { flow } from '../support/flow.ts'

/** What comes out of a store: whatever JSON holds, without a minus zero, which JSON does not write. */
const decoded = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)

const CART = {
  name: 'Ada',
  items: [
    { sku: 'a', count: 1 },
    { sku: 'b', count: 2 },
  ],
  seen: null,
  nested: { deep: { er: [] } },
}
type Cart = typeof CART & Record<string, unknown>
const cart = (): Cart => structuredClone(CART) as Cart

describe('a copy', () => {
  it('P3: is like what was there, whatever that is', () => {
    fc.assert(fc.property(decoded, (value) => void expect(isLike(value, copyOf(value))).toBe(true)))
  })

  it('P3: is not like anything else', () => {
    fc.assert(
      fc.property(
        decoded,
        decoded,
        (one, other) => void expect(isLike(one, copyOf(other))).toBe(isDeepStrictEqual(one, other)),
      ),
    )
  })

  it.each<[string, (data: Cart) => unknown]>([
    ['a value', (data) => (data.name = 'Bob')],
    ['a value in a list', (data) => (data.items[1]!.count = 3)],
    ['one more in a list', (data) => data.items.push({ sku: 'c', count: 1 })],
    ['one less in a list', (data) => data.items.pop()],
    ['another order in a list', (data) => data.items.unshift(data.items.pop()!)],
    ['a new key, deep down', (data) => Object.assign(data.nested.deep, { more: 1 })],
    ['a key less', (data) => Reflect.deleteProperty(data, 'seen')],
    ['one key for another', (data) => (Reflect.deleteProperty(data, 'seen'), (data['heard'] = null))],
    ['another order of keys', (data) => (Reflect.deleteProperty(data, 'name'), (data.name = 'Ada'))],
    ['a list that grew by holes', (data) => (data.items.length = 5)],
    ['a list of holes', (data) => Object.assign(data.nested.deep, { er: Array.from({ length: 2 }) })],
    ['an empty list that has a length', (data) => (data.nested.deep.er.length = 2)],
    ['a list for an object', (data) => Object.assign(data.nested, { deep: [] })],
    ['an object for a list', (data) => Object.assign(data.nested.deep, { er: {} })],
    ['an object for null', (data) => Object.assign(data, { seen: {} })],
    ['null for an object', (data) => Object.assign(data, { nested: null })],
    ['undefined for null', (data) => Object.assign(data, { seen: undefined })],
    ['a key named __proto__', (data) => Object.defineProperty(data, '__proto__', { value: 1, enumerable: true })],
  ])('P3: is left behind by %s', (_what, change) => {
    const data = cart()
    const copy = copyOf(data)
    change(data)
    expect(isLike(data, copy)).toBe(false)
  })

  it('P18: knows a key named __proto__ from a prototype', () => {
    const data = JSON.parse('{ "__proto__": { "a": 1 } }') as { __proto__: { a: number } }
    const copy = copyOf(data)
    expect(isLike(data, copy)).toBe(true)
    data['__proto__'].a = 2
    expect(isLike(data, copy)).toBe(false)
    expect(isLike(JSON.parse('{}'), copyOf(JSON.parse('{}')))).toBe(true)
  })

  it('P3: that is too deep to compare, or has a getter that throws, is said to differ: the text will tell', () => {
    let [deep, other] = [{}, {}]
    for (let level = 0; level < 50_000; level++) [deep, other] = [{ deep }, { deep: other }]
    expect(isLike(deep, other)).toBe(false)
    const data = { n: 1 }
    const copy = copyOf(data)
    Object.defineProperty(data, 'n', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    expect(isLike(data, copy)).toBe(false)
  })

  it('P19: shares no object with what it is of', () => {
    const data = cart()
    const copy = copyOf(data)
    data.items[0]!.count = 9
    expect(copy).toEqual(CART)
  })
})

describe('a request that leaves the data as it was', () => {
  it.each<[string, (data: Cart) => unknown]>([
    ['reads all of it', (data) => JSON.stringify(data)],
    ['assigns what is there', (data) => (data.items[0]!.count = 1)],
    ['puts an equal object in the place of one', (data) => (data.nested = { deep: { er: [] } })],
    ['changes it and changes it back', (data) => (data.items.pop(), data.items.push({ sku: 'b', count: 2 }))],
    ['sets what JSON does not write', (data) => (data['nothing'] = undefined)],
    ['sets what JSON writes as null', (data) => Object.assign(data, { seen: Number.NaN })],
  ])('P3: writes nothing when it %s', async (_what, use) => {
    const shop = flow()
    await shop.visit((session) => void Object.assign(session.data, cart()))
    shop.store.take()
    await shop.visit((session) => void use(session.data as unknown as Cart))
    expect(shop.store.take()).toEqual(['get'])
  })

  it.each<[string, (data: Cart) => unknown]>([
    ['a function', (data) => (data['action'] = () => {})],
    ['a function in a list', (data) => data.items.push((() => {}) as never)],
    ['a cycle', (data) => (data['self'] = data)],
    ['a cycle in the place of an object', (data) => Object.assign(data.nested, { deep: data })],
    ['an instance of a class', (data) => (data['map'] = new Map())],
    ['a bigint', (data) => (data['big'] = 1n)],
  ])('P18: is not one that sets %s', async (_what, change) => {
    const shop = flow()
    await shop.visit((session) => void Object.assign(session.data, cart()))
    const refused = await shop.visit((session) => void change(session.data as unknown as Cart))
    expect(refused.status).toBe(500)
    expect(JSON.parse((await shop.store.row()).data)).toEqual(CART)
  })
})
