/** Requests that were sent before a sign-in and are answered after it, and sign-ins that meet each other. */
import { describe, expect, test } from 'vitest'
import { HOUR, idOf, MINUTE, SECOND, Site, STORES } from './site.ts'

describe.each(STORES)('on $name', ({ open }) => {
  test('R19: a slow reading request’s touch after a login leaves row and cookie of the login alone', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    site.clock.now += 12 * HOUR
    const slow = await site.request(token)
    void slow.session.data
    const login = await site.visit(token, (session) => (session.subject = 'u_1'))
    const before = await site.row(id)
    site.clock.now += MINUTE
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toEqual(before)
    expect((await site.two.findSession(login as string))?.subject).toBe('u_1')
  })

  test('R20: a request sent before a login and loaded after it sees nothing of it, and its write is dropped', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ cart: 1 })
    const login = await site.visit(token, (session) => {
      session.subject = 'u_1'
      session.data['secret'] = 'private'
    })
    site.clock.now += 10 * SECOND - 1
    const before = await site.row(id)
    const late = await site.request(token)
    expect(late.session.isNew).toBe(true)
    expect([late.session.data, late.session.subject, late.session.id]).toEqual([{}, undefined, undefined])
    late.session.data['late'] = true
    expect(await late.finish()).toBeUndefined()
    expect(await site.row(id)).toEqual(before)
    expect(await site.data(login as string)).toEqual({ cart: 1, secret: 'private' })
    expect(site.reports.at(-2)).toEqual({ name: 'lost', id })
    expect(site.events).not.toContain('rejected')
  })

  test('R20: whatever it is that such a request would begin a session for', async () => {
    for (const late of [
      (session) => session.flash('notice', 'late'),
      (session) => session.csrfToken(),
      (session) => session.clear(),
      (session) => session.regenerate({ keepData: false }),
      (session) => (session.info = { device: 'late' }),
      (session) => (session.lifetime = { persistent: false }),
      (session) => session.update((data) => void (data.n = 1)),
    ] as ((session: Awaited<ReturnType<Site['request']>>['session']) => unknown)[]) {
      const site = new Site(open())
      const { token, id } = await site.begin()
      await site.visit(token, (session) => (session.subject = 'u_1'))
      const before = await site.row(id)
      expect(await site.visit(token, late)).toBeUndefined()
      expect(await site.row(id)).toEqual(before)
      expect(site.events).not.toContain('created')
    }
  })

  test('R20: also where the login’s request had saved before, and brings the token after that one', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ cart: 1 })
    const login = await site.visit(token, async (session) => {
      session.subject = 'u_1'
      await session.save()
      session.lifetime = { ttl: '20d', absolute: '300d' }
    })
    const late = await site.request(token)
    late.session.data['late'] = true
    expect(await late.finish()).toBeUndefined()
    expect(site.reports).toContainEqual({ name: 'lost', id })
    expect((await site.two.findSession(login as string))?.subject).toBe('u_1')
  })

  test('R20: save() in such a request is a SessionNotFoundError', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    await site.visit(token, (session) => (session.subject = 'u_1'))
    const late = await site.request(token)
    late.session.data['late'] = true
    await expect(late.session.save()).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(await late.finish()).toBeUndefined()
  })

  test('R20: after 10 s the old token is a stranger’s: rejected, and free to begin a session of its own', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    await site.visit(token, (session) => (session.subject = 'u_1'))
    site.clock.now += 10 * SECOND
    const before = await site.row(id)
    const next = await site.visit(token, (session) => (session.data['own'] = 1))
    expect(site.reports).toContainEqual({ name: 'rejected', id, reason: 'verifier' })
    expect(idOf(next)).not.toBe(id)
    expect(await site.data(next as string)).toEqual({ own: 1 })
    expect(await site.row(id)).toEqual(before)
  })

  test('R21: a sign-in submitted twice at once signs in whichever answer the browser keeps', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ cart: 1 })
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.subject = b.session.subject = 'u_1'
    const answers = [await a.finish(), await b.finish()]
    expect(idOf(answers[0])).toBe(id)
    expect(idOf(answers[1])).not.toBe(id)
    for (const answer of answers) {
      expect(await site.two.findSession(answer as string)).toMatchObject({ subject: 'u_1', data: { cart: 1 } })
    }
    expect(await site.data(token)).toBeUndefined()
  })

  test('R21: and so does one that was sent before the first was answered and loaded after it', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ cart: 1 })
    const first = await site.visit(token, (session) => (session.subject = 'u_1'))
    const second = await site.visit(token, (session) => (session.subject = 'u_1'))
    for (const answer of [first, second]) {
      expect(await site.two.findSession(answer as string)).toMatchObject({ subject: 'u_1' })
    }
    expect(idOf(first)).not.toBe(idOf(second))
  })

  test('P7: a sign-in from an attacker’s copy of the token never shares a session with the owner’s', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    const [attacker, owner] = [await site.request(token), await site.request(token)]
    attacker.session.subject = 'attacker'
    owner.session.subject = 'owner'
    owner.session.data['secret'] = 'private'
    const [theirs, own] = [await attacker.finish(), await owner.finish()]
    expect(await site.two.findSession(theirs as string)).toMatchObject({ subject: 'attacker', data: {} })
    expect(await site.two.findSession(own as string)).toMatchObject({ subject: 'owner', data: { secret: 'private' } })
  })

  test('MERGE: a sign-in keeps what another request put into the cart meanwhile', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    const login = await site.request(token)
    login.session.subject = 'u_1'
    await site.visit(token, (session) => (session.data['cart'] = 1))
    expect(await site.data((await login.finish()) as string)).toEqual({ cart: 1 })
  })

  test('MERGE: changing away from a subject takes in nothing that its requests still write', async () => {
    for (const next of ['u_2', undefined]) {
      const site = new Site(open())
      const { token } = await site.begin({ mine: 1 }, 'u_1')
      const change = await site.request(token)
      change.session.subject = next
      change.session.data = {}
      await site.visit(token, (session) => (session.data['private'] = 'of u_1'))
      expect(await site.data((await change.finish()) as string)).toEqual({})
    }
  })

  test('R23: after a destroy, the same id drawn again is out of reach for an old request', async () => {
    const site = new Site(open(), { genid: () => 'the-one-id' })
    const { token } = await site.begin({ of: 'the first' })
    const [writer, reader, turner] = [await site.request(token), await site.request(token), await site.request(token)]
    writer.session.data['late'] = true
    turner.session.regenerate()
    await site.visit(token, (session) => session.destroy())
    const next = await site.visit(undefined, (session) => (session.data['of'] = 'the second'))
    const before = await site.row('the-one-id')
    reader.session.touch()
    for (const old of [writer, reader, turner]) expect(await old.finish()).toBeUndefined()
    expect(await site.row('the-one-id')).toEqual(before)
    expect(await site.data(next as string)).toEqual({ of: 'the second' })
    expect(await site.data(token)).toBeUndefined()
  })
})
