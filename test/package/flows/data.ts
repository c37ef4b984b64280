/** Data: what counts as a change, and what keys do not do (F06, F17, F18, F21). */
import { same } from './assert.ts'
import type { AnyData } from './adapters.ts'
import type { FlowCase } from './case.ts'
import { setting } from './site.ts'

const CHANGES: readonly ((data: AnyData) => unknown)[] = [
  (data) => data['cart'].push({ sku: 'pen', n: 1 }),
  (data) => data['cart'][0].n++,
  (data) => (data['address'].city = 'Nice'),
  (data) => delete data['address'].zip,
  (data) => delete data['theme'],
  (data) => (data['cart'].length = 1),
]
const KEYS = ['exp', 'nbf', 'iat', 'iss', 'sub', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']

export const dataFlows: readonly FlowCase[] = [
  {
    title: 'F06 after clear(), then set(), nothing of the old data remains',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']).set('card', 'stored'))
      await site.visit((session) => {
        session.clear()
        session.set('theme', 'dark')
      })
      same(await site.see((session) => session.data), { theme: 'dark' }, 'the data')
    },
  },
  {
    title: 'F17 P3 nested data, arrays and deletions are seen as changes',
    async run(open) {
      const initial = { cart: [{ sku: 'mug', n: 1 }], address: { city: 'Lyon', zip: '69000' }, theme: 'dark' }
      const site = await open({ initial: () => structuredClone(initial) })
      const expected: AnyData = structuredClone(initial)
      for (const [index, change] of CHANGES.entries()) {
        await site.visit((session) => void change(session.data))
        change(expected)
        same(await site.see((session) => session.data), expected, `the data after change ${index}`)
      }
    },
  },
  {
    title: 'F18 two changes in one request are both kept, also around a save()',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('a', 1).set('b', 1))
      await site.visit((session) => session.set('a', 2).set('b', 2))
      same(await site.see((session) => session.data), { a: 2, b: 2 }, 'the data')
      const response = await site.visit(async (session) => {
        session.data['a'] = 3
        await session.save()
        session.data['b'] = 3
      })
      same([response.status, setting(response).length <= 1], [200, true], 'the answer')
      same(await site.see((session) => session.data), { a: 3, b: 3 }, 'the data around a save()')
    },
  },
  {
    title: 'F21 P18 keys with a meaning elsewhere are plain data',
    async run(open) {
      const site = await open()
      await site.visit((session) => {
        for (const key of KEYS) {
          same([session.has(key), session.get(key)], [false, undefined], `${key} of empty data`)
          session.set(key, { admin: true })
        }
      })
      await site.visit((session) => {
        same(Object.keys(session.data), KEYS, 'the keys')
        for (const key of KEYS) same(session.get(key), { admin: true }, key)
        same(Object.getPrototypeOf(session.data) === Object.prototype, true, 'whether the prototype is its own')
        same([session.data['admin'], ({} as AnyData)['admin']], [undefined, undefined], 'what was inherited')
        same([session.unset('__proto__'), session.has('__proto__')], [true, false], 'unset()')
      })
    },
  },
]
