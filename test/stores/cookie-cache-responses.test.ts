/** CookieCache: what the responses say, and what the options may be. */
import { SessionConfigError } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, SECOND, SECRET, signedIn, TOKEN } from './cached.ts'

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

  it('P15: a 500 drops what the handler changed, from the copy too', async () => {
    const app = await signedIn({ n: 1 })
    app.clock.now += 30 * SECOND
    const response = await app.visit((session) => {
      session.data['n'] = 2
      return new Response('oops', { status: 500 })
    })
    expect(response.status).toBe(500)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('F10: an upgrade is passed through as it is', async () => {
    const app = await signedIn()
    app.clock.now += 30 * SECOND
    const session = await app.sessions.load(app.request())
    const upgrade = { status: 101 } as Response
    expect(await app.sessions.commit(session, upgrade)).toBe(upgrade)
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
    ['an option of CookieStore', new MemoryStore(), { secret: SECRET, revocations: new MemoryStore() }, /is no option/],
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
