/** Requests of one sealed session at once, with `revocations`: what ended stays ended, and who replaced it has it. */
import { describe, expect, it } from 'vitest'
import { SECOND } from '../protocol/site.ts'
import { MEMORIES, opening } from './revocable.ts'

describe.each(MEMORIES)('remembered by $name', ({ open }) => {
  it('R03 P6: a logout during a slow writing request stays: no cookie, and the write is lost', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const slow = await site.request(token)
    slow.session.data['late'] = true
    await site.visit(token, (session) => session.destroy())
    expect(await slow.finish()).toBeUndefined()
    expect(site.events).toContain('lost')
    expect(await opening(site, [token])).toBe(0)
  })

  it('R03 R04 P6: nor does a touch, a regenerate, a sign-in or a sign-out in flight bring it back', async () => {
    for (const late of [
      (session) => session.touch(),
      (session) => session.regenerate(),
      (session) => (session.subject = 'u_1'),
      (session) => (session.subject = undefined),
      (session) => session.regenerate({ keepData: false }),
      (session) => session.update((data) => void (data.n = 2)),
      (session) => (session.lifetime = { ttl: '2d' }),
    ] as ((session: Awaited<ReturnType<ReturnType<typeof open>['request']>>['session']) => unknown)[]) {
      const site = open()
      const { token } = await site.begin({ n: 1 }, 'u_42')
      const slow = await site.request(token)
      late(slow.session)
      await site.visit(token, (session) => session.destroy())
      expect(await slow.finish()).toBeUndefined()
      expect(await opening(site, [token])).toBe(0)
    }
  })

  it('R03: save() says so, and a reload() too', async () => {
    const site = open()
    const { token } = await site.begin()
    const slow = await site.request(token)
    await site.one.removeSession(token)
    await expect(slow.session.reload()).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    slow.session.data['late'] = true
    await expect(slow.session.save()).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(await slow.finish()).toBeUndefined()
  })

  it('P7: regenerate() ends the old cookie, a copy of it and every older one', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const written = await site.visit(token, (session) => void (session.data['n'] = 2))
    const next = await site.visit(written, (session) => session.regenerate())
    expect(await opening(site, [token, written])).toBe(0)
    expect(await site.data(next as string)).toEqual({ n: 2 })
  })

  it('F03: so do a sign-in and a sign-out: a planted cookie is nothing afterwards', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const user = await site.visit(token, (session) => void (session.subject = 'u_42'))
    const visitor = await site.visit(user, (session) => session.regenerate({ keepData: false }))
    expect(await opening(site, [token, user])).toBe(0)
    expect(visitor).toBeDefined()
  })

  it('R05 P7: of two regenerates at once one brings in the one live cookie, the other sets none', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const both = [await site.request(token), await site.request(token)]
    for (const { session } of both) session.regenerate()
    const tokens = await Promise.all(both.map((one) => one.finish()))
    expect(tokens.filter(Boolean)).toHaveLength(1)
    expect(await opening(site, [token, ...tokens])).toBe(1)
    expect(site.events.filter((name) => name === 'regenerated' || name === 'lost').toSorted()).toEqual([
      'lost',
      'regenerated',
    ])
  })

  it('R06 P6: regenerate against logout, in either order, ends the session', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const site = open()
      const { token } = await site.begin({}, 'u_42')
      const both = [await site.request(token), await site.request(token)]
      both[0]?.session.regenerate()
      both[1]?.session.destroy()
      const given: (string | undefined)[] = []
      for (const index of order) given.push(await both[index]?.finish())
      expect(await opening(site, [token, ...given])).toBe(0)
    }
  })

  it('R06 P6: a logout that was sent before two new tokens ends what came of them', async () => {
    const site = open()
    const { token } = await site.begin({}, 'u_42')
    const [logout, signOut] = [await site.request(token), await site.request(token)]
    const second = await site.visit(token, (session) => session.regenerate())
    const third = await site.visit(second, (session) => session.regenerate())
    expect(await opening(site, [third])).toBe(1)
    logout.session.destroy()
    expect(await logout.finish()).toBe('')
    expect(await opening(site, [token, second, third])).toBe(0)
    signOut.session.regenerate({ keepData: false })
    expect(await signOut.finish()).toBeUndefined()
  })

  it('P6: a sign-out that meets another new token ends the session', async () => {
    const site = open()
    const { token } = await site.begin({}, 'u_42')
    const leaving = await site.request(token)
    leaving.session.regenerate({ keepData: false })
    const next = await site.visit(token, (session) => session.regenerate())
    expect(await leaving.finish()).toBeUndefined()
    expect(await opening(site, [next])).toBe(0)
  })

  it('R07: regenerating twice, with a save in between, gives one live token and one cookie', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    let between: string | undefined
    const next = await site.visit(token, async (session) => {
      session.regenerate()
      await session.save()
      between = session.token
      session.regenerate()
    })
    expect(await opening(site, [token, between])).toBe(0)
    expect(await site.data(next as string)).toEqual({ n: 1 })
  })

  it('R09 P7: a slow request on the old cookie changes nothing after a regenerate, and sets none', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const slow = await site.request(token)
    slow.session.data['late'] = true
    const next = await site.visit(token, (session) => session.regenerate())
    expect(await slow.finish()).toBeUndefined()
    expect(site.events).toContain('lost')
    expect(await site.data(next as string)).toEqual({ n: 1 })
  })

  it('R20: a request sent before a login and loaded after it does not replace the login’s cookie', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const user = await site.visit(token, (session) => void (session.subject = 'u_42'))
    const late = await site.visit(token, (session) => {
      expect([session.subject, session.data]).toEqual([undefined, {}])
      session.data['n'] = 2
    })
    expect(late).toBeUndefined()
    expect(await site.data(user as string)).toEqual({ n: 1 })
    // Ten seconds later no request is on its way any more: whoever comes with the old cookie begins anew.
    site.clock.now += 10 * SECOND
    expect(await site.visit(token, (session) => void (session.data['n'] = 2))).toMatch(/^ey/)
  })

  it('R20: nor the cookie that follows the one a removeSessionsOf spared', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const next = await site.visit(token, async (session) => {
      await site.one.removeSessionsOf('u_42', { except: session })
      session.regenerate()
    })
    expect(await site.visit(token, (session) => void (session.data['n'] = 2))).toBeUndefined()
    expect(await site.data(next as string)).toEqual({ n: 1 })
    site.clock.now += 10 * SECOND
    expect(await site.visit(token, (session) => void (session.data['n'] = 2))).toMatch(/^ey/)
  })

  it('R21: a sign-in submitted twice signs in, whichever answer the browser keeps', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const both = [await site.request(token), await site.request(token)]
    for (const { session } of both) session.subject = 'u_42'
    const tokens = await Promise.all(both.map((one) => one.finish()))
    expect(await opening(site, tokens)).toBe(2)
    expect(await opening(site, [token])).toBe(0)
  })
})
