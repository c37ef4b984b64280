/** CookieCache: whose copy it is. It belongs to one token of one session under one key, and everything else is ignored. */
import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import type { Browser } from '../support/browser.ts'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, OLDER, SECOND, SECRET, signedIn, START, TOKEN } from './cached.ts'

/** A browser that sends this token with that copy. */
function mixed(token: Browser, copy: Browser): Browser {
  const browser = token.copy()
  browser.cookies = token.cookies.filter(({ name }) => name === TOKEN)
  browser.plant(copy.value(COPY) ?? '', COPY)
  return browser
}

describe('a copy is bound to its token by id and verifier:', () => {
  it('alone it opens nothing, and nothing is read', async () => {
    const app = await signedIn()
    expect(await app.opens(app.holding(COPY))).toBeUndefined()
    expect(app.store.take()).toEqual([])
  })

  it('with a forged secret of the right id it opens nothing', async () => {
    const app = await signedIn()
    const forger = app.copy()
    forger.plant(`${app.token.split('.')[0]}.${'A'.repeat(43)}`)
    expect(await app.opens(forger)).toBeUndefined()
    expect(app.store.take()).toEqual(['get'])
  })

  it('with the token of another session it is nothing: the store says whose that is', async () => {
    const app = await signedIn({ whose: 'mine' })
    const other = app.copy()
    other.cookies = []
    const response = await app.serve(other.request(), (session) => session.set('whose', 'theirs'))
    for (const line of response.headers.getSetCookie()) other.accept(line, new URL(app.origin))
    app.store.take()
    expect(await app.opens(mixed(other, app))).toEqual({ whose: 'theirs' })
    expect(await app.opens(mixed(app, other))).toEqual({ whose: 'mine' })
    expect(app.store.take()).toEqual(['get', 'get'])
  })

  it.each([
    ['a sign-in', (session: any) => void (session.subject = 'u_2')],
    ['a sign-out', (session: any) => session.regenerate({ keepData: false })],
    ['a subject taken away', (session: any) => void (session.subject = undefined)],
    ['regenerate()', (session: any) => session.regenerate()],
  ])('after %s the old copy is nothing to the new token, and the new one is there at once', async (_, change) => {
    const app = await signedIn({ n: 1 })
    const before = app.copy()
    expect(cookiesOf(await app.visit(change))).toEqual([TOKEN, COPY])
    app.store.take()
    const seen = await app.see(({ subject }) => subject)
    expect(app.store.take()).toEqual([])
    const request = mixed(app, before).request()
    await app.serve(request, (session) => expect(session.subject).toBe(seen))
    expect(app.store.take()).toEqual(['get'])
  })

  it('an older copy that a slow answer puts back after a sign-in is nothing: the sign-in stays (R19)', async () => {
    const app = await signedIn({ n: 1 })
    app.clock.now += 30 * SECOND
    const slow = await app.underway((session) => session.data)
    await app.visit((session) => void (session.subject = 'u_2'))
    app.keep(await slow())
    expect(await app.see((session) => session.subject)).toBe('u_2')
  })

  it('`__proto__` and friends in it are data (P18)', async () => {
    const app = await signedIn(JSON.parse('{"__proto__":{"admin":true},"constructor":1}'))
    const seen = await app.see(({ data }) => [Object.hasOwn(data, '__proto__'), data['constructor'], ({} as any).admin])
    expect(seen).toEqual([true, 1, undefined])
    expect(app.store.take()).toEqual([])
  })

  it('P19: no two requests share an object, though they came with the same copy', async () => {
    const app = await signedIn({ cart: ['mug'] })
    const [a, b] = [await app.see((session) => session.data), await app.see((session) => session.data)]
    expect(a).toEqual(b)
    expect(a['cart']).not.toBe(b['cart'])
  })
})

describe('what is no copy of ours is ignored without a word (P12):', () => {
  it.each([
    ['garbage', () => 'garbage'],
    ['five empty segments', () => '....'],
    ['10 kB', () => 'x'.repeat(10_000)],
    ['the token', (app: CachedApp) => app.token],
    ['one with a byte changed', (app: CachedApp) => flip(app.value(COPY) ?? '')],
    ['one cut short', (app: CachedApp) => (app.value(COPY) ?? '').slice(0, -1)],
  ])('%s', async (_, forge) => {
    const app = await signedIn({ n: 1 })
    const header = `${TOKEN}=${app.token}; ${COPY}=${forge(app)}`
    app.takeEvents()
    const response = await app.serve(new Request(app.origin, { headers: { cookie: header } }), (session) => {
      expect(session.data).toEqual({ n: 1 })
    })
    expect(app.takeEvents()).toEqual(['loaded'])
    expect(app.store.take()).toEqual(['get'])
    expect(cookiesOf(response)).toEqual([COPY])
  })

  it('C11: no single-byte change of a copy stands in for a read', async () => {
    const app = await signedIn({ n: 1 })
    const copy = app.value(COPY) ?? ''
    for (let at = 0; at < copy.length; at++) {
      const header = `${TOKEN}=${app.token}; ${COPY}=${flip(copy, at)}`
      await app.serve(new Request(app.origin, { headers: { cookie: header } }), (session) => session.data)
      expect(app.store.take(), `byte ${at}`).toEqual(['get'])
    }
  })

  it('C02: a record sealed by the same secret for a token, as a CookieStore does, is no copy, nor the reverse', async () => {
    const app = await signedIn({ n: 1 })
    const sealer = new CookieStore({ secret: SECRET })
    const record = { ...(await app.store.row()), data: '{"n":9}', asOf: START }
    for (const name of ['session', 'session.copy', '__Host-session.copy']) {
      const forger = app.holding(TOKEN)
      forger.plant(await sealer.seal(record, { name }), COPY)
      expect(await app.opens(forger)).toEqual({ n: 1 })
    }
    const sealed = new SessionManager({ store: sealer, cookie: { name: COPY }, now: () => app.clock.now })
    expect(await sealed.findSession(app.value(COPY) ?? '')).toBeUndefined()
  })

  it('C02: the copy of another manager’s cookie is nothing', async () => {
    const store = new WatchedStore()
    const shop = new CachedApp(store)
    const admin = new CachedApp(store, { cookie: { name: '__Host-admin' } }, shop.clock)
    await shop.visit((session) => session.set('n', 1))
    const header = `__Host-admin=${shop.token}; __Host-admin.copy=${shop.value(COPY)}`
    store.take()
    await admin.serve(new Request(shop.origin, { headers: { cookie: header } }), (session) => session.data)
    expect(store.take()).toEqual(['get'])
  })

  it('with the `secret` option a forged token never reaches the copy or the store', async () => {
    const app = await signedIn({ n: 1 }, { secret: SECRET })
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    const forger = app.copy()
    forger.plant(flip(app.token))
    expect(await app.opens(forger)).toBeUndefined()
    expect(app.store.take()).toEqual([])
  })
})

describe('keys', () => {
  const rotated = (app: CachedApp, secrets: string[]): CachedApp => {
    const next = new CachedApp(app.store, { cache: { secret: secrets } }, app.clock)
    next.cookies = app.cookies
    return next
  }

  it('C04: an older secret still opens a copy, and the next one is sealed by the first', async () => {
    const old = await signedIn({ n: 1 }, { cache: { secret: OLDER } })
    const app = rotated(old, [SECRET, OLDER])
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual([])
    await app.visit((session) => session.set('n', 2))
    app.store.take()
    const done = rotated(app, [SECRET])
    expect(await done.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual([])
  })

  it('C04: a copy under a secret that was taken away is nothing; the session goes on', async () => {
    const app = rotated(await signedIn({ n: 1 }, { cache: { secret: OLDER } }), [SECRET])
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual(['get'])
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(app.store.take()).toEqual([])
  })
})

describe('size', () => {
  it('a record too large for one cookie has no copy: the old one is cleared, and the store is read again', async () => {
    const app = await signedIn({ n: 1 })
    const response = await app.visit((session) => session.set('text', 'x'.repeat(3_000)))
    expect(cookiesOf(response)).toEqual([`-${COPY}`])
    app.store.take()
    for (let request = 0; request < 3; request++) {
      expect(cookiesOf(await app.visit((session) => session.data))).toEqual([])
      expect(app.store.take()).toEqual(['get'])
    }
    expect(cookiesOf(await app.visit((session) => session.unset('text')))).toEqual([COPY])
  })

  it('P17: one of a megabyte, or with a large flash message, is kept by the store as ever', async () => {
    const app = await signedIn({ n: 1 })
    expect(cookiesOf(await app.visit((session) => session.set('text', 'x'.repeat(1_000_000))))).toEqual([`-${COPY}`])
    expect(await app.see((session) => session.get('text')?.length)).toBe(1_000_000)
    expect(cookiesOf(await app.visit((session) => session.unset('text')))).toEqual([COPY])
    expect(cookiesOf(await app.visit((session) => session.flash('notice', 'x'.repeat(13_000))))).toEqual([`-${COPY}`])
    expect(cookiesOf(await app.visit((session) => session.flash('notice')))).toEqual([COPY])
    const info = (session: any): void => void (session.info = { agent: 'x'.repeat(13_000) })
    expect(cookiesOf(await app.visit(info))).toEqual([`-${COPY}`])
  })

  it('C08: name and value together never pass 4096 octets, and all that fits is kept', async () => {
    const app = await signedIn({ text: '' })
    let largest = 0
    for (let length = 2_300; length <= 2_900; length++) {
      const response = await app.visit((session) => session.set('text', 'x'.repeat(length)))
      const [copy = ''] = response.headers.getSetCookie()
      const size = copy.slice(0, copy.indexOf(';')).length - 1
      if (copy.endsWith('; Max-Age=0')) break
      expect(size).toBeLessThanOrEqual(4096)
      largest = size
    }
    expect(largest).toBeGreaterThan(4090)
  })
})

describe('bearer', () => {
  it('has no copy: every request asks the store, and no cookie is set', async () => {
    const app = new CachedApp(new WatchedStore(), { transport: 'bearer' })
    const token = await app.sessions.createSession({ n: 1 })
    for (let request = 0; request < 2; request++) {
      app.store.take()
      const response = await app.serve(
        new Request(app.origin, { headers: { authorization: `Bearer ${token}` } }),
        (session) => expect(session.data).toEqual({ n: 1 }),
      )
      expect([app.store.take(), cookiesOf(response)]).toEqual([['get'], []])
    }
  })

  it('beside cookies, a copy that comes along with a bearer token is not looked at', async () => {
    const app = await signedIn({ n: 1 }, { transport: ['bearer', 'cookie'] })
    const headers = { authorization: `Bearer ${app.token}`, cookie: `${COPY}=${app.value(COPY)}` }
    const response = await app.serve(new Request(app.origin, { headers }), (session) => session.data)
    expect([app.store.take(), cookiesOf(response)]).toEqual([['get'], []])
  })
})

it('two managers on one request, each with its own cache, are independent (F20)', async () => {
  const clock = { now: START }
  const shop = new CachedApp(new WatchedStore(), {}, clock)
  const admin = new CachedApp(new WatchedStore(), { cookie: { name: '__Host-admin' } }, clock)
  for (const line of (await admin.visit((session) => session.set('who', 'admin'))).headers.getSetCookie())
    shop.accept(line, new URL(shop.origin))
  await shop.visit((session) => session.set('who', 'shop'))
  const request = shop.request()
  const seen = [(await shop.sessions.load(request)).data, (await admin.sessions.load(request)).data]
  expect(seen).toEqual([{ who: 'shop' }, { who: 'admin' }])
  expect([shop.store.take(), admin.store.take()]).toEqual([['create'], ['create']])
})

/** The text with one character changed for another of the same alphabet. */
function flip(text: string, at = text.length - 30): string {
  const next = text[at] === 'A' ? 'B' : 'A'
  return text.slice(0, at) + next + text.slice(at + 1)
}
