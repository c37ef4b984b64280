/** Every member of `Session`, as a handler uses it. */
import { inspect } from 'node:util'
import { SessionDataError } from 'latchkey'
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

describe('data, get, set, has, unset, clear', () => {
  it('work over the top-level keys of one plain object', async () => {
    const shop = flow({ initial: () => ({ cart: [] }) })
    await shop.visit((session) => {
      expect(session.set('theme', 'dark').set('n', 0)).toBe(session)
      expect([session.has('theme'), session.has('missing'), session.get('missing')]).toEqual([true, false, undefined])
      expect([session.unset('n'), session.unset('n')]).toEqual([true, false])
      expect(session.data).toEqual({ cart: [], theme: 'dark' })
      expect(Object.getPrototypeOf(session.data)).toBe(Object.prototype)
    })
    expect(await shop.see((session) => session.data)).toEqual({ cart: [], theme: 'dark' })
    await shop.visit((session) => session.clear())
    expect(await shop.see((session) => session.data)).toEqual({ cart: [] })
  })

  it('`data` is the same object throughout a request, also after it was replaced, cleared or saved', async () => {
    const shop = flow()
    await shop.visit(async (session) => {
      const { data } = session
      session.data = { a: 1 }
      expect([data, session.data === data]).toEqual([{ a: 1 }, true])
      session.clear()
      session.data['b'] = 1
      await session.save()
      expect([data, session.data === data]).toEqual([{ b: 1 }, true])
    })
  })

  it('anything but a plain object as data is a SessionDataError, and changes nothing', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    await shop.visit((session) => {
      for (const bad of [null, 'text', 1, [], new Map(), undefined]) {
        expect(() => (session.data = bad as never)).toThrow(SessionDataError)
      }
      expect(session.data).toEqual({ a: 1 })
    })
  })
})

describe('update', () => {
  it('takes a function that mutates or returns the next data', async () => {
    const shop = flow({ initial: () => ({ n: 0 }) })
    await shop.visit((session) => {
      session.update((data) => void data['n']++)
      session.update((data) => ({ ...data, m: 1 }))
      expect(session.data).toEqual({ n: 1, m: 1 })
    })
    expect(await shop.see((session) => session.data)).toEqual({ n: 1, m: 1 })
  })

  it('P5: is replayed on what another request wrote meanwhile', async () => {
    const shop = flow()
    const token = await shop.sessions.createSession({ n: 0 })
    shop.plant(token)
    await shop.visit(async (session) => {
      session.update((data) => void data['n']++)
      await shop.sessions.updateSession(token, (data) => ({ ...data, n: data['n'] + 10, other: true }))
    })
    expect(await shop.sessions.retrieveSession(token)).toEqual({ n: 11, other: true })
  })

  it('a function that throws, or is async, leaves the data as it was', async () => {
    const shop = flow({ initial: () => ({ n: 0 }) })
    await shop.visit((session) => {
      const broken = (): void =>
        session.update((data) => {
          data['n'] = 100
          throw new RangeError('no')
        })
      expect(broken).toThrow(RangeError)
      expect(() => session.update((async () => ({ n: 1 })) as never)).toThrow(SessionDataError)
      expect(session.data).toEqual({ n: 0 })
    })
    expect(await shop.store.rows()).toEqual([])
  })
})

describe('flash', () => {
  it('is for the next request, and read once', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.flash('notice', 'Welcome back')
      expect(session.flash('notice')).toBeUndefined()
    })
    await shop.visit((session) => {
      expect([session.flash('notice'), session.flash('notice')]).toEqual(['Welcome back', 'Welcome back'])
    })
    expect(await shop.see((session) => session.flash('notice'))).toBeUndefined()
  })

  it('waits for the request that reads it, key by key', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.flash('notice', 'one')
      session.flash('error', { code: 2 })
    })
    await shop.visit((session) => session.data)
    expect(await shop.see((session) => session.flash('notice'))).toBe('one')
    expect(await shop.see((session) => session.flash('error'))).toEqual({ code: 2 })
    expect((await shop.store.row()).flash).toBeUndefined()
  })

  it('read and set again in one request, what was set is for the next', async () => {
    const shop = flow()
    await shop.visit((session) => session.flash('step', 1))
    for (let step = 1; step < 4; step++) {
      expect(await shop.see((session) => [session.flash('step'), session.flash('step', step + 1)][0])).toBe(step)
    }
  })

  it('survives regenerate() and a login', async () => {
    const shop = flow()
    await shop.visit((session) => session.flash('notice', 'hello'))
    await shop.visit((session) => (session.subject = 'u_42'))
    expect(await shop.see((session) => session.flash('notice'))).toBe('hello')
  })

  it('of a destroyed session is gone; of one that is committed, what is not there still reads as nothing', async () => {
    const shop = flow()
    await shop.visit((session) => session.flash('notice', 'hello'))
    let kept: AnySession | undefined
    await shop.visit((session) => void (kept = session))
    expect(kept?.flash('missing')).toBeUndefined()
    await shop.visit((session) => {
      session.destroy()
      expect(session.flash('notice')).toBeUndefined()
    })
  })

  it('with `undefined` as value nothing is left for the next request', async () => {
    const shop = flow()
    await shop.visit((session) => session.flash('notice', undefined))
    expect(await shop.see((session) => session.flash('notice'))).toBeUndefined()
  })
})

describe('print', () => {
  it('P13: a session shows its id and nothing else, or that it is not stored', async () => {
    const shop = flow()
    const printed = (session: AnySession): string[] => [JSON.stringify({ session }), inspect(session)]
    expect(await shop.see(printed)).toEqual(['{"session":{}}', 'Session { id: (not stored) }'])
    await shop.visit((session) => session.set('card', 'CANARY'))
    const { id } = await shop.store.row()
    expect(await shop.see(printed)).toEqual([`{"session":{"id":"${id}"}}`, `Session { id: ${id} }`])
  })
})

describe('subject, authenticatedAt, info', () => {
  it('`authenticatedAt` is when the subject was set, and follows it', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    shop.clock.now += HOUR
    await shop.visit((session) => {
      session.subject = 'u_42'
      expect([session.subject, session.authenticatedAt]).toEqual(['u_42', shop.clock.now])
    })
    const login = shop.clock.now
    shop.clock.now += HOUR
    await shop.visit((session) => session.regenerate())
    expect(await shop.see((session) => session.authenticatedAt)).toBe(login)
    await shop.visit((session) => (session.subject = undefined))
    expect(await shop.see((session) => session.authenticatedAt)).toBeUndefined()
    await shop.visit((session) => {
      session.subject = 'u_42'
    })
    await shop.visit((session) => {
      session.destroy()
      expect([session.subject, session.authenticatedAt]).toEqual([undefined, undefined])
    })
  })

  it('a subject is a string that is not empty and well-formed', async () => {
    const shop = flow()
    await shop.visit((session) => {
      for (const bad of ['', 42, null, {}, 'lone \ud800 surrogate']) {
        expect(() => (session.subject = bad as never)).toThrow(SessionDataError)
      }
      expect(session.subject).toBeUndefined()
    })
  })

  it('`info` is a string map, mutated or replaced; anything but strings is an error', async () => {
    const shop = flow()
    await shop.visit((session) => (session.info = { device: 'phone', city: 'Lyon' }))
    await shop.visit((session) => {
      session.info['city'] = 'Nice'
      delete session.info['device']
    })
    expect(await shop.see((session) => session.info)).toEqual({ city: 'Nice' })
    const response = await shop.visit((session) => (session.info = { n: 1 } as never))
    expect(response.status).toBe(500)
    expect(await shop.see((session) => session.info)).toEqual({ city: 'Nice' })
  })
})

describe('regenerate', () => {
  it('keeps everything but the token', async () => {
    const shop = flow()
    await shop.visit((session) => {
      session.subject = 'u_42'
      session.data['a'] = 1
      session.info = { device: 'phone' }
    })
    const [old, before] = [shop.value(), await shop.store.row()]
    await shop.visit((session) => {
      session.regenerate()
      expect([session.id, session.token]).toEqual([before.id, undefined])
    })
    const after = await shop.store.row()
    expect(shop.value()).not.toBe(old)
    const kept = ['id', 'data', 'subject', 'info', 'createdAt', 'authenticatedAt', 'endsAt'] as const
    for (const key of kept) expect(after[key], key).toEqual(before[key])
  })

  it('keepData: false also clears data, subject, info, flash and own lifetime: sign-out with a message', async () => {
    const shop = flow({ initial: () => ({ cart: [] }) })
    await shop.visit((session) => {
      session.subject = 'u_42'
      session.data['cart'] = ['mug']
      session.info = { device: 'phone' }
      session.lifetime = { ttl: '60d', absolute: '1y', persistent: false }
      session.flash('old', 'message')
    })
    const attacker = shop.copy()
    await shop.visit((session) => {
      session.regenerate({ keepData: false })
      session.flash('notice', 'Signed out')
    })
    await shop.visit((session) => {
      expect([session.subject, session.authenticatedAt, session.info, session.lifetime]).toEqual([
        undefined,
        undefined,
        {},
        {},
      ])
      expect([session.data, session.flash('old'), session.flash('notice')]).toEqual([
        { cart: [] },
        undefined,
        'Signed out',
      ])
    })
    const row = await shop.store.row()
    expect([row.expiresAt, row.endsAt]).toEqual([shop.clock.now + DAY, shop.clock.now + 30 * DAY])
    expect(await shop.see((session) => session.isNew, attacker)).toBe(true)
  })

  it('on a session that is not stored writes nothing', async () => {
    const shop = flow()
    await shop.visit((session) => session.regenerate())
    expect(shop.store.take()).toEqual([])
  })
})
