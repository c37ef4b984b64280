/** What happens when the handler fails: what it changed is dropped, what it ended stays ended (P15). */
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import { adapters, flow, type Flow } from '../support/flow.ts'

/** A signed-in visitor with a cart. */
async function signedIn(shop: Flow): Promise<void> {
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['cart'] = ['mug']
  })
  shop.store.take()
  shop.takeEvents()
}

const failing: [string, () => Response][] = [
  ['a 500 response', () => new Response('oops', { status: 500 })],
  ['a 503 response', () => new Response('oops', { status: 503 })],
  [
    'an HTTPException of 500',
    () => {
      throw new HTTPException(500)
    },
  ],
  [
    'a plain Error',
    () => {
      throw new Error('oops')
    },
  ],
]

describe.each(adapters)('failures through $name', (adapter) => {
  describe.each(failing)('after %s', (what, fail) => {
    it('F07 P15: data, flash, subject and lifetime changes are dropped', async () => {
      const shop = flow(adapter)
      await signedIn(shop)
      const before = await shop.store.row()
      const response = await shop.visit((session) => {
        session.data['cart'].push('pen')
        session.flash('notice', 'bought')
        session.info = { device: 'phone' }
        session.lifetime = { ttl: '2d' }
        session.touch()
        return fail()
      })
      expect(response.status).toBeGreaterThanOrEqual(500)
      expect(response.headers.getSetCookie()).toEqual([])
      expect(await shop.store.row()).toEqual(before)
      expect(await shop.see(({ data, subject }) => [data, subject])).toEqual([{ cart: ['mug'] }, 'u_42'])
    })

    it('F07 P15: a new session is not stored', async () => {
      const shop = flow(adapter)
      const response = await shop.visit(async (session) => {
        session.subject = 'u_42'
        await session.csrfToken()
        return fail()
      })
      expect(response.headers.getSetCookie()).toEqual([])
      expect(shop.store.take()).toEqual([])
    })

    it('F07 P15: destroy() is carried out', async () => {
      const shop = flow(adapter)
      await signedIn(shop)
      const attacker = shop.copy()
      const response = await shop.visit((session) => {
        session.data['cart'].push('pen')
        session.destroy()
        return fail()
      })
      expect(response.status).toBeGreaterThanOrEqual(500)
      expect(await shop.store.rows()).toEqual([])
      expect(await shop.see((session) => session.subject, attacker)).toBeUndefined()
    })

    it('F07 P15: regenerate() is carried out, with data and subject as they were loaded', async () => {
      const shop = flow(adapter)
      await signedIn(shop)
      const [old, attacker] = [shop.value(), shop.copy()]
      await shop.visit((session) => {
        session.data['cart'].push('pen')
        session.subject = 'u_1'
        session.regenerate()
        return fail()
      })
      // The error of a raw handler is the runtime's to answer: no cookie could be sent, so a new token would lock out.
      const reachable = !(adapter.name === 'latchkey/fetch' && what === 'a plain Error')
      expect(shop.value() !== old).toBe(reachable)
      expect(await shop.see(({ data, subject }) => [data, subject])).toEqual([{ cart: ['mug'] }, 'u_42'])
      expect(await shop.see((session) => session.subject, attacker)).toBe(reachable ? undefined : 'u_42')
    })

    it('P15: what save() wrote stays written, what came after it is dropped', async () => {
      const shop = flow(adapter)
      await signedIn(shop)
      await shop.visit(async (session) => {
        session.data['cart'].push('pen')
        await session.save()
        session.data['cart'].push('ink')
        return fail()
      })
      expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug', 'pen'] })
    })
  })

  it.each([
    ['a 500 response', () => new Response('oops', { status: 500 })],
    ['an HTTPException of 502', () => Promise.reject(new HTTPException(502))],
    ['an HTTPException of 409', () => Promise.reject(new HTTPException(409))],
  ])('P15: a token that save() persisted is sent on %s', async (_, fail) => {
    const shop = flow(adapter)
    await signedIn(shop)
    const response = await shop.visit(async (session) => {
      session.regenerate()
      await session.save()
      return fail()
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it.each([400, 401, 404, 409, 422])('F08 P15: an HTTPException of %i commits as usual', async (status) => {
    const shop = flow(adapter)
    const response = await shop.visit((session) => {
      session.data['attempts'] = 1
      throw new HTTPException(status as 400, { message: 'no' })
    })
    expect(response.status).toBe(status)
    expect(await shop.see((session) => session.data)).toEqual({ attempts: 1 })
  })

  it('F08: an HTTPException with a response of its own carries the cookie too, and its own headers', async () => {
    const shop = flow(adapter)
    const response = await shop.visit((session) => {
      session.data['attempts'] = 1
      const res = new Response('no', { status: 401, headers: { 'WWW-Authenticate': 'Basic', 'Set-Cookie': 'other=1' } })
      throw new HTTPException(401, { res })
    })
    expect([response.status, await response.text()]).toEqual([401, 'no'])
    expect(response.headers.get('www-authenticate')).toBe('Basic')
    expect(response.headers.getSetCookie()).toHaveLength(2)
    expect(await shop.see((session) => session.data)).toEqual({ attempts: 1 })
  })
})
