/** Data that a schema judges, through both adapters and by each library: what is read, written, merged, refused. */
import { SessionDataError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { adapters, type Flow, flow, HOUR } from '../support/flow.ts'
import { libraries, own } from '../support/schemas.ts'

const MUG = { sku: 'mug', n: 1 }

/** A browser with a session of `subject`, whose stored data an earlier release, or nobody's, wrote. */
async function storedAs(shop: Flow, data: unknown): Promise<string> {
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['theme'] = 'dark'
  })
  const row = await shop.store.row()
  await rewrite(shop, data)
  shop.takeEvents()
  shop.store.take()
  return row.id
}

async function rewrite(shop: Flow, data: unknown): Promise<void> {
  const row = await shop.store.row()
  await shop.store.inner.set(row.id, { ...row, data: typeof data === 'string' ? data : JSON.stringify(data) })
}

async function dataOf(shop: Flow): Promise<unknown> {
  return JSON.parse((await shop.store.row()).data)
}

/** Another request of this browser changes the session while one is being handled. */
async function meanwhile(shop: Flow, change: (data: Record<string, any>) => void): Promise<void> {
  const beside = await shop.sessions.load(shop.copy().request())
  change(beside.data)
  await shop.sessions.commit(beside, new Response('ok'))
}

describe.each(adapters)('through $name', (adapter) => {
  describe.each(libraries)('a schema of $name', ({ schema }) => {
    const start = (options: object = {}): Flow =>
      flow(adapter, { schema, initial: () => ({ cart: [], theme: 'light' }), ...options })

    it('P1 P3: fills in on reads and writes nothing; what it filled in is stored with the next change', async () => {
      const shop = start()
      await storedAs(shop, { cart: [MUG] })
      const before = await shop.store.row()
      for (let i = 0; i < 3; i++) {
        expect(await shop.see((session) => structuredClone(session.data))).toEqual({ cart: [MUG], theme: 'light' })
      }
      expect(shop.store.take()).toEqual(['get', 'get', 'get'])
      expect(await shop.store.row()).toEqual(before)

      await shop.visit((session) => void session.data['cart'].push({ sku: 'pen', n: 2 }))
      expect(await dataOf(shop)).toEqual({ cart: [MUG, { sku: 'pen', n: 2 }], theme: 'light' })
    })

    it('refuses a save with the path, and the old data is intact', async () => {
      const shop = start()
      await storedAs(shop, { cart: [MUG], theme: 'dark' })
      const before = await shop.store.row()
      let error: unknown
      const response = await shop.visit(async (session) => {
        session.data['cart'].push({ sku: 'CANARY', n: 'many' })
        error = await session.save().catch((reason: unknown) => reason)
      })
      expect(error).toBeInstanceOf(SessionDataError)
      expect((error as SessionDataError).path).toBe('cart[1].n')
      expect(String(error)).not.toContain('CANARY')
      expect([response.status, response.headers.getSetCookie()]).toEqual([500, []])
      expect(shop.store.take()).toEqual(['get'])
      expect(await shop.store.row()).toEqual(before)
      expect(await shop.see((session) => session.data['cart'])).toEqual([MUG])
    })

    it('lets what was refused be set right and saved in the same request', async () => {
      const shop = start()
      const response = await shop.visit(async (session) => {
        session.data = { cart: 'none', theme: 'dark' }
        await expect(session.save()).rejects.toMatchObject({ code: 'SESSION_DATA', path: 'cart' })
        session.data['cart'] = [MUG]
      })
      expect(response.status).toBe(200)
      expect(await dataOf(shop)).toEqual({ cart: [MUG], theme: 'dark' })
    })

    it('P4: both sides of a conflict are kept, and a default is no change of either', async () => {
      const shop = start()
      await storedAs(shop, { cart: [MUG] })
      await shop.visit(async (session) => {
        session.data['address'] = { city: 'Lyon' }
        await meanwhile(shop, (data) => (data['theme'] = 'dark'))
      })
      expect(await dataOf(shop)).toEqual({ cart: [MUG], theme: 'dark', address: { city: 'Lyon' } })
    })

    it('P4: also where the other side is an earlier release that wrote no default', async () => {
      const shop = start({ onConflict: 'fail' })
      await storedAs(shop, { cart: [MUG] })
      await shop.visit(async (session) => {
        session.data['theme'] = 'dark'
        await meanwhile(shop, (data) => data['cart'].push(MUG))
        await rewrite(shop, { cart: [MUG, MUG] })
      })
      expect(await dataOf(shop)).toEqual({ cart: [MUG, MUG], theme: 'dark' })
    })

    it('P5: functions run again on what others wrote, read by the schema', async () => {
      const shop = start()
      const increment = (data: Record<string, any>): void => void data['cart'][0].n++
      await storedAs(shop, { cart: [MUG] })
      await shop.visit(async (session) => {
        session.update(increment)
        await meanwhile(shop, increment)
        await rewrite(shop, { cart: [{ sku: 'mug', n: 2 }] })
      })
      expect(await dataOf(shop)).toEqual({ cart: [{ sku: 'mug', n: 3 }], theme: 'light' })
    })

    it('by default keeps a session whose data it refuses: an error the app sees, and no other visitor', async () => {
      const shop = start()
      await storedAs(shop, { cart: 'CANARY' })
      const before = await shop.store.row()
      const seen: unknown[] = []
      const response = await shop.visit((session) => void seen.push(session))
      expect([response.status, response.headers.getSetCookie(), seen]).toEqual([500, [], []])
      expect(await response.text()).not.toContain('CANARY')
      expect(await shop.store.row()).toEqual(before)
      expect(shop.events).toMatchObject([{ name: 'rejected', reason: 'schema', id: before.id, subject: 'u_42' }])

      // Repaired, by hand or by the next release, the visitor goes on.
      await rewrite(shop, { cart: [MUG] })
      expect(await shop.see((session) => [session.subject, session.data['cart']])).toEqual(['u_42', [MUG]])
    })

    it('with `onInvalid: reset` starts the data afresh and keeps id, token and subject', async () => {
      const shop = start({ onInvalid: 'reset' })
      const id = await storedAs(shop, { cart: 'corrupt' })
      const [token, before] = [shop.value(), await shop.store.row()]
      const look = await shop.see((session) => [session.id, session.token, session.subject, { ...session.data }])
      expect(look).toEqual([id, token, 'u_42', { cart: [], theme: 'light' }])
      expect(shop.takeEvents()).toEqual(['rejected', 'loaded'])
      // A read never writes (P1): the record stays as it is until somebody changes something.
      expect([shop.store.take(), await shop.store.row()]).toEqual([['get'], before])
      const response = await shop.visit((session) => void session.data['cart'].push(MUG))
      expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
      expect(await dataOf(shop)).toEqual({ cart: [MUG], theme: 'light' })
      shop.takeEvents()
      await shop.visit((session) => session.data)
      expect(shop.takeEvents()).toEqual(['loaded'])
    })
  })

  it('`migrate` brings an earlier release into form, before the schema, and reads write nothing', async () => {
    for (const { schema } of libraries) {
      const migrate = ({ basket, ...raw }: Record<string, unknown>): object =>
        basket ? { ...raw, cart: (basket as string[]).map((sku) => ({ sku, n: 1 })) } : raw
      const shop = flow(adapter, { schema, migrate, initial: () => ({ cart: [], theme: 'light' }) })
      await storedAs(shop, { basket: ['mug', 'pen'] })
      const skus = (session: { data: Record<string, any> }): string[] =>
        session.data['cart'].map((item: any) => item.sku)
      expect([await shop.see(skus), await shop.see(skus)]).toEqual([
        ['mug', 'pen'],
        ['mug', 'pen'],
      ])
      expect(shop.store.take()).toEqual(['get', 'get'])

      // P4: the other side of the conflict still runs the earlier release.
      await shop.visit(async (session) => {
        session.data['theme'] = 'dark'
        await meanwhile(shop, (data) => (data['address'] = { city: 'Lyon' }))
        await rewrite(shop, { basket: ['mug', 'pen', 'cup'], address: { city: 'Lyon' } })
      })
      const cart = ['mug', 'pen', 'cup'].map((sku) => ({ sku, n: 1 }))
      expect(await dataOf(shop)).toEqual({ cart, theme: 'dark', address: { city: 'Lyon' } })
    }
  })

  it('P4: a rotation on a mere read, which leaves the data as stored, takes along what changes while it waits', async () => {
    const schema = z.looseObject({ theme: z.string().default('light') })
    const shop = flow(adapter, { schema, rotateEvery: '1h' })
    await shop.visit((session) => void (session.subject = 'u_42'))
    const row = await shop.store.row()
    shop.store.inner.set(row.id, { ...row, data: '{}' })
    const token = shop.value() as string
    shop.clock.now += HOUR
    await shop.visit((session) => {
      const { data } = session
      shop.store.before = async (method) => {
        if (method !== 'update') return
        shop.store.before = () => undefined
        await shop.sessions.updateSession(token, (theirs) => ({ ...theirs, added: 'beside' }))
        data['mine'] = true
      }
    })
    expect(shop.value()).not.toBe(token)
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ theme: 'light', added: 'beside', mine: true })
  })

  it('P5 P6: a conflict with data that is refused drops nothing silently', async () => {
    const [{ schema }] = libraries as [(typeof libraries)[0]]
    for (const [onInvalid, status, cart] of [['throw', 500, 'corrupt'] as const, ['reset', 200, []] as const]) {
      const shop = flow(adapter, { schema, onInvalid })
      await storedAs(shop, { cart: [MUG] })
      const response = await shop.visit(async (session) => {
        session.data['theme'] = 'dark'
        await meanwhile(shop, (data) => data['cart'].push(MUG))
        await rewrite(shop, { cart: 'corrupt' })
      })
      expect(response.status).toBe(status)
      expect(await dataOf(shop)).toMatchObject({ cart })
    }
  })

  it('what was refused by `save()` still lets the visitor leave', async () => {
    const [{ schema }] = libraries as [(typeof libraries)[0]]
    const shop = flow(adapter, { schema })
    await storedAs(shop, { cart: [MUG] })
    const response = await shop.visit(async (session) => {
      session.data['cart'] = 'none'
      await session.save().catch(() => {})
      session.destroy()
    })
    expect(response.status).toBe(200)
    expect([await shop.store.rows(), shop.value()]).toEqual([[], undefined])
  })

  it('data that did not change is not asked about again: a sign-in and a flash message go through', async () => {
    let asked = 0
    const schema = own((value) => {
      asked++
      return { value }
    })
    const shop = flow(adapter, { schema })
    await storedAs(shop, { n: 1 })
    asked = 0
    await shop.visit((session) => {
      session.subject = 'u_43'
      session.flash('notice', 'Welcome')
    })
    expect(asked).toBe(1)
    await shop.visit((session) => (session.data['n'] = 2))
    expect(asked).toBe(3)
  })
})
