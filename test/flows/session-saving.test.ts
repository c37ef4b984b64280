/** Saving, reloading and touching a session during a request, and what it tells about itself. */
import { inspect } from 'node:util'
import { SessionExpiredError, SessionNotFoundError, SessionStateError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { DAY, flow as flowThrough, HOUR, rawFetch, type Flow, type FlowOptions } from '../support/flow.ts'

const flow = (options?: FlowOptions): Flow => flowThrough(rawFetch, options)

describe('save, reload', () => {
  it('save() stores even a session nobody wrote to, and makes id and token readable', async () => {
    const shop = flow()
    await shop.visit(async (session) => {
      await session.save()
      expect(session.isNew).toBe(false)
      expect(session.token).toMatch(new RegExp(`^${session.id}\\.[\\w-]{43}$`))
    })
    expect(await shop.see((session) => session.token)).toBe(shop.value())
  })

  it('after regenerate() and save() the new token is readable at once, and the old one dead', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    const attacker = shop.copy()
    await shop.visit(async (session) => {
      const old = session.token
      session.regenerate()
      expect(session.token).toBeUndefined()
      await session.save()
      expect([typeof session.token, session.token === old]).toEqual(['string', false])
      expect(await shop.sessions.findSession(String(old))).toBeUndefined()
    })
    expect(await shop.see((session) => session.isNew, attacker)).toBe(true)
  })

  it('`info` and `data` held across save() go on being the session’s, and are closed with its response', async () => {
    const shop = flow()
    let held: { info: Record<string, string>; data: Record<string, unknown> } | undefined
    await shop.visit(async (session) => {
      held = { info: session.info, data: session.data }
      held.info['device'] = 'phone'
      held.data['n'] = 1
      await session.save()
      held.info['place'] = 'Lyon'
      held.data['n'] = 2
    })
    expect(await shop.see((session) => [session.info, session.data])).toEqual([
      { device: 'phone', place: 'Lyon' },
      { n: 2 },
    ])
    expect(() => ((held?.info ?? {})['place'] = 'Nice')).toThrow(TypeError)
    expect(() => ((held?.data ?? {})['n'] = 3)).toThrow(TypeError)
  })

  it('save() of an unchanged session writes nothing', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    shop.store.take()
    await shop.visit((session) => session.save())
    expect(shop.store.take()).toEqual(['get'])
  })

  it('save() carries out destroy(), once', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    shop.store.take()
    const response = await shop.visit(async (session) => {
      session.destroy()
      await session.save()
      expect(await shop.store.rows()).toEqual([])
    })
    expect(shop.store.take()).toEqual(['get', 'destroy'])
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=0')])
  })

  it('P6: save() on a session that was ended meanwhile is a SessionNotFoundError', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    await shop.visit(async (session) => {
      await shop.sessions.removeSession(session.token as string)
      session.data['a'] = 2
      await expect(session.save()).rejects.toThrow(SessionNotFoundError)
    })
    expect(await shop.store.rows()).toEqual([])
  })

  it('save() after the response was built is a SessionStateError', async () => {
    const shop = flow()
    let late: (() => Promise<void>) | undefined
    await shop.visit((session) => void (late = () => session.save()))
    await expect(late?.()).rejects.toThrow(SessionStateError)
  })

  it('reload() drops what was not saved and shows what others wrote', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    await shop.visit(async (session) => {
      await shop.sessions.updateSession(session.token as string, (data) => ({ ...data, b: 2 }))
      session.data['a'] = 100
      session.subject = 'u_42'
      await session.reload()
      expect([session.data, session.subject, session.token]).toEqual([{ a: 1, b: 2 }, undefined, shop.value()])
    })
    expect(await shop.see((session) => session.data)).toEqual({ a: 1, b: 2 })
  })

  it('reload() of a new session goes back to `initial`', async () => {
    const shop = flow({ initial: () => ({ cart: [] }) })
    await shop.visit(async (session) => {
      session.data['cart'].push('mug')
      await session.reload()
      expect(session.data).toEqual({ cart: [] })
    })
    expect(await shop.store.rows()).toEqual([])
  })

  it('reload() of a session that was ended or has expired meanwhile is the typed error', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    await shop.visit(async (session) => {
      shop.clock.now += DAY
      await expect(session.reload()).rejects.toThrow(SessionExpiredError)
      shop.clock.now -= DAY
      await shop.sessions.removeSession(session.token as string)
      await expect(session.reload()).rejects.toThrow(SessionNotFoundError)
    })
  })
})

describe('isNew, createdAt, lastSeenAt, expiresAt, touch, printing', () => {
  it('tell the truth of new and stored sessions', async () => {
    const shop = flow({ ttl: '2h', renewal: '3h', touchEvery: '30m' })
    const start = shop.clock.now
    await shop.visit(async (session) => {
      expect([session.isNew, session.createdAt, session.expiresAt]).toEqual([true, start, start + 2 * HOUR])
      session.data['a'] = 1
      await session.save()
      expect([session.isNew, session.createdAt, session.expiresAt]).toEqual([false, start, start + 2 * HOUR])
    })
    shop.clock.now += HOUR
    expect(await shop.see(({ createdAt, lastSeenAt }) => [createdAt, lastSeenAt])).toEqual([start, start])
    const seen = await shop.see(({ createdAt, lastSeenAt, expiresAt }) => [createdAt, lastSeenAt, expiresAt])
    expect(seen).toEqual([start, start + HOUR, start + 4 * HOUR])
  })

  it('touch() extends at once, inside `touchEvery` too, and sends no cookie', async () => {
    const shop = flow({ ttl: '1h', touchEvery: '30m' })
    await shop.visit((session) => session.set('a', 1))
    shop.clock.now += 60_000
    shop.store.take()
    const response = await shop.visit((session) => session.touch())
    expect(shop.store.take()).toEqual(['get', 'touch'])
    expect(response.headers.getSetCookie()).toEqual([])
    expect((await shop.store.row()).expiresAt).toBe(shop.clock.now + HOUR)
  })

  it('touch() is no reason to store a new session', async () => {
    const shop = flow()
    await shop.visit((session) => session.touch())
    expect(await shop.store.rows()).toEqual([])
  })

  it('P13: prints its id and nothing else, without that being an access', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.data['card'] = '4111'
    })
    const { id } = await shop.store.row()
    const response = await shop.visit((session) => {
      expect(JSON.parse(JSON.stringify(session))).toEqual({ id })
      expect(inspect(session)).toBe(`Session { id: ${id} }`)
      expect(inspect({ session }, { depth: 9, showHidden: true })).not.toContain('4111')
    })
    expect(response.headers.get('vary')).toBeNull()
  })

  it('the same Request is the same session, and bind() makes another stand for it', async () => {
    const shop = flow()
    await shop.visit(async (session, request) => {
      expect(await shop.sessions.load(request)).toBe(session)
      const rewrapped = new Request(request)
      shop.sessions.bind(rewrapped, session)
      expect(await shop.sessions.load(rewrapped)).toBe(session)
    })
  })
})
