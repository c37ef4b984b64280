import { inspect } from 'node:util'
import { SessionExpiredError, SessionManager, SessionStateError } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore } from 'latchkey/stores/cookie'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { COOKIE, countCrypto, DAY, HOUR, SealedApp, SECRET, START, type Data } from './sealed.ts'

afterEach(() => vi.restoreAllMocks())

/** An app whose visitor has written once. */
async function visited(
  data: Data = { n: 1 },
  options?: ConstructorParameters<typeof SealedApp>[0],
): Promise<SealedApp> {
  const app = new SealedApp(options)
  await app.visit((session) => void (session.data = data))
  app.takeEvents()
  return app
}

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

describe('bad cookies', () => {
  const garbage = [
    '',
    ' ',
    'x',
    '....',
    '"',
    '%00',
    'null',
    '{}',
    `${'a'.repeat(22)}.${'b'.repeat(43)}`,
    'é',
    '.'.repeat(9000),
  ]

  it.each(garbage)(
    'P12, F24: %j is a new session; the cookie is left alone until the handler writes',
    async (value) => {
      const app = new SealedApp()
      const request = (): Request =>
        new Request(app.origin, { headers: { cookie: `${COOKIE}=${Buffer.from(value).toString('latin1')}` } })
      const read = await app.serve(request(), (session) => expect(session.data).toEqual({}))
      expect([read.status, sets(read)]).toEqual([200, []])
      const written = await app.serve(request(), (session) => session.set('n', 1))
      expect(sets(written)).toHaveLength(1)
    },
  )

  it('P8: a key holder aside, nobody chooses an id: what replaces a bad cookie has an id of its own', async () => {
    const app = await visited()
    const id = await app.see((session) => session.id)
    app.plant(`${app.token().slice(0, -1)}_`)
    await app.visit((session) => session.set('n', 2))
    expect(await app.see((session) => session.id)).not.toBe(id)
  })
})

describe('responses', () => {
  it.each([
    ['a redirect', () => Response.redirect('https://shop.example/cart', 303)],
    ['an immutable response', () => Object.freeze(Response.error() && Response.json({}, { status: 404 }))],
    ['an empty response', () => new Response(null, { status: 204 })],
  ])('P16, F09: %s carries the one cookie, and is not to be cached', async (_, make) => {
    const app = new SealedApp()
    const response = await app.visit((session) => (session.set('n', 1), make()))
    expect(sets(response)).toHaveLength(1)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('F12, F13: two saves are one Set-Cookie, with the last of the data, beside the cookies of the app', async () => {
    const app = new SealedApp()
    const response = await app.visit(async (session) => {
      session.data['n'] = 1
      await session.save()
      session.data['n'] = 2
      await session.save()
      return new Response(null, { headers: { 'Set-Cookie': 'theme=dark' } })
    })
    expect(sets(response).map((line) => line.split('=')[0])).toEqual(['theme', COOKIE])
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
  })

  it('F11: saved before a stream, the cookie is on the response; a write from within it is refused', async () => {
    const app = new SealedApp()
    let failure: unknown
    const response = await app.visit(async (session) => {
      session.data['n'] = 1
      await session.save()
      const body = new ReadableStream(
        {
          pull(controller) {
            try {
              session.data['n'] = 2
            } catch (error) {
              failure = error
            }
            controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    expect(sets(response)).toHaveLength(1)
    await response.text()
    expect(failure).toBeInstanceOf(SessionStateError)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it.each(['new', 'stored'])(
    'P16: on an upgrade no cookie can be set: what a %s session changed is reported as lost',
    async (kind) => {
      const app = kind === 'stored' ? await visited() : new SealedApp()
      const upgrade = withSession(app.sessions, (_request, session) => void (session.data['n'] = 2))
      expect(await upgrade(app.request())).toBeUndefined()
      expect(app.takeEvents().filter((name) => name !== 'loaded')).toEqual(['lost'])
    },
  )

  it('P15, F07: a 5xx drops the data, and still carries out regenerate() and destroy()', async () => {
    const app = await visited()
    const failed = (): Response => new Response(null, { status: 500 })
    const before = await app.see((session) => session.id)
    expect(sets(await app.visit((session) => (session.set('n', 2), failed())))).toEqual([])
    expect(sets(await app.visit((session) => (session.set('n', 2), session.regenerate(), failed())))).toHaveLength(1)
    const [id, data] = await app.see((session) => [session.id, session.data])
    expect([id === before, data]).toEqual([false, { n: 1 }])
    await app.visit((session) => (session.destroy(), failed()))
    expect(app.cookies).toEqual([])
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
