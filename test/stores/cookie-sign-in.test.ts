import { describe, expect, it } from 'vitest'
import { COOKIE, DAY, HOUR, SealedApp, START, visited, type Data } from './sealed.ts'

describe('signing in', () => {
  it('F03: a new subject means a new token under a new id, data kept; a second factor by regenerate() another', async () => {
    const app = await visited({ cart: ['apples'] })
    const ids = [await app.see((session) => session.id)]
    app.clock.now += HOUR
    await app.visit((session) => (session.subject = 'u_42'))
    expect(app.takeEvents()).toContain('regenerated')
    ids.push(await app.see((session) => session.id))
    await app.visit((session) => session.regenerate())
    ids.push(await app.see((session) => session.id))
    expect(new Set(ids).size).toBe(3)
    const seen = await app.see(({ data, subject, authenticatedAt, createdAt }) => ({
      data,
      subject,
      authenticatedAt,
      createdAt,
    }))
    expect(seen).toEqual({
      data: { cart: ['apples'] },
      subject: 'u_42',
      authenticatedAt: START + HOUR,
      createdAt: START,
    })
  })

  it('F23: it starts a new overall life, for the seal and for the cookie', async () => {
    const app = await visited()
    app.clock.now += DAY - 1
    const response = await app.visit((session) => (session.subject = 'u_42'))
    expect(response.headers.get('Set-Cookie')).toContain('; Max-Age=2592000')
    expect(await app.see((session) => session.expiresAt)).toBe(app.clock.now + DAY)
  })

  it('a write within one life leaves id, subject and hard end as they were', async () => {
    const app = await visited()
    await app.visit((session) => (session.subject = 'u_42'))
    const id = await app.see((session) => session.id)
    app.clock.now += HOUR
    const response = await app.visit((session) => session.set('n', 2))
    expect(response.headers.get('Set-Cookie')).toContain(`; Max-Age=${2_592_000 - 3600}`)
    expect(await app.see((session) => [session.id, session.subject])).toEqual([id, 'u_42'])
  })

  it('regenerate({ keepData: false }) signs out under a new id and leaves only the message', async () => {
    const app = await visited()
    await app.visit((session) => (session.subject = 'u_42'))
    const before = await app.see((session) => session.id)
    await app.visit((session) => {
      session.regenerate({ keepData: false })
      session.flash('notice', 'Bye')
    })
    const seen = await app.see((session) => [
      session.id === before,
      session.subject,
      session.data,
      session.flash('notice'),
    ])
    expect(seen).toEqual([false, undefined, {}, 'Bye'])
  })

  it('the new token is there after save(), and the id before it is not the id after', async () => {
    const app = await visited()
    await app.visit(async (session) => {
      const { id, token } = session
      session.regenerate()
      expect(session.token).toBeUndefined()
      await session.save()
      expect(session.token).not.toBe(token)
      expect(session.id).not.toBe(id)
    })
  })

  it('sessions.regenerate(request) ends the session and starts an empty one under a new id', async () => {
    const app = await visited()
    const id = await app.see((session) => session.id)
    await app.visit(async (_session, request) => (await app.sessions.regenerate(request)).set('fresh', true))
    expect(await app.see((session) => [session.id === id, session.data])).toEqual([false, { fresh: true }])
  })

  it('sessions.regenerate(request) clears the cookie when nobody writes, and the session at hand is the new one', async () => {
    const app = await visited()
    const response = await app.visit(async (session, request) => {
      await app.sessions.regenerate(request)
      expect([session.isNew, session.data]).toEqual([true, {}])
    })
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining(`${COOKIE}=; `)])
  })
})

describe('lifetimes', () => {
  it('"remember me" is kept inside the seal, and holds for every later write', async () => {
    const app = new SealedApp()
    await app.visit((session) => {
      session.lifetime = { ttl: '60d', absolute: '1y' }
      session.subject = 'u_42'
    })
    app.clock.now += 50 * DAY
    const response = await app.visit((session) => session.set('n', 1))
    expect(response.headers.get('Set-Cookie')).toContain(`; Max-Age=${(365 - 50) * 86_400}`)
    const seen = await app.see((session) => [session.lifetime, session.expiresAt])
    expect(seen).toEqual([{ ttl: 60 * DAY, absolute: 365 * DAY }, START + 110 * DAY])
  })

  it('`persistent: false` ends with the browser, now and after every later write', async () => {
    const app = new SealedApp()
    for (const write of [
      (session: { lifetime: object }) => (session.lifetime = { persistent: false }),
      (session: { touch(): void }) => session.touch(),
    ]) {
      const response = await app.visit(write)
      expect(response.headers.get('Set-Cookie')).not.toContain('Max-Age')
    }
    app.restart()
    expect(app.cookies).toEqual([])
  })

  it('resetMaxAge() goes back to the configured lifetime', async () => {
    const app = new SealedApp()
    await app.visit((session) => (session.lifetime = { ttl: '1h', persistent: false }))
    expect(await app.see((session) => session.expiresAt)).toBe(START + HOUR)
    const response = await app.visit((session) => session.resetMaxAge())
    expect(response.headers.get('Set-Cookie')).toContain('Max-Age=2592000')
    expect(await app.see((session) => [session.lifetime, session.expiresAt])).toEqual([{}, START + DAY])
  })
})

describe('CSRF tokens', () => {
  it('F04: stay valid across ordinary writes, and die with a regenerate', async () => {
    const app = new SealedApp()
    const first = await app.see((session) => session.csrfToken())
    for (let n = 0; n < 3; n++) await app.visit((session) => session.set('n', n))
    const second = await app.see((session) => session.csrfToken())
    expect(second).not.toBe(first)
    expect(await app.see((session) => Promise.all([session.verifyCsrf(first), session.verifyCsrf(second)]))).toEqual([
      true,
      true,
    ])
    await app.visit((session) => (session.subject = 'u_42'))
    expect(await app.see((session) => Promise.all([session.verifyCsrf(first), session.verifyCsrf(second)]))).toEqual([
      false,
      false,
    ])
  })

  it('F04: made after regenerate() in the same request, they belong to the token to come', async () => {
    const app = await visited()
    const token = await app.see((session) => (session.regenerate(), session.csrfToken()))
    expect(await app.see((session) => session.verifyCsrf(token))).toBe(true)
  })

  it('are of no use in another session, and nothing else is one', async () => {
    const [mine, other] = [await visited(), await visited()]
    const token = await mine.see((session) => session.csrfToken())
    for (const value of [token, '', undefined, null, 5, {}, 'A'.repeat(86)]) {
      expect(await other.see((session) => session.verifyCsrf(value))).toBe(false)
    }
  })
})

describe('signing out', () => {
  it('clears the cookie, and the session is over for this browser (F14)', async () => {
    const app = await visited()
    const response = await app.visit((session) => session.destroy())
    expect(response.headers.getSetCookie()).toEqual([`${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`])
    expect(app.takeEvents()).toEqual(['loaded', 'destroyed'])
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('F19: a cookie of ours that does not open is cleared by destroy() too, and nothing is cleared without one', async () => {
    const app = new SealedApp()
    app.plant('garbage')
    expect((await app.visit((session) => session.destroy())).headers.getSetCookie()).toHaveLength(1)
    expect((await app.visit((session) => session.destroy())).headers.getSetCookie()).toEqual([])
  })
})

describe('what a store that keeps nothing cannot promise, shown as not holding', () => {
  it('P6: a copy of the cookie made before the logout still opens, until the session inside it expires', async () => {
    const app = await visited()
    const token = app.token()
    await app.visit((session) => session.destroy())
    app.plant(token)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    app.clock.now += DAY
    expect(await app.see((session) => session.data)).toEqual({})
  })

  it('P6: a request in flight during the logout brings the session back with its answer', async () => {
    const app = await visited()
    const slow = app.request()
    await app.visit((session) => session.destroy())
    app.keep(await app.serve(slow, (session) => session.set('n', 2)))
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
  })

  it('P7: the token before a regenerate still opens, as the session it was, subject and all', async () => {
    const app = await visited()
    await app.visit((session) => (session.subject = 'u_42'))
    const token = app.token()
    await app.visit((session) => session.regenerate({ keepData: false }))
    app.plant(token)
    expect(await app.see(({ subject, data }) => [subject, data])).toEqual(['u_42', { n: 1 }])
  })

  it('P4: of two requests that change different keys, the last response wins', async () => {
    const app = await visited()
    const requests = [app.request(), app.request()]
    for (const [index, request] of requests.entries()) {
      app.keep(await app.serve(request, (session) => session.set(`key${index}`, true)))
    }
    expect(await app.see((session) => session.data)).toEqual({ n: 1, key1: true })
  })

  it('P5: of N concurrent increments, one is kept', async () => {
    const app = await visited({ n: 0 })
    const requests = [1, 2, 3].map(() => app.request())
    const change = (data: Data): void => void (data['n'] += 1)
    for (const request of requests) app.keep(await app.serve(request, (session) => session.update(change)))
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })
})
