/** CookieCache: how long a copy stands in for a read, and what extends a session meanwhile. */
import { StoreUnavailableError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, HOUR, MINUTE, SECOND, signedIn, START } from './cached.ts'

describe('while the copy is fresh', () => {
  it('the store is not read: not once in 29 requests over 29 seconds, then once, then not again', async () => {
    const app = await signedIn({ n: 1 })
    for (let second = 1; second < 30; second++) {
      app.clock.now += SECOND
      expect(await app.see(({ data, subject }) => [data, subject])).toEqual([{ n: 1 }, 'u_1'])
    }
    expect(app.store.take()).toEqual([])
    app.clock.now += SECOND
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual(['get'])
    app.clock.now += 30 * SECOND - 1
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual([])
  })

  it('such a read sets no cookie at all, and no `no-store`', async () => {
    const app = await signedIn()
    const response = await app.visit((session) => session.data)
    expect(cookiesOf(response)).toEqual([])
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    const anonymous = new CachedApp(new WatchedStore())
    await anonymous.visit((session) => session.set('n', 1))
    const read = await anonymous.visit((session) => session.data)
    expect([cookiesOf(read), read.headers.get('cache-control')]).toEqual([[], 'private, no-cache'])
  })

  it('everything of the session is in it: flash, info, lifetime and times', async () => {
    const app = await signedIn()
    await app.visit((session) => {
      session.flash('notice', 'Welcome')
      session.info = { device: 'Firefox' }
      session.lifetime = { ttl: '2d', absolute: '3d', persistent: false }
    })
    app.store.take()
    const seen = await app.see(({ info, lifetime, createdAt, expiresAt, authenticatedAt, isNew, id }) => {
      return { info, lifetime, createdAt, expiresAt, authenticatedAt, isNew, id: typeof id }
    })
    expect(seen).toEqual({
      info: { device: 'Firefox' },
      lifetime: { ttl: 48 * HOUR, absolute: 72 * HOUR, persistent: false },
      createdAt: START,
      expiresAt: START + 48 * HOUR,
      authenticatedAt: START,
      isNew: false,
      id: 'string',
    })
    expect(app.store.take()).toEqual([])
    expect(await app.see((session) => session.flash('notice'))).toBe('Welcome')
    expect(await app.see((session) => session.flash('notice'))).toBeUndefined()
  })

  it('an outage of the store is not even noticed by those who read; afterwards it is one (P11)', async () => {
    const app = await signedIn()
    app.store.down(true)
    expect(await app.see((session) => session.subject)).toBe('u_1')
    app.clock.now += 30 * SECOND
    const response = await app.visit((session) => session.subject)
    expect([response.status, cookiesOf(response)]).toEqual([503, []])
    app.store.down(false)
    expect(await app.see((session) => session.subject)).toBe('u_1')
  })
})

describe('`ttl` is the bound for revocation', () => {
  it.each([
    ['the default', {}, 30 * SECOND],
    ['5 seconds', { ttl: '5s' }, 5 * SECOND],
    ['a minute and a half', { ttl: 90_000 }, 90 * SECOND],
  ] as const)(
    'a session ended elsewhere opens until %s has passed, and not a millisecond longer',
    async (_, cache, ttl) => {
      const app = await signedIn({ n: 1 }, { cache })
      await app.sessions.removeSessionsOf('u_1')
      const thief = app.copy()
      app.clock.now += ttl - 1
      expect(await app.opens(thief)).toEqual({ n: 1 })
      app.clock.now += 1
      expect(await app.opens(thief)).toBeUndefined()
      expect(await app.see((session) => session.isNew)).toBe(true)
    },
  )

  it('counts from the last time the store was asked, not from the last request', async () => {
    const app = await signedIn()
    app.clock.now += 29 * SECOND
    await app.visit((session) => session.data)
    await app.sessions.removeSessionsOf('u_1')
    app.clock.now += SECOND
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('counts from before a write or a read was sent, however long that took', async () => {
    const app = await signedIn()
    for (const [method, handle] of [
      ['update', (session) => session.set('n', 2)],
      ['get', (session) => session.data],
    ] as [string, (session: any) => unknown][]) {
      if (method === 'get') app.clock.now += 31 * SECOND
      const sent = app.clock.now
      app.store.before = async (called) => {
        if (called === method) app.clock.now += 10 * SECOND
      }
      await app.visit(handle)
      app.store.before = () => undefined
      app.store.take()
      app.clock.now = sent + 30 * SECOND - 1
      await app.visit((session) => session.data)
      expect(app.store.take(), method).toEqual([])
      app.clock.now = sent + 30 * SECOND
      await app.visit((session) => session.data)
      expect(app.store.take(), method).toEqual(['get'])
    }
  })

  it('R16 a copy from the future, made by a clock that runs ahead, does not stand in', async () => {
    const app = await signedIn()
    app.clock.now -= 5 * MINUTE
    expect(await app.see((session) => session.subject)).toBe('u_1')
    expect(app.store.take()).toEqual(['get'])
  })

  it('headless calls have no copy: they ask the store, and see the end at once', async () => {
    const app = await signedIn({ n: 1 })
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual(['get'])
    await app.sessions.removeSession(app.token)
    expect(await app.sessions.findSession(app.token)).toBeUndefined()
  })
})

describe('load(request, { fresh: true })', () => {
  it('asks the store though the copy is fresh, and sees the session ended', async () => {
    const app = await signedIn()
    await app.sessions.removeSessionsOf('u_1')
    app.store.take()
    const session = await app.sessions.load(app.request(), { fresh: true })
    expect([session.isNew, session.subject]).toEqual([true, undefined])
    expect(app.store.take()).toEqual(['get'])
  })

  it('in a handler, whoever holds the session sees what the store holds; the answer brings a new copy', async () => {
    const app = await signedIn({ n: 1 })
    await app.sessions.updateSession(app.token, { n: 2 })
    app.store.take()
    const response = await app.visit(async (session, request) => {
      expect(session.data).toEqual({ n: 1 })
      expect(await app.sessions.load(request, { fresh: true })).toBe(session)
      expect(session.data).toEqual({ n: 2 })
    })
    expect([app.store.take(), cookiesOf(response)]).toEqual([['get'], [COPY]])
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual([])
  })

  it('asks once: what the store said already is not asked again', async () => {
    const app = await signedIn()
    app.clock.now += 30 * SECOND
    await app.visit(async (_, request) => {
      await app.sessions.load(request, { fresh: true })
      await app.sessions.load(request, { fresh: true })
    })
    expect(app.store.take()).toEqual(['get'])
  })

  it('F15 access before it is still access: the answer varies by cookie', async () => {
    const app = await signedIn()
    const response = await app.visit(async (session, request) => {
      expect(session.subject).toBe('u_1')
      await app.sessions.load(request, { fresh: true })
    })
    expect(response.headers.get('vary')).toBe('Cookie')
  })

  it('P6: destroy() while it loads is refused, and not forgotten', async () => {
    const app = await signedIn()
    const refused: unknown[] = []
    await app.visit(async (session, request) => {
      app.store.before = () => {
        app.store.before = () => undefined
        expect(() => session.destroy()).toThrow('loaded again. Await that')
        refused.push(true)
      }
      await app.sessions.load(request, { fresh: true })
      session.destroy()
    })
    expect([refused, await app.store.rows()]).toEqual([[true], []])
  })

  it('P6 P15: it waits for what is being saved, whose token is sent', async () => {
    const app = await signedIn({ n: 1 })
    await app.visit(async (session, request) => {
      session.data['n'] = 2
      session.regenerate()
      await Promise.all([session.save(), app.sessions.load(request, { fresh: true })])
    })
    expect(await app.see(({ data, subject }) => [data, subject])).toEqual([{ n: 2 }, 'u_1'])
  })

  it('during an outage it is a StoreUnavailableError, where the copy would have opened', async () => {
    const app = await signedIn()
    app.store.down(true)
    await expect(app.sessions.load(app.request(), { fresh: true })).rejects.toThrow(StoreUnavailableError)
  })

  it('reload() asks the store too, and the answer brings a new copy', async () => {
    const app = await signedIn({ n: 1 })
    await app.sessions.updateSession(app.token, { n: 2 })
    const response = await app.visit((session) => session.reload())
    expect(cookiesOf(response)).toEqual([COPY])
    app.store.take()
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual([])
  })
})

describe('touches', () => {
  const touches = (app: CachedApp): number => app.store.take().filter((call) => call === 'touch').length

  it('P1: a session in use is touched once per `touchEvery`, and lives on; no token cookie is set', async () => {
    const app = await signedIn({}, { ttl: '1h', touchEvery: '6m' })
    let touched = 0
    for (let minute = 0; minute < 180; minute++) {
      app.clock.now += MINUTE
      const response = await app.visit((session) => expect(session.subject).toBe('u_1'))
      expect(cookiesOf(response)).toEqual([COPY])
      touched += touches(app)
    }
    expect(touched).toBe(180 / 6)
  })

  it('P1: requests that come with an older copy do not touch again', async () => {
    const app = await signedIn({}, { ttl: '1h', touchEvery: '6m' })
    const older = app.copy()
    app.clock.now += 6 * MINUTE
    await app.visit((session) => session.subject)
    expect(touches(app)).toBe(1)
    for (let second = 0; second < 30; second++) {
      app.clock.now += SECOND
      await app.opens(older)
    }
    expect(touches(app)).toBe(0)
  })

  it('P1: a copy stands in although a touch is due, as long as the session outlives the copy', async () => {
    const app = await signedIn({}, { ttl: '2m', touchEvery: '5s' })
    app.clock.now += 29 * SECOND
    await app.visit((session) => session.subject)
    expect(app.store.take()).toEqual([])
  })

  it('a session in use does not end for being shorter than the copy is fresh', async () => {
    const app = await signedIn({}, { ttl: '20s', touchEvery: '2s' })
    for (let second = 0; second < 120; second++) {
      app.clock.now += SECOND
      expect(await app.see((session) => session.subject), `after ${second + 1} seconds`).toBe('u_1')
    }
    expect(touches(app)).toBeLessThanOrEqual(60)
    app.clock.now += 20 * SECOND
    expect(await app.see((session) => session.subject)).toBeUndefined()
  })

  it('P9: at exactly its expiry a session is over, fresh copy or not; one extended elsewhere is not', async () => {
    const app = await signedIn({}, { ttl: '20s', touchEvery: '19s' })
    app.clock.now += 10 * SECOND
    await app.sessions.renewSession(app.token)
    const other = await signedIn({}, { ttl: '20s', touchEvery: '19s' })
    app.clock.now = other.clock.now = START + 20 * SECOND
    expect(await app.see((session) => session.subject)).toBe('u_1')
    expect(await other.see((session) => session.subject)).toBeUndefined()
  })

  it('P10: touch() goes through, brings a new copy, and never passes the hard end', async () => {
    const app = await signedIn({}, { ttl: '1h', absolute: '90m' })
    app.clock.now += 50 * MINUTE
    expect(cookiesOf(await app.visit((session) => session.touch()))).toEqual([COPY])
    app.store.take()
    expect(await app.see((session) => session.expiresAt)).toBe(START + 90 * MINUTE)
    expect(app.store.take()).toEqual([])
  })

  it('a touch handed to waitUntil is made once, and the next request asks no more than it must', async () => {
    const app = await signedIn({}, { ttl: '1h', touchEvery: '6m' })
    app.clock.now += 6 * MINUTE
    const waiting: Promise<unknown>[] = []
    const session = await app.sessions.load(app.request())
    const response = await app.sessions.commit(session, new Response('ok'), {
      waitUntil: (promise) => void waiting.push(promise),
    })
    app.keep(response)
    await Promise.all(waiting)
    expect(touches(app)).toBe(1)
    await app.visit(({ subject }) => subject)
    expect(app.store.take()).toEqual([])
  })
})

describe('a visitor without a session', () => {
  it('P2, F01: leaves no cookie and no row, and the store is not called', async () => {
    const app = new CachedApp(new WatchedStore())
    const response = await app.visit((session) => session.data)
    expect([cookiesOf(response), app.store.take()]).toEqual([[], []])
  })
})
