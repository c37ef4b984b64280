/** Bearer tokens, lists of transports, and CSRF tokens. */
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { flow as flowThrough, rawFetch, type AnySession, type Flow, type FlowOptions } from '../support/flow.ts'

const flow = (options?: FlowOptions): Flow => flowThrough(rawFetch, options)

describe('bearer transport', () => {
  const bearer = (token: string): RequestInit => ({ headers: { Authorization: `Bearer ${token}` } })

  it('F22: takes the token from the header, answers with no cookie, and says so in Vary', async () => {
    const api = flow({ transport: 'bearer' })
    const token = await api.sessions.createSession({ n: 1 }, { subject: 'u_42' })
    const response = await api.visit((session) => {
      expect([session.subject, session.transport, session.token]).toEqual(['u_42', 'bearer', token])
      session.data['n']++
    }, bearer(token))
    expect([response.headers.getSetCookie(), response.headers.get('vary')]).toEqual([[], 'Authorization'])
    expect(await api.sessions.retrieveSession(token)).toEqual({ n: 2 })
  })

  it('F22: a new session hands its token over in the body, after save(); the answer is no-store', async () => {
    const api = flow({ transport: 'bearer' })
    const response = await api.visit(async (session) => {
      session.subject = 'u_42'
      await session.save()
      return Response.json({ token: session.token }, { headers: { 'Cache-Control': 'public' } })
    })
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    const { token } = (await response.json()) as { token: string }
    await api.visit((session) => expect(session.subject).toBe('u_42'), bearer(token))
  })

  it.each(['Basic dTpw', 'Bearer', 'Bearer ', 'Bearer a b', 'bearer garbage', 'Token x'])(
    'P12: %j is a new session, and no error',
    async (authorization) => {
      const api = flow({ transport: 'bearer' })
      await api.visit((session) => expect([session.isNew, session.transport]).toEqual([true, 'bearer']), {
        headers: { Authorization: authorization },
      })
    },
  )

  it('the scheme is matched without case (RFC 9110)', async () => {
    const api = flow({ transport: 'bearer' })
    const token = await api.sessions.createSession({}, { subject: 'u_42' })
    await api.visit((session) => expect(session.subject).toBe('u_42'), {
      headers: { Authorization: `bearer ${token}` },
    })
  })

  it('destroy() and regenerate() work, without cookies', async () => {
    const api = flow({ transport: 'bearer' })
    const token = await api.sessions.createSession({}, { subject: 'u_42' })
    const response = await api.visit(async (session) => {
      session.regenerate()
      await session.save()
      return new Response(session.token)
    }, bearer(token))
    const next = await response.text()
    expect(await api.sessions.findSession(token)).toBeUndefined()
    const gone = await api.visit((session) => session.destroy(), bearer(next))
    expect(gone.headers.getSetCookie()).toEqual([])
    expect(await api.store.rows()).toEqual([])
  })

  it('a list is asked in its order, and a new session answers on the last', async () => {
    for (const transport of [
      ['bearer', 'cookie'],
      ['cookie', 'bearer'],
    ] as const) {
      const api = flow({ transport })
      const [byHeader, byCookie] = [
        await api.sessions.createSession({ by: 'bearer' }),
        await api.sessions.createSession({ by: 'cookie' }),
      ]
      const look = (session: AnySession): unknown => [session.data['by'], session.transport]
      const both = new Browser((request) => api.serve(request))
      both.plant(byCookie)
      let seen: unknown
      const response = await api.visit((session) => void (seen = look(session)), { by: both, ...bearer(byHeader) })
      expect(seen).toEqual([transport[0], transport[0]])
      expect(response.headers.get('vary')?.split(', ').toSorted()).toEqual(['Authorization', 'Cookie'])
      expect(await api.see(look, both)).toEqual(['cookie', 'cookie'])

      const fresh = await api.visit((session) => {
        expect([session.isNew, session.transport]).toEqual([true, transport[1]])
        session.data['by'] = 'new'
      })
      expect(fresh.headers.getSetCookie()).toHaveLength(transport[1] === 'cookie' ? 1 : 0)
      api.cookies = []
    }
  })

  it('in a list, a credential that is not of our form leaves the cookie its say', async () => {
    const api = flow({ transport: ['bearer', 'cookie'] })
    api.plant(await api.sessions.createSession({}, { subject: 'u_42' }))
    for (const authorization of ['Bearer eyJhbGciOiJIUzI1NiJ9.e30.sig', 'Basic dTpw']) {
      await api.visit((session) => expect(session.subject).toBe('u_42'), { headers: { Authorization: authorization } })
    }
  })

  it.each([
    ['a credential that is not of our form before it', 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.sig'],
    ['a cookie after it, which is not asked', undefined],
  ])('P11: in a list, an outage is one, with %s', async (_what, foreign) => {
    for (const onStoreError of ['throw', 'anonymous'] as const) {
      const api = flow({ transport: ['bearer', 'cookie'], onStoreError })
      api.plant(await api.sessions.createSession({}, { subject: 'u_42' }))
      const Authorization = foreign ?? `Bearer ${await api.sessions.createSession({}, { subject: 'u_1' })}`
      api.store.take()
      api.store.down(true)
      let seen: unknown = 'nothing'
      const response = await api.visit((session) => void (seen = session.subject), { headers: { Authorization } })
      expect([response.status, seen]).toEqual(onStoreError === 'throw' ? [503, 'nothing'] : [200, undefined])
      expect([api.store.take(), response.headers.getSetCookie()]).toEqual([['get'], []])
      const written = await api.visit((session) => void session.set('n', 1), { headers: { Authorization } })
      expect(written.status).toBe(503)
      api.store.down(false)
      expect(await api.see((session) => session.subject)).toBe('u_42')
    }
  })
})

describe('csrfToken, verifyCsrf', () => {
  it('F04: counts as a write for a new session, stores nothing of its own, and is masked anew each time', async () => {
    const shop = flow()
    const [one, two] = await shop.see(async (session) => [await session.csrfToken(), await session.csrfToken()])
    expect(one).not.toBe(two)
    const row = await shop.store.row()
    expect([row.data, row.flash]).toEqual(['{}', undefined])
    expect(await shop.see((session) => Promise.all([session.verifyCsrf(one), session.verifyCsrf(two)]))).toEqual([
      true,
      true,
    ])
    expect(JSON.stringify(row)).not.toContain(String(one).slice(10, 40))
  })

  it('on a stored session it writes nothing', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    shop.store.take()
    await shop.visit((session) => session.csrfToken())
    expect(shop.store.take()).toEqual(['get'])
  })

  it('F04: anybody else’s, an old, a changed or no token is refused, and nothing throws', async () => {
    const shop = flow()
    const own = await shop.see((session) => session.csrfToken())
    const stranger = new Browser((request) => shop.serve(request))
    const foreign = await shop.see((session) => session.csrfToken(), stranger)
    const flipped = `${own.slice(0, -2)}${own.at(-2) === 'A' ? 'B' : 'A'}${own.at(-1)}`
    const bad = [foreign, flipped, own.slice(1), `${own}A`, '', undefined, null, 1, {}, [own], new Blob([own])]
    await shop.visit(async (session) => {
      for (const value of bad) expect(await session.verifyCsrf(value)).toBe(false)
      expect(await session.verifyCsrf(own)).toBe(true)
    })
    await shop.visit((session) => session.regenerate())
    expect(await shop.see((session) => session.verifyCsrf(own))).toBe(false)
  })

  it('F04: one drawn before a login in the same request does not outlive it', async () => {
    const shop = flow()
    await shop.visit((session) => session.set('a', 1))
    const before = await shop.see(async (session) => {
      const token = await session.csrfToken()
      session.subject = 'u_42'
      return token
    })
    expect(await shop.see((session) => session.verifyCsrf(before))).toBe(false)
  })

  it('on a session that is not stored, or was destroyed, nothing verifies', async () => {
    const shop = flow()
    const token = await shop.see((session) => session.csrfToken())
    await shop.visit(async (session) => {
      session.destroy()
      expect(await session.verifyCsrf(token)).toBe(false)
      await expect(session.csrfToken()).rejects.toMatchObject({ code: 'SESSION_STATE' })
    })
    expect(await shop.see((session) => session.verifyCsrf(token))).toBe(false)
  })
})
