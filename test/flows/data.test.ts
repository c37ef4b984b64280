/** What counts as a change to data, and what stored data can do to a program: nothing. */
import { describe, expect, it } from 'vitest'
import { adapters, flow } from '../support/flow.ts'

it('a change that is async is refused, and its own failure is not the process’s', async () => {
  const failures: unknown[] = []
  const note = (error: unknown): void => void failures.push(error)
  process.on('unhandledRejection', note)
  const shop = flow()
  await shop.visit((session) => {
    const change = (async () => Promise.reject(new Error('oops'))) as unknown as (data: object) => void
    expect(() => session.update(change)).toThrow(/cannot be async/)
  })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(failures).toEqual([])
})

describe.each(adapters)('session data through $name', (adapter) => {
  it('F17 P3: nested data, arrays and deletions are seen as changes', async () => {
    const shop = flow(adapter, {
      initial: () => ({ cart: [{ sku: 'mug', n: 1 }], address: { city: 'Lyon', zip: '69000' } }),
    })
    const changes: ((data: Record<string, any>) => unknown)[] = [
      (data) => data['cart'].push({ sku: 'pen', n: 1 }),
      (data) => data['cart'][0].n++,
      (data) => (data['address'].city = 'Nice'),
      (data) => delete data['address'].zip,
      (data) => delete data['address'],
      (data) => (data['cart'].length = 1),
    ]
    for (const change of changes) {
      const response = await shop.visit((session) => void change(session.data))
      expect(response.status).toBe(200)
    }
    expect(await shop.see((session) => session.data)).toEqual({ cart: [{ sku: 'mug', n: 2 }] })
    expect((await shop.store.row()).version).toBe(changes.length)
  })

  it('P3: re-assigning the same value is no change', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.data['cart'] = [{ sku: 'mug' }]))
    shop.store.take()
    await shop.visit((session) => {
      session.data['cart'] = [{ sku: 'mug' }]
      session.set('cart', structuredClone(session.data['cart']))
      session.data = { ...session.data }
      session.subject = undefined
      session.info = {}
    })
    expect(shop.store.take()).toEqual(['get'])
  })

  it('P3: a change that is taken back is no change', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('n', 1))
    shop.store.take()
    await shop.visit((session) => {
      session.data['n']++
      session.data['n']--
    })
    expect(shop.store.take()).toEqual(['get'])
  })

  it('F18: two changes in one request are both kept, also around a save()', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('a', 1).set('b', 1))
    await shop.visit(async (session) => {
      session.data['a'] = 2
      await session.save()
      session.data['b'] = 2
    })
    expect(await shop.see((session) => session.data)).toEqual({ a: 2, b: 2 })
  })

  it('P4: two requests that change different keys both keep their change', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('cart', []).set('theme', 'light'))
    const other = shop.copy()
    await shop.visit(async (session) => {
      session.set('theme', 'dark')
      const request = other.request()
      const beside = await shop.sessions.load(request)
      beside.data['cart'].push('mug')
      beside.data['address'] = 'Lyon'
      await shop.sessions.commit(beside, new Response('ok'))
    })
    expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug'], theme: 'dark', address: 'Lyon' })
  })

  it('F06: after clear(), then set(), nothing of the old data remains', async () => {
    const shop = flow(adapter, { initial: () => ({ cart: [] }) })
    await shop.visit((session) => {
      session.data = { cart: ['mug'], address: 'Lyon', card: 'stored' }
    })
    await shop.visit((session) => {
      session.clear()
      session.set('theme', 'dark')
    })
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ cart: [], theme: 'dark' })
  })

  it('F06: clear() also removes what another request added meanwhile', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('card', 'stored'))
    const cookie = shop.value() as string
    await shop.visit(async (session) => {
      await shop.sessions.updateSession(cookie, (data) => ({ ...data, address: 'Lyon' }))
      session.clear()
      session.set('theme', 'dark')
    })
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ theme: 'dark' })
  })

  it('F21 P18: keys with a meaning elsewhere are plain data', async () => {
    const shop = flow(adapter)
    const keys = [
      'exp',
      'nbf',
      'iat',
      'iss',
      'sub',
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
    ]
    await shop.visit((session) => {
      for (const key of keys) {
        expect([session.has(key), session.get(key)]).toEqual([false, undefined])
        session.set(key, { admin: true })
      }
    })
    await shop.visit((session) => {
      expect(Object.keys(session.data)).toEqual(keys)
      for (const key of keys) expect(session.get(key)).toEqual({ admin: true })
      expect(session.data['admin']).toBeUndefined()
      expect(session.unset('__proto__')).toBe(true)
      expect(session.has('__proto__')).toBe(false)
    })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('P18: __proto__ in stored data, info or flash changes no prototype', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => {
      session.set('theme', 'dark')
      session.flash('notice', 'hello')
      session.info = { device: 'phone' }
    })
    const row = await shop.store.row()
    const poison = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"theme":"dark"}'
    shop.store.inner.set(row.id, { ...row, data: poison, flash: '{"__proto__":"x","toString":"y"}' })
    await shop.visit((session) => {
      expect(session.data['admin']).toBeUndefined()
      expect(Object.getPrototypeOf(session.data)).toBe(Object.prototype)
      expect(session.flash('valueOf')).toBeUndefined()
      expect(session.flash('toString')).toBe('y')
      session.data['n'] = 1
    })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect(Object.keys(JSON.parse((await shop.store.row()).data))).toEqual(['__proto__', 'constructor', 'theme', 'n'])
  })

  it('P19: the data of one request is never the same object as another’s', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('cart', { items: ['mug'] }))
    const first = await shop.see((session) => session.data)
    const second = await shop.see((session) => session.data)
    expect(second).toEqual(first)
    expect(second).not.toBe(first)
    expect(second['cart']).not.toBe(first['cart'])
  })

  it('P19: that holds for new sessions too, when `initial` returns the same object every time', async () => {
    const defaults = { cart: [] as string[] }
    const shop = flow(adapter, { initial: () => defaults })
    await shop.visit((session) => session.data['cart'].push('mug'))
    const other = shop.copy()
    other.cookies = []
    expect(await shop.see((session) => session.data, other)).toEqual({ cart: [] })
    await shop.visit((session) => session.clear())
    await shop.visit((session) => session.data['cart'].push('pen'))
    expect(await shop.see((session) => session.data, other)).toEqual({ cart: [] })
    expect(defaults).toEqual({ cart: [] })
  })

  it('data that cannot be stored is an error naming the key path; the old data stays', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('cart', ['mug']))
    const before = await shop.store.row()
    for (const bad of [10n, () => 1, new Map([['a', 1]])]) {
      const response = await shop.visit((session) => (session.data['cart'] = ['mug', { deep: bad }]))
      expect(response.status).toBe(500)
      expect(await shop.store.row()).toEqual(before)
    }
  })
})
