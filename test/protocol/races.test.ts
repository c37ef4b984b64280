/** Two requests of one session at once: what each may keep, and what the client holds afterwards. */
import { describe, expect, test } from 'vitest'
import { HOUR, idOf, Site, STORES } from './site.ts'

describe.each(STORES)('on $name', ({ open }) => {
  test('R01 P4: two requests that write different keys both keep their change', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ old: 0 })
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.data['a'] = 1
    b.session.data['b'] = { deep: [2] }
    expect(await b.finish()).toBeUndefined()
    expect(await a.finish()).toBeUndefined()
    expect(await site.data(token)).toEqual({ old: 0, a: 1, b: { deep: [2] } })
    expect(site.events).toEqual(['loaded', 'loaded', 'updated', 'conflict', 'updated', 'merged', 'loaded'])
  })

  test('R01 P4: one removes a key while the other changes another', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ a: 1, b: 1 })
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.unset('a')
    b.session.data['b'] = 2
    await a.finish()
    await b.finish()
    expect(await site.data(token)).toEqual({ b: 2 })
  })

  test('R01: whoever merged sees the merged data in its own session object', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.data['a'] = 1
    b.session.data['b'] = 2
    await a.session.save()
    await b.session.save()
    expect(b.session.data).toEqual({ a: 1, b: 2 })
  })

  test('R03 P6: a logout during a slow writing request stays: no row, no cookie, the write is lost', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 }, 'u_1')
    const slow = await site.request(token)
    slow.session.data['late'] = true
    expect(await site.visit(token, (session) => session.destroy())).toBe('')
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toBeUndefined()
    expect(await site.data(token)).toBeUndefined()
    expect(site.events).toContain('lost')
  })

  test('R03 P6: nor do a regenerate, a sign-in or an update in flight bring a destroyed session back', async () => {
    for (const late of [
      (session) => session.regenerate(),
      (session) => (session.subject = 'u_2'),
      (session) => session.update((data) => void (data.n = 2)),
      (session) => session.flash('notice', 'late'),
      (session) => (session.info = { device: 'late' }),
      (session) => (session.lifetime = { ttl: '2d' }),
    ] as ((session: Awaited<ReturnType<Site['request']>>['session']) => unknown)[]) {
      const site = new Site(open())
      const { token, id } = await site.begin({ n: 1 }, 'u_1')
      const slow = await site.request(token)
      late(slow.session)
      await site.visit(token, (session) => session.destroy())
      expect(await slow.finish()).toBeUndefined()
      expect(await site.row(id)).toBeUndefined()
      expect(site.events).not.toContain('created')
    }
  })

  test('R04 P6: a logout during a slow reading request, due for a touch, stays', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({}, 'u_1')
    site.clock.now += 12 * HOUR
    const slow = await site.request(token)
    expect(slow.session.subject).toBe('u_1')
    await site.visit(token, (session) => session.destroy())
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toBeUndefined()
    expect(site.events).not.toContain('touched')
  })

  test('R05 P7: of two regenerates at once one brings in the one live token, the other sets no cookie', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 }, 'u_1')
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.regenerate()
    b.session.regenerate()
    const tokens = [await b.finish(), await a.finish()]
    expect(tokens).toEqual([expect.stringContaining(`${id}.`), undefined])
    expect(await site.data(tokens[0] as string)).toEqual({ n: 1 })
    expect(await site.data(token)).toBeUndefined()
    expect(site.events.filter((name) => name === 'regenerated' || name === 'lost')).toEqual(['regenerated', 'lost'])
  })

  test('R06 P6: regenerate against logout, in either order, ends the session', async () => {
    for (const first of ['regenerate', 'logout']) {
      const site = new Site(open())
      const { token, id } = await site.begin({}, 'u_1')
      const [a, b] = [await site.request(token), await site.request(token)]
      a.session.regenerate()
      b.session.destroy()
      const given: (string | undefined)[] = []
      for (const one of first === 'regenerate' ? [a, b] : [b, a]) given.push(await one.finish())
      expect(await site.row(id)).toBeUndefined()
      for (const one of [token, ...given].filter(Boolean)) expect(await site.data(one as string)).toBeUndefined()
      expect(given.filter((one) => one === '')).toHaveLength(1)
    }
  })

  test('R07: regenerating twice in one request gives one new token and one cookie', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 })
    const next = await site.visit(token, (session) => {
      session.regenerate()
      session.regenerate()
    })
    expect(idOf(next)).toBe(id)
    expect(await site.data(next as string)).toEqual({ n: 1 })
    expect(site.events.filter((name) => name === 'regenerated')).toHaveLength(1)
  })

  test('R07 P16: with a save in between too, the cookie carries the token that lives', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ n: 1 })
    let between: string | undefined
    const next = await site.visit(token, async (session) => {
      session.subject = 'u_1'
      await session.save()
      between = session.token
      session.regenerate()
    })
    expect(next).not.toBe(between)
    expect(await site.data(next as string)).toEqual({ n: 1 })
    for (const dead of [token, between]) expect(await site.data(dead as string)).toBeUndefined()
  })

  test('R09 P7: a slow request on the old token changes nothing after a regenerate, and sets no cookie', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 }, 'u_1')
    const slow = await site.request(token)
    slow.session.data['late'] = true
    const next = await site.visit(token, (session) => session.regenerate())
    const before = await site.row(id)
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toEqual(before)
    expect(await site.data(token)).toBeUndefined()
    expect(await site.data(next as string)).toEqual({ n: 1 })
    expect(site.events).toContain('lost')
  })

  test('R09 P6: but a slow request on the old token still ends the session when it logs out', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({}, 'u_1')
    const slow = await site.request(token)
    const next = await site.visit(token, (session) => session.regenerate())
    slow.session.destroy()
    expect(await slow.finish()).toBe('')
    expect(await site.row(id)).toBeUndefined()
    expect(await site.data(next as string)).toBeUndefined()
  })

  test('R09: save() says so, with SessionNotFoundError, where a commit only drops the write', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    const slow = await site.request(token)
    await site.visit(token, (session) => session.regenerate())
    slow.session.data['late'] = true
    await expect(slow.session.save()).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(await slow.finish()).toBeUndefined()
    expect(site.events.filter((name) => name === 'lost')).toHaveLength(1)
  })
  test('R09: a new token that was saved and then ended elsewhere is not sent any more', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    const login = await site.request(token)
    login.session.subject = 'u_1'
    await login.session.save()
    await site.one.removeSessionById(id)
    login.session.data['late'] = true
    expect(await login.finish()).toBeUndefined()
    expect(await site.row(id)).toBeUndefined()
  })
})
