/** Signing in, stepping up, signing out, and how long it all lasts. */
import { SessionStateError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { adapters, DAY, flow, HOUR, MINUTE } from '../support/flow.ts'

describe.each(adapters)('signing in and out through $name', (adapter) => {
  it('F03 P7: a new subject brings a new token by itself; the old token is dead, the id stays', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('cart', ['mug']))
    const [before, attacker] = [shop.value(), shop.copy()]
    const row = await shop.store.row()
    const response = await shop.visit((session) => {
      session.subject = 'u_42'
      expect(session.token).toBeUndefined()
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(shop.value()).not.toBe(before)
    expect(await shop.see(({ id, subject, data }) => ({ id, subject, data }))).toEqual({
      id: row.id,
      subject: 'u_42',
      data: { cart: ['mug'] },
    })
    expect(await shop.see(({ subject, data, isNew }) => [subject, data, isNew], attacker)).toEqual([
      undefined,
      {},
      true,
    ])
  })

  it('F03: a second factor rotates again, and keeps subject and data (I04)', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.subject = 'u_42'))
    const [half, attacker] = [shop.value(), shop.copy()]
    await shop.visit((session) => {
      session.data['factors'] = 2
      session.regenerate()
    })
    expect(shop.value()).not.toBe(half)
    expect(await shop.see(({ subject, data }) => [subject, data])).toEqual(['u_42', { factors: 2 }])
    expect(await shop.see((session) => session.subject, attacker)).toBeUndefined()
    expect(shop.takeEvents().filter((name) => name === 'regenerated')).toHaveLength(1)
  })

  it('F03: setting the subject it already has rotates nothing', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.subject = 'u_42'))
    shop.store.take()
    const response = await shop.visit((session) => (session.subject = 'u_42'))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.store.take()).toEqual(['get'])
  })

  it('F03: changing from one subject to another, and to none, rotates each time', async () => {
    const shop = flow(adapter)
    const tokens = new Set<string | undefined>()
    for (const subject of ['u_1', 'u_2', undefined, 'u_1']) {
      await shop.visit((session) => (session.subject = subject))
      tokens.add(shop.value())
      expect(await shop.see((session) => session.subject)).toBe(subject)
    }
    expect(tokens.size).toBe(4)
  })

  it('F04: the CSRF token is good for later requests, and changes with the session’s token', async () => {
    const shop = flow(adapter)
    const old = await shop.see((session) => session.csrfToken())
    expect(shop.value()).toBeDefined()
    expect(await shop.see((session) => session.verifyCsrf(old))).toBe(true)
    await shop.visit((session) => (session.subject = 'u_42'))
    expect(await shop.see((session) => session.verifyCsrf(old))).toBe(false)
    const fresh = await shop.see((session) => session.csrfToken())
    expect(await shop.see((session) => session.verifyCsrf(fresh))).toBe(true)
  })

  it('F04: one drawn beside the login is good for the session the login makes', async () => {
    const shop = flow(adapter)
    const form = await shop.see((session) => {
      session.subject = 'u_42'
      return session.csrfToken()
    })
    expect(await shop.see((session) => session.verifyCsrf(form))).toBe(true)
  })

  it('F05: after destroy() a write is a typed error that says what to do, and the session reads as empty', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => {
      session.subject = 'u_42'
      session.data['cart'] = ['mug']
    })
    const response = await shop.visit((session) => {
      session.destroy()
      const writes: (() => unknown)[] = [
        () => (session.data['cart'] = []),
        () => session.set('cart', []),
        () => session.unset('cart'),
        () => session.clear(),
        () => session.update((data) => data),
        () => session.flash('notice', 'x'),
        () => (session.subject = 'u_1'),
        () => (session.info = { a: 'b' }),
        () => (session.info['a'] = 'b'),
        () => (session.lifetime = { ttl: '1h' }),
        () => session.regenerate(),
        () => session.touch(),
        () => session.resetMaxAge(),
      ]
      for (const write of writes) {
        expect(write).toThrow(SessionStateError)
        expect(write).toThrow(/session\.regenerate\(\{ keepData: false \}\)/)
      }
      session.destroy()
      expect([session.id, session.token, session.subject, session.data]).toEqual([undefined, undefined, undefined, {}])
    })
    expect(response.status).toBe(200)
    expect(await shop.store.rows()).toEqual([])
    expect(shop.value()).toBeUndefined()
  })

  it('F05: a session started after destroy() has a fresh id, and the old token opens nothing', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('cart', ['mug']))
    const [old, attacker] = [await shop.store.row(), shop.copy()]
    const response = await shop.visit(async (session, request) => {
      session.destroy()
      const next = await shop.sessions.regenerate(request)
      next.data['cart'] = ['pen']
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    const row = await shop.store.row()
    expect(row.id).not.toBe(old.id)
    expect(JSON.parse(row.data)).toEqual({ cart: ['pen'] })
    expect(await shop.see((session) => session.data)).toEqual({ cart: ['pen'] })
    expect(await shop.see((session) => session.data, attacker)).toEqual({})
  })

  it('F19: destroy() without reading first removes the row; replaying the cookie gives nothing', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => (session.subject = 'u_42'))
    const attacker = shop.copy()
    await shop.visit((session) => session.destroy())
    expect(await shop.store.rows()).toEqual([])
    expect(shop.cookies).toEqual([])
    const response = await shop.visit((session) => expect(session.subject).toBeUndefined(), { by: attacker })
    expect(response.headers.getSetCookie()).toEqual([])
    await shop.visit((session) => session.set('theme', 'dark'), { by: attacker })
    expect((await shop.store.row()).subject).toBeUndefined()
  })

  it('F23: weeks of use need no further Set-Cookie, and a login on day 29 lasts its own full life', async () => {
    const shop = flow(adapter, { ttl: '2d' })
    await shop.visit((session) => session.set('cart', ['mug']))
    for (let day = 1; day <= 28; day++) {
      shop.clock.now += DAY
      const response = await shop.visit((session) => expect(session.data).toEqual({ cart: ['mug'] }))
      expect(response.headers.getSetCookie()).toEqual([])
    }
    shop.clock.now += DAY
    const login = shop.clock.now
    await shop.visit((session) => (session.subject = 'u_42'))
    expect((await shop.store.row()).endsAt).toBe(login + 30 * DAY)
    for (let day = 1; day < 30; day++) {
      shop.clock.now += DAY
      expect(await shop.see((session) => session.subject)).toBe('u_42')
    }
    shop.clock.now += DAY
    expect(await shop.see((session) => session.subject)).toBeUndefined()
  })

  it('P10: nothing renews a session past its hard end', async () => {
    const shop = flow(adapter, { ttl: '1h', absolute: '2h' })
    await shop.visit((session) => session.set('theme', 'dark'))
    const end = shop.clock.now + 2 * HOUR
    for (const use of ['touch', 'write', 'resetMaxAge', 'regenerate', 'headless'] as const) {
      shop.clock.now += 22 * MINUTE
      await shop.visit(async (session) => {
        if (use === 'touch') session.touch()
        if (use === 'write') session.data['n'] = 1
        if (use === 'resetMaxAge') session.resetMaxAge()
        if (use === 'regenerate') session.regenerate()
        if (use === 'headless') await shop.sessions.renewSession(session.token as string)
      })
      const row = await shop.store.row()
      expect([use, row.endsAt]).toEqual([use, end])
      expect(row.expiresAt).toBe(Math.min(shop.clock.now + HOUR, end))
    }
  })

  it('P10: no renewal shortens a session', async () => {
    const shop = flow(adapter, { ttl: '8h', renewal: '1h', touchEvery: '1m' })
    await shop.visit((session) => session.set('theme', 'dark'))
    const { expiresAt } = await shop.store.row()
    shop.clock.now += HOUR
    await shop.visit((session) => session.touch())
    await shop.visit((session) => session.set('n', 1))
    await shop.sessions.renewSession(shop.value() as string)
    expect((await shop.store.row()).expiresAt).toBe(expiresAt)
    shop.clock.now += 6.5 * HOUR
    await shop.visit((session) => session.data)
    expect((await shop.store.row()).expiresAt).toBe(shop.clock.now + HOUR)
  })
})
