/** CookieCache: how long a copy stands in for a read, what extends a session meanwhile, and what the responses say. */
import { SessionConfigError, StoreUnavailableError } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, HOUR, MINUTE, SECOND, SECRET, signedIn, START, TOKEN } from './cached.ts'

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

  it('it counts from the last time the store was asked, not from the last request', async () => {
    const app = await signedIn()
    app.clock.now += 29 * SECOND
    await app.visit((session) => session.data)
    await app.sessions.removeSessionsOf('u_1')
    app.clock.now += SECOND
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('it counts from before a write or a read was sent, however long that took', async () => {
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

describe('the responses', () => {
  it('P16: one Set-Cookie per name, however often the session was saved', async () => {
    const app = new CachedApp(new WatchedStore())
    const response = await app.visit(async (session) => {
      session.subject = 'u_1'
      await session.save()
      session.data['n'] = 1
      await session.save()
      session.regenerate()
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
  })

  it('P16: nor does a response that carries ours already have them twice; cookies of the app stay', async () => {
    const app = await signedIn()
    const response = await app.visit((session) => {
      session.regenerate()
      const headers = new Headers({ 'Set-Cookie': `${COPY}=old` })
      for (const line of [`${TOKEN}=old`, 'theme=dark', `${TOKEN}.copyright=mine`]) headers.append('Set-Cookie', line)
      return new Response('ok', { headers })
    })
    expect(cookiesOf(response)).toEqual(['theme', `${TOKEN}.copyright`, TOKEN, COPY])
  })

  it('P16: a new copy alone takes no other cookie away, not even one under the name of the token', async () => {
    const app = await signedIn()
    app.clock.now += 30 * SECOND
    const response = await app.visit((session) => {
      expect(session.subject).toBe('u_1')
      return new Response('ok', { headers: { 'Set-Cookie': `${TOKEN}=handed-out-by-the-app; Path=/` } })
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
  })

  it('P16: one that carries a copy is `private, no-store` whatever it said, for every cache', async () => {
    const app = await signedIn()
    app.clock.now += 30 * SECOND
    const response = await app.visit((session) => {
      expect(session.subject).toBe('u_1')
      return new Response('ok', {
        headers: { 'Cache-Control': 'public, max-age=60', 'CDN-Cache-Control': 'max-age=60', Expires: '0' },
      })
    })
    expect(cookiesOf(response)).toEqual([COPY])
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'cache-control': 'private, no-store', vary: 'Cookie' })
    for (const name of ['cdn-cache-control', 'expires']) expect(response.headers.get(name)).toBeNull()
  })

  it('one that did not use the session and may be cached stays as it is', async () => {
    const app = await signedIn()
    app.clock.now += 30 * SECOND
    const response = await app.visit(() => new Response('logo', { headers: { 'Cache-Control': 'public, max-age=60' } }))
    expect([cookiesOf(response), response.headers.get('cache-control')]).toEqual([[], 'public, max-age=60'])
    expect(cookiesOf(await app.visit(() => new Response('ok')))).toEqual([COPY])
  })

  it('an upgrade is passed through, and a 500 drops the data and keeps the session', async () => {
    const app = await signedIn({ n: 1 })
    app.clock.now += 30 * SECOND
    const failed = await app.visit((session) => {
      session.data['n'] = 2
      return new Response('oops', { status: 500 })
    })
    expect(failed.status).toBe(500)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    const upgrade = await app.serve(app.request(), () => undefined)
    expect(upgrade.status).toBe(200)
    const session = await app.sessions.load(app.request())
    const switched = { status: 101 } as Response
    expect(await app.sessions.commit(session, switched)).toBe(switched)
  })

  it('P11: a failed write sets no cookie, neither by commit nor by save()', async () => {
    for (const handle of [
      (session) => session.set('n', 2),
      (session) => session.set('n', 2).save(),
      (session) => session.regenerate(),
    ] as ((session: any) => unknown)[]) {
      const app = await signedIn()
      app.clock.now += 30 * SECOND
      app.store.failing = new Set(['update'])
      const response = await app.visit(handle)
      expect([response.status, cookiesOf(response)]).toEqual([503, []])
    }
  })

  it('the copy is as the token cookie is: __Host-, Secure, HttpOnly, SameSite; and ends with `ttl`', async () => {
    const app = new CachedApp(new WatchedStore())
    const [token, copy] = (await app.visit((session) => session.set('n', 1))).headers.getSetCookie()
    expect(copy?.replace(/=[^;]+/, '')).toBe(`${COPY}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=30`)
    expect(token).toContain('; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000')
    const own = new CachedApp(new WatchedStore(), {
      cookie: { name: 'sid', domain: 'shop.example', sameSite: 'none', partitioned: true },
    })
    const set = (await own.visit((session) => session.set('n', 1))).headers.getSetCookie()
    expect(set.map((line) => line.replace(/=[^;]+/, '').replace(/; Max-Age=\d+/, ''))).toEqual([
      'sid; Path=/; Domain=shop.example; HttpOnly; SameSite=None; Secure; Partitioned',
      'sid.copy; Path=/; Domain=shop.example; HttpOnly; SameSite=None; Secure; Partitioned',
    ])
  })

  it('on plain-http loopback it has the name that goes with the scheme', async () => {
    const app = new CachedApp(new WatchedStore())
    const request = new Request('http://localhost:8787/')
    const response = await app.serve(request, (session) => session.set('n', 1))
    expect(cookiesOf(response)).toEqual(['session', 'session.copy'])
  })

  it('P13: the copy is sealed: neither data, nor subject, nor verifier can be read in it', async () => {
    const app = new CachedApp(new WatchedStore())
    await app.visit((session) => {
      session.subject = 'u_canary'
      session.data['card'] = '4111 canary'
    })
    const text = app.cookies
      .map(({ value }) => value.split('.').map((part) => atob(part.replaceAll(/[-_]/g, 'A'))))
      .join()
    expect(text).not.toMatch(/canary|4111/)
    expect(text).not.toContain((await app.store.row()).verifier)
  })
})

describe('the options', () => {
  const make =
    (store: unknown, options?: unknown): (() => CookieCache) =>
    () =>
      new CookieCache(store as MemoryStore, options as { secret: string })

  it.each([
    ['no store', undefined, { secret: SECRET }, /needs a store/],
    ['options in the place of the store', { secret: SECRET }, undefined, /needs a store/],
    ['no options', new MemoryStore(), undefined, /secret/],
    ['a secret that is undefined', new MemoryStore(), { secret: undefined }, /is SESSION_SECRET set/],
    ['a short secret', new MemoryStore(), { secret: 'short' }, /at least 32 bytes/],
    ['a wrong ttl', new MemoryStore(), { secret: SECRET, ttl: '30 seconds' }, /`ttl`/],
    ['a ttl of 0', new MemoryStore(), { secret: SECRET, ttl: 0 }, /`ttl`/],
    ['a CookieStore', new CookieStore({ secret: SECRET }), { secret: SECRET }, /CookieStore/],
    ['another CookieCache', make(new MemoryStore(), { secret: SECRET })(), { secret: SECRET }, /two copies/],
  ])('%s is a SessionConfigError', (_, store, options, message) => {
    expect(make(store, options)).toThrow(SessionConfigError)
    expect(make(store, options)).toThrow(message)
  })

  it('C14: the secret is in no message and in no inspection', async () => {
    const { inspect } = await import('node:util')
    const cache = new CookieCache(new MemoryStore(), { secret: SECRET })
    expect(inspect(cache, { depth: 9, showHidden: true }) + JSON.stringify(cache)).not.toContain(SECRET)
    expect(() => new CookieCache(new MemoryStore(), { secret: 'a short one' })).not.toThrow('a short one')
  })
})
