/** What one request's data is compared with, and what becomes of it when others write too. */
import { SessionDataError, SessionManager } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { flow, type AnyData, type AnySession, type Flow } from '../support/flow.ts'

/** A visitor whose row holds this text, as another program may have written it. */
async function holding(text: string, options: Parameters<typeof flow>[1] = {}): Promise<Flow> {
  const shop = flow(undefined, options)
  await shop.visit((session) => session.set('a', 1))
  const row = await shop.store.row()
  shop.store.inner.set(row.id, { ...row, data: text })
  shop.store.take()
  return shop
}

/** Another request adds a key. */
async function addBeside(shop: Flow, token: string | undefined): Promise<void> {
  await shop.sessions.updateSession(String(token), (data) => ({ ...data, added: 'beside' }))
}

const stored = async (shop: Flow): Promise<unknown> => JSON.parse((await shop.store.row()).data)

describe('what counts as a change', () => {
  it('P3: text that another program wrote in another form is none, however often it is looked at', async () => {
    const text = '{ "b": [1], "a": 2 }'
    const shop = await holding(text)
    await shop.visit(async (session) => {
      expect(session.data).toEqual({ b: [1], a: 2 })
      await session.save()
      expect(session.get('a')).toBe(2)
    })
    expect(shop.store.take()).toEqual(['get'])
    expect((await shop.store.row()).data).toBe(text)
    await shop.visit((session) => session.set('a', 3))
    expect((await shop.store.row()).data).toBe('{"b":[1],"a":3}')
  })

  it('P3: nor is it to a serializer of the user’s own, which only text can tell changes from', async () => {
    const { stringify, parse } = JSON
    const shop = await holding('{ "b": [1], "a": 2 }', { serializer: { stringify, parse } })
    await shop.visit((session) => expect(session.data).toEqual({ b: [1], a: 2 }))
    expect(shop.store.take()).toEqual(['get'])
    await shop.visit((session) => session.set('a', 3))
    expect((await shop.store.row()).data).toBe('{"b":[1],"a":3}')
  })

  it('P3: what update() did and the handler took back is none', async () => {
    const shop = await holding('{"a":2,"b":[1]}')
    await shop.visit((session) => {
      session.update((data) => void (data['a'] = 3))
      session.data['a'] = 2
    })
    expect(shop.store.take()).toEqual(['get'])
    expect((await shop.store.row()).data).toBe('{"a":2,"b":[1]}')
  })

  it('what was taken over from another object can be changed on', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.update(() => ({ a: 1 }))
      session.data['a'] = 2
    })
    expect(await stored(shop)).toEqual({ a: 2 })
  })

  it('P3: and data that nobody looked at stays as it was written, also when the token changes', async () => {
    const text = '{ "a": 2 }'
    const shop = await holding(text)
    await shop.visit((session) => session.regenerate())
    expect(await shop.store.row()).toMatchObject({ version: 2, data: text })
  })

  it.each<[string, (data: AnyData) => unknown, string]>([
    ['a list grows by holes', (data) => (data['l'].length = 2), '{"l":[null,null],"o":{"a":1,"b":2}}'],
    ['a list is one of holes', (data) => (data['l'] = Array.from({ length: 1 })), '{"l":[null],"o":{"a":1,"b":2}}'],
    [
      'keys come in another order',
      ({ o }) => (Reflect.deleteProperty(o, 'a'), (o.a = 1)),
      '{"l":[],"o":{"b":2,"a":1}}',
    ],
  ])('P3: it is one when %s', async (_what, change, text) => {
    const shop = await holding('{"l":[],"o":{"a":1,"b":2}}')
    await shop.visit((session) => void change(session.data))
    expect((await shop.store.row()).data).toBe(text)
  })

  it.each<[string, string, (data: AnyData) => unknown]>([
    [
      'a date for the text it becomes',
      '{ "x": "2020-01-01T00:00:00.000Z" }',
      (data) => (data['x'] = new Date(data['x'])),
    ],
    ['undefined for nothing', '{ "x": 1 }', (data) => (data['y'] = undefined)],
    ['NaN for null', '{ "x": null }', (data) => (data['x'] = Number.NaN)],
    ['an object without a prototype', '{ "x": {} }', (data) => (data['x'] = Object.create(null))],
  ])('P3: text of another form and %s are none together either', async (_what, text, change) => {
    const shop = await holding(text)
    await shop.visit((session) => void change(session.data))
    expect(shop.store.take()).toEqual(['get'])
  })

  it('data nested deeper than can be copied is read, changed and left like any other', async () => {
    const deep = `${'['.repeat(3500)}${']'.repeat(3500)}`
    const shop = await holding(`{"deep":${deep}}`)
    await shop.visit((session) => session.set('n', 1))
    expect((await shop.store.row()).data).toBe(`{"deep":${deep},"n":1}`)
    expect((await shop.visit((session) => session.regenerate({ keepData: false }))).status).toBe(200)
    expect(await stored(shop)).toEqual({})
  })

  it('P2: clear() of a new session is none', async () => {
    const shop = flow()
    await shop.visit((session) => session.clear())
    expect(shop.store.take()).toEqual([])
  })

  it.each(['{}', '{ }'])(
    'F06: clear() of data that is empty already (%s) is one: others may be adding to it',
    async (text) => {
      const shop = await holding(text)
      await shop.visit(async (session) => {
        await addBeside(shop, shop.value())
        session.clear()
      })
      expect(await stored(shop)).toEqual({})
    },
  )

  it('F06: so is clear() after the save that stored the session', async () => {
    const shop = flow()
    await shop.visit(async (session) => {
      await session.save()
      await addBeside(shop, session.token)
      session.clear()
    })
    expect(await stored(shop)).toEqual({})
  })

  it('a direct change after update() is seen too', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.update((data) => void (data['n'] = 1))
      session.data['m'] = 2
    })
    expect(await stored(shop)).toEqual({ n: 1, m: 2 })
  })

  it('what is changed while a write is under way is for the next', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('n', 0))
    await shop.visit(async (session) => {
      session.regenerate()
      session.data['n'] = 1
      const saving = session.save()
      session.data['n'] = 2
      await saving
      expect(await stored(shop)).toEqual({ n: 1 })
    })
    expect(await stored(shop)).toEqual({ n: 2 })
  })

  it('F11: an object taken from the session refuses changes once the response is built', async () => {
    const shop = flow()
    let taken: AnyData = {}
    await shop.visit((session) => void (taken = session.data))
    expect(() => (taken['late'] = 1)).toThrow(TypeError)
  })

  it('`initial` must give a plain object', async () => {
    for (const initial of [() => [], () => null, () => new Map()]) {
      const sessions = new SessionManager({ initial: initial as never })
      await expect(sessions.createSession()).rejects.toThrow(SessionDataError)
    }
  })
})

describe('beside others', () => {
  it('P5: a function given to update() runs once where nobody else wrote', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('n', 0))
    let runs = 0
    await shop.visit((session) => session.update((data) => void (data['n'] = ++runs)))
    expect([runs, await stored(shop)]).toEqual([1, { n: 1 }])
  })

  it('P4 P5: what save() wrote is not made again when others write after it, and what comes then is kept', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('n', 0))
    await shop.visit(async (session) => {
      session.update((data) => void data['n']++)
      await session.save()
      await addBeside(shop, shop.value())
      session.data['mine'] = true
    })
    expect(await stored(shop)).toEqual({ n: 1, added: 'beside', mine: true })
  })

  it('values that others left alone are the same objects after save(): who holds one can go on changing it', async () => {
    const shop = flow()
    await shop.visit((session) => void (session.data = { cart: ['mug'], n: 1 }))
    await shop.visit(async (session) => {
      const cart = session.data['cart'] as string[]
      await addBeside(shop, shop.value())
      session.data['n'] = 2
      await session.save()
      expect([session.data['added'], session.data['cart'] === cart]).toEqual(['beside', true])
      cart.push('pen')
    })
    expect(await stored(shop)).toEqual({ cart: ['mug', 'pen'], n: 2, added: 'beside' })
  })

  /** A save() that meets what another request wrote, and in whose second try `change` is made. */
  async function savedWith(shop: Flow, session: AnySession, change: (data: AnyData) => unknown): Promise<void> {
    await addBeside(shop, session.token)
    session.data['n'] = 2
    session.regenerate()
    let tries = 0
    shop.store.before = (method) => method === 'update' && ++tries === 2 && change(session.data)
    await session.save()
    shop.store.before = () => undefined
    expect(tries).toBe(2)
  }

  it('P4: what is changed while a save() that merges is under way is kept, and is for the next write', async () => {
    const shop = flow()
    await shop.visit((session) => void (session.data = { cart: ['mug'], n: 1, old: true }))
    await shop.visit(async (session) => {
      await savedWith(shop, session, (data) => {
        data['cart'].push('pen')
        data['late'] = true
        delete data['old']
      })
      expect(session.data).toEqual({ cart: ['mug', 'pen'], n: 2, late: true, added: 'beside' })
      expect(await stored(shop)).toEqual({ cart: ['mug'], n: 2, old: true, added: 'beside' })
    })
    expect(await stored(shop)).toEqual({ cart: ['mug', 'pen'], n: 2, late: true, added: 'beside' })
  })

  it.each(['late', 'n'])('P14 P15: and where `%s` cannot be stored, that is for the next write to say', async (key) => {
    const shop = flow()
    await shop.visit((session) => void (session.data = { n: 1 }))
    const response = await shop.visit(async (session) => {
      await savedWith(shop, session, (data) => (data[key] = { a: () => 1 }))
      expect(session.token).toBeDefined()
      await expect(session.save()).rejects.toThrow(SessionDataError)
      return new Response('failed', { status: 500 })
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await shop.see((session) => session.data)).toEqual({ n: 2, added: 'beside' })
  })
})
