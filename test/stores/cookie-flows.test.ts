import { inspect } from 'node:util'
import { SessionExpiredError, SessionManager, SessionStateError } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { countCrypto, DAY, HOUR, SealedApp, SECRET, START, visited, type Data } from './sealed.ts'

afterEach(() => vi.restoreAllMocks())

const sets = (response: Response): string[] => response.headers.getSetCookie()

describe('a session nobody wrote to', () => {
  it('P2, F01: leaves no cookie, and costs no cryptography', async () => {
    const app = new SealedApp()
    const crypto = countCrypto()
    const response = await app.visit((session) =>
      expect([session.data, session.has('n'), session.id]).toEqual([{}, false, undefined]),
    )
    expect(sets(response)).toEqual([])
    expect(crypto()).toEqual({})
    expect(app.takeEvents()).toEqual([])
  })

  it('`saveInitial` seals it all the same', async () => {
    const app = new SealedApp({ saveInitial: true })
    expect(sets(await app.visit(() => undefined))).toHaveLength(1)
  })
})

describe('reading and touching', () => {
  it('P1: a read never sets a cookie and never seals, even when a touch has long been due', async () => {
    const app = await visited()
    app.clock.now += DAY - 1
    const crypto = countCrypto()
    const response = await app.visit((session) => expect(session.data).toEqual({ n: 1 }))
    expect(sets(response)).toEqual([])
    expect(crypto()).toEqual({ decrypt: 1 })
    app.clock.now += 1
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('touch() re-seals with a later expiry, and so does every write', async () => {
    const app = await visited()
    for (const extend of [
      (session: { touch(): void }) => session.touch(),
      (session: { data: Data }) => (session.data['n'] += 1),
    ]) {
      app.clock.now += DAY - HOUR
      expect(sets(await app.visit(extend))).toHaveLength(1)
      expect(await app.see((session) => session.expiresAt)).toBe(app.clock.now + DAY)
    }
  })

  it('P10: no touch goes past the hard end, and none shortens', async () => {
    const app = await visited({}, { ttl: '2d', absolute: '3d', renewal: '1d' })
    await app.visit((session) => session.set('n', 1))
    app.clock.now += HOUR
    await app.visit((session) => session.touch())
    expect(await app.see((session) => session.expiresAt)).toBe(START + 2 * DAY)
    app.clock.now = START + 2 * DAY - HOUR
    await app.visit((session) => session.touch())
    app.clock.now += DAY - HOUR
    await app.visit((session) => session.touch())
    expect(await app.see((session) => session.expiresAt)).toBe(START + 3 * DAY)
  })

  it('P3: assigning the same value is no change, nested mutation is one', async () => {
    const app = await visited({ cart: [{ n: 1 }] })
    expect(sets(await app.visit((session) => void (session.data['cart'] = [{ n: 1 }])))).toEqual([])
    expect(sets(await app.visit((session) => void (session.data['cart'][0].n = 2)))).toHaveLength(1)
  })

  it('P19: no two requests share an object, though they came with the same cookie', async () => {
    const app = await visited({ cart: ['apples'] })
    const seen: Data[] = []
    const requests = [app.request(), app.request()]
    await Promise.all(requests.map((request) => app.serve(request, (session) => void seen.push(session.data['cart']))))
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).not.toBe(seen[1])
  })
})

describe('one session in one request', () => {
  it('reload() drops what was not saved, and comes back to what was', async () => {
    const app = await visited({ n: 1 })
    await app.visit(async (session) => {
      session.data['n'] = 2
      await session.reload()
      expect(session.data).toEqual({ n: 1 })
      session.data['n'] = 3
      await session.save()
      session.data['n'] = 4
      await session.reload()
      expect(session.data).toEqual({ n: 3 })
    })
    expect(await app.see((session) => session.data)).toEqual({ n: 3 })
  })

  it('reload() of an expired or destroyed session is a typed error', async () => {
    const app = await visited()
    await app.visit(async (session) => {
      app.clock.now += DAY
      await expect(session.reload()).rejects.toThrow(SessionExpiredError)
      session.destroy()
      await expect(session.reload()).rejects.toThrow(SessionStateError)
    })
  })

  it('flash messages last one request, info and subject are in the seal', async () => {
    const app = new SealedApp()
    await app.visit((session) => {
      session.subject = 'u_42'
      session.info['device'] = 'Firefox'
      session.flash('notice', 'Welcome')
    })
    expect(await app.see(({ subject, info }) => [subject, info])).toEqual(['u_42', { device: 'Firefox' }])
    expect(await app.see((session) => [session.flash('notice'), session.flash('other')])).toEqual([
      'Welcome',
      undefined,
    ])
    expect(await app.see((session) => session.flash('notice'))).toBeUndefined()
  })

  it('F17, F21, P18: data keys that look like JWT claims or prototypes are plain data', async () => {
    const data = JSON.parse(
      '{"exp":1,"nbf":9e12,"iat":1,"iss":"x","kid":"y","__proto__":{"admin":true},"constructor":5}',
    )
    const app = await visited(data)
    const seen = await app.see((session) => session.data)
    expect(JSON.stringify(seen)).toBe(JSON.stringify(data))
    expect([Object.getPrototypeOf(seen), ({} as Data)['admin']]).toEqual([Object.prototype, undefined])
  })

  it('P13: neither the session nor the manager prints the token or the data', async () => {
    const app = await visited({ canary: 'c4n4ry' })
    const printed = await app.see(
      (session) => inspect({ session, sessions: app.sessions }, { depth: 9 }) + JSON.stringify(session),
    )
    for (const secret of ['c4n4ry', app.token(), SECRET]) expect(printed).not.toContain(secret)
  })

  it('`serializer` is inside the seal', async () => {
    const serializer = {
      stringify: (value: unknown) => `v1${JSON.stringify(value)}`,
      parse: (text: string) => JSON.parse(text.slice(2)),
    }
    const app = await visited({ n: 1 }, { serializer })
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('two cookies over one store are two sessions, each sealed for its own name (F20)', async () => {
    const store = new CookieStore({ secret: SECRET })
    const [shop, admin] = ['shop', 'admin'].map((name) => new SessionManager({ store, cookie: { name } })) as [
      SessionManager,
      SessionManager,
    ]
    const token = await shop.createSession({ n: 1 })
    expect(await shop.retrieveSession(token)).toEqual({ n: 1 })
    expect(await admin.findSession(token)).toBeUndefined()
  })
})
