/** A session's own lifetime: "remember me", and back. */
import { SessionConfigError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import {
  DAY,
  flow as flowThrough,
  HOUR,
  rawFetch,
  type AnySession,
  type Flow,
  type FlowOptions,
} from '../support/flow.ts'

const flow = (options?: FlowOptions): Flow => flowThrough(rawFetch, options)

describe('lifetime', () => {
  it('is kept in the record, and renewals follow it', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.lifetime = { ttl: '7d', absolute: '90d' }
      expect(session.lifetime).toEqual({ ttl: 7 * DAY, absolute: 90 * DAY })
      expect(session.expiresAt).toBe(shop.clock.now + 7 * DAY)
    })
    const start = shop.clock.now
    for (let week = 1; week <= 12; week++) {
      shop.clock.now = start + week * (7 * DAY - HOUR)
      expect(await shop.see((session) => session.lifetime)).toEqual({ ttl: 7 * DAY, absolute: 90 * DAY })
    }
    const row = await shop.store.row()
    expect([row.expiresAt, row.endsAt]).toEqual([start + 90 * DAY, start + 90 * DAY])
  })

  it('`absolute: false` means no hard end', async () => {
    const shop = flow()
    await shop.visit((session) => (session.lifetime = { ttl: '300d', absolute: false }))
    for (let year = 0; year < 5; year++) {
      shop.clock.now += 299 * DAY
      expect(await shop.see((session) => session.isNew)).toBe(false)
      // The browser drops any cookie after 400 days; the session itself has no end.
      shop.cookies.forEach((cookie) => (cookie.expires = undefined))
    }
    expect((await shop.store.row()).endsAt).toBeNull()
    expect(await shop.see((session) => session.lifetime)).toEqual({ ttl: 300 * DAY, absolute: false })
  })

  it('what is shown of a new lifetime before it is written is what is written then', async () => {
    const shop = flow()
    await shop.visit((session) => (session.subject = 'u_1'))
    for (let day = 0; day < 29; day++) {
      shop.clock.now += DAY - 1
      await shop.visit((session) => session.touch())
    }
    let shown = 0
    await shop.visit((session) => {
      session.lifetime = { ttl: '7d' }
      shown = session.expiresAt
    })
    expect(shown).toBe((await shop.store.row()).expiresAt)
    expect(shown).toBeLessThan(shop.clock.now + 2 * DAY)
  })

  it('a `ttl` beyond the `absolute` in force is an error that says so, and changes nothing', async () => {
    const shop = flow()
    await shop.visit((session) => {
      expect(() => (session.lifetime = { ttl: '31d' })).toThrow(SessionConfigError)
      expect(() => (session.lifetime = { ttl: '31d' })).toThrow(/absolute/)
      expect(() => (session.lifetime = { ttl: '2d', absolute: '1d' })).toThrow(SessionConfigError)
      expect(session.lifetime).toEqual({})
      session.lifetime = { ttl: '30d' }
    })
    await expect(shop.sessions.createSession({}, { ttl: '31d' })).rejects.toThrow(SessionConfigError)
  })

  it.each([
    null,
    'long',
    { ttl: 0 },
    { ttl: -1 },
    { ttl: '5 days' },
    { ttl: false },
    { absolute: 'never' },
    { persistent: 'no' },
    { maxAge: '1d' },
  ])('%j is an error naming what is wrong', async (lifetime) => {
    const shop = flow()
    await shop.visit((session) => {
      expect(() => (session.lifetime = lifetime as never)).toThrow(SessionConfigError)
      expect(() => (session.lifetime = lifetime as never)).toThrow(/lifetime/)
    })
  })

  const remember = (session: AnySession): unknown => (session.lifetime = { ttl: '60d', absolute: '1y' })
  const signIn = (session: AnySession): unknown => (session.subject = 'u_42')
  it.each([
    ['lifetime, then subject', [remember, signIn]],
    ['subject, then lifetime', [signIn, remember]],
  ] as const)('set beside a new subject, both hold: %s', async (_, steps) => {
    for (const anonymous of [true, false]) {
      const shop = flow()
      if (anonymous) await shop.visit((session) => session.set('cart', ['mug']))
      shop.clock.now += anonymous ? 12 * HOUR : 0
      const response = await shop.visit((session) => steps.forEach((step) => step(session)))
      const row = await shop.store.row()
      expect([row.subject, row.authenticatedAt]).toEqual(['u_42', shop.clock.now])
      expect([row.expiresAt, row.endsAt]).toEqual([shop.clock.now + 60 * DAY, shop.clock.now + 365 * DAY])
      expect(response.headers.getSetCookie()[0]).toContain(`Max-Age=${(365 * DAY) / 1000}`)
    }
  })

  it('a shorter lifetime shortens: what the user asked for is not a renewal', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    await shop.visit((session) => (session.lifetime = { ttl: '1h', absolute: '2h' }))
    const row = await shop.store.row()
    expect([row.expiresAt, row.endsAt]).toEqual([shop.clock.now + HOUR, shop.clock.now + 2 * HOUR])
  })

  it('resetMaxAge() goes back to the configured lifetime, and touches', async () => {
    const shop = flow()
    await shop.visit((session) => (session.lifetime = { ttl: '20d', absolute: '1y' }))
    const start = shop.clock.now
    shop.clock.now += HOUR
    await shop.visit((session) => {
      session.resetMaxAge()
      expect(session.lifetime).toEqual({})
    })
    const row = await shop.store.row()
    expect([row.expiresAt, row.endsAt, row.ttl]).toEqual([shop.clock.now + DAY, start + 30 * DAY, undefined])
  })

  it('resetMaxAge() without a lifetime of its own is a touch', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    shop.clock.now += 60_000
    shop.store.take()
    await shop.visit((session) => session.resetMaxAge())
    expect(shop.store.take()).toEqual(['get', 'touch'])
    expect((await shop.store.row()).expiresAt).toBe(shop.clock.now + DAY)
  })
})
