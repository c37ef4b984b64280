/** The protocol without a request: tokens, renewals and ends by the headless calls, and what a touch may do. */
import { SessionExpiredError, SessionNotFoundError } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { managerOver, DAY, HOUR, idOf, MINUTE, SECOND, Site, START, STORES, type Data } from './site.ts'

function reasonsOf(results: PromiseSettledResult<unknown>[]): unknown[] {
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
}

describe.each(STORES)('headless, on $name', ({ open }) => {
  test('P7: regenerateSession ends the old token in the write that brings in the new one', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 }, 'u_1')
    const next = await site.one.regenerateSession(token)
    expect(idOf(next)).toBe(id)
    expect(await site.two.retrieveSession(next)).toEqual({ n: 1 })
    for (const call of [
      site.two.retrieveSession(token),
      site.two.updateSession(token, { n: 2 }),
      site.two.renewSession(token),
      site.two.regenerateSession(token),
    ]) {
      await expect(call).rejects.toThrow(SessionNotFoundError)
    }
    expect(await site.two.findSession(token)).toBeUndefined()
    expect(await site.two.retrieveSession(next)).toEqual({ n: 1 })
  })

  test('P7 R05: of ten regenerateSession at once one returns the one live token', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ n: 1 })
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => [site.one, site.two][index % 2]?.regenerateSession(token)),
    )
    const given = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value as string] : []))
    expect(given).toHaveLength(1)
    expect(await site.data(given[0] as string)).toEqual({ n: 1 })
    expect(reasonsOf(results).filter((reason) => !(reason instanceof SessionNotFoundError))).toEqual([])
  })

  test('P6: removeSession wins over updates, renewals and regenerates that run beside it', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 })
    const beside = Array.from({ length: 9 }, async (_, index) => {
      if (index % 3 === 0) return site.two.updateSession(token, (data) => void (data.n = index))
      return index % 3 === 1 ? site.two.renewSession(token) : site.one.regenerateSession(token)
    })
    const [results] = await Promise.all([Promise.allSettled(beside), site.one.removeSession(token)])
    const given = results.flatMap((result) =>
      result.status === 'fulfilled' && typeof result.value === 'string' ? [result.value] : [],
    )
    // Either it was the current token that was removed, or somebody holds a newer one, and removes that.
    for (const one of given) await site.one.removeSession(one)
    expect(await site.row(id)).toBeUndefined()
    expect(reasonsOf(results).filter((reason) => !(reason instanceof SessionNotFoundError))).toEqual([])
  })

  test('P6: removeSession is idempotent, and nothing opens afterwards', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    expect(await site.one.removeSession(token)).toBe(true)
    expect(await site.two.removeSession(token)).toBe(false)
    await expect(site.one.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
    await expect(site.one.updateSession(token, { n: 1 })).rejects.toThrow(SessionNotFoundError)
    expect(site.events.filter((name) => name === 'destroyed')).toHaveLength(1)
  })

  test('P6: after removeSession a request that was under way changes nothing', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    const slow = await site.request(token)
    slow.session.data['late'] = true
    await site.one.removeSession(token)
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toBeUndefined()
  })

  test('P9: updateSession and renewSession do not revive an expired session', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 })
    const before = await site.row(id)
    site.clock.now = START + DAY
    await expect(site.one.updateSession(token, { n: 2 })).rejects.toThrow(SessionExpiredError)
    await expect(site.one.renewSession(token)).rejects.toThrow(SessionExpiredError)
    await expect(site.one.regenerateSession(token)).rejects.toThrow(SessionExpiredError)
    expect(await site.row(id)).toEqual(before)
  })

  test('P9: nor does a commit that was under way when it expired, and found somebody else’s write', async () => {
    const site = new Site(open(), { ttl: '1h' })
    const { token, id } = await site.begin({ n: 1 })
    const slow = await site.request(token)
    slow.session.data['late'] = true
    await site.visit(token, (session) => (session.data['n'] = 2))
    const before = await site.row(id)
    site.clock.now += HOUR
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toEqual(before)
    expect(site.events).toContain('lost')
  })

  test('S18 P10: an older renewal that arrives late never shortens the session', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    site.clock.now += 12 * HOUR
    const slow = await site.request(token)
    slow.session.touch()
    site.clock.now += HOUR
    await site.one.renewSession(token)
    expect(await site.row(id)).toMatchObject({ expiresAt: site.clock.now + DAY, lastSeenAt: site.clock.now })
    const before = await site.row(id)
    site.clock.now -= HOUR
    await slow.finish()
    expect(await site.row(id)).toEqual(before)
  })

  test('P10: renewals, updates and touches stop at the hard end, and never shorten', async () => {
    const site = new Site(open(), { ttl: '2d', renewal: '1d', absolute: '3d' })
    const { token, id } = await site.begin()
    await site.one.renewSession(token)
    expect((await site.row(id))?.expiresAt).toBe(START + 2 * DAY)
    await site.visit(token, (session) => session.touch())
    await site.one.updateSession(token, { n: 1 })
    expect((await site.row(id))?.expiresAt).toBe(START + 2 * DAY)
    site.clock.now = START + 2 * DAY - 1
    await site.one.updateSession(token, { n: 2 })
    expect((await site.row(id))?.expiresAt).toBe(START + 3 * DAY - 1)
    site.clock.now = START + 3 * DAY - 2
    for (const renew of [
      () => site.one.renewSession(token),
      () => site.visit(token, (session) => session.touch()),
      () => site.visit(token, (session) => (session.data.n = 3)),
      () => site.one.updateSession(token, (data) => ({ n: (data.n ?? 0) + 1 })),
    ]) {
      await renew()
      expect((await site.row(id))?.expiresAt).toBe(START + 3 * DAY)
    }
    site.clock.now = START + 3 * DAY
    expect(await site.data(token)).toBeUndefined()
  })

  test('P10: a regenerate is no new life either', async () => {
    const site = new Site(open(), { absolute: '3d' })
    const { token, id } = await site.begin({}, 'u_1')
    site.clock.now += 12 * HOUR
    await site.one.regenerateSession(token)
    expect(await site.row(id)).toMatchObject({ endsAt: START + 3 * DAY, createdAt: START, authenticatedAt: START })
  })
})

describe('P1: a touch', () => {
  test('is the only write of a read, no data goes with it, and no cookie comes of it', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token, id } = await site.begin({ n: 1 })
    const before = await store.row()
    store.take()
    site.clock.now += 12 * HOUR
    expect(await site.visit(token, (session) => void session.data.n)).toBeUndefined()
    expect(store.take()).toEqual(['get', 'touch'])
    expect(await site.row(id)).toEqual({ ...before, lastSeenAt: site.clock.now, expiresAt: site.clock.now + DAY })
  })

  test('comes at most once per touchEvery, at exactly touchEvery, and not 1 ms before', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store], { touchEvery: '10m' })
    const { token } = await site.begin()
    const touches: number[] = []
    for (const minute of [0, 5, 10 - 1 / MINUTE, 10, 11, 19, 20, 21, 45, 46]) {
      site.clock.now = START + Math.floor(minute * MINUTE)
      store.take()
      await site.visit(token, (session) => void session.data)
      if (store.take().includes('touch')) touches.push(minute)
    }
    expect(touches).toEqual([10, 20, 45])
  })

  test('by a late request takes nothing back of a write that came between', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token } = await site.begin({ n: 1 })
    site.clock.now += 12 * HOUR
    const slow = await site.request(token)
    await site.visit(token, (session) => (session.data.n = 2))
    const before = await store.row()
    site.clock.now += SECOND
    await slow.finish()
    expect(await store.row()).toEqual(before)
  })

  test('handed to waitUntil may fail without a word to the client', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token } = await site.begin()
    site.clock.now += 12 * HOUR
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    const session = await site.one.load(request)
    store.failing.add('touch')
    const waited: Promise<unknown>[] = []
    await site.one.commit(session, new Response('ok'), { waitUntil: (promise) => void waited.push(promise) })
    expect(waited).toHaveLength(1)
    await expect(waited[0]).resolves.toBeUndefined()
  })
})

describe('P2: a new session', () => {
  test.each([
    ['regenerate({ keepData: false })', (session) => session.regenerate({ keepData: false })],
    ['regenerate()', (session) => session.regenerate()],
    ['clear()', (session) => session.clear()],
    ['destroy()', (session) => session.destroy()],
    ['touch()', (session) => session.touch()],
    ['resetMaxAge()', (session) => session.resetMaxAge()],
    ['a subject set and taken back', (session) => Object.assign(session, { subject: 'u_1' }, { subject: undefined })],
    ['the same data again', (session) => (session.data = { ...session.data })],
  ] as [string, (session: Awaited<ReturnType<Site['request']>>['session']) => unknown][])(
    'leaves no row and no cookie after %s, which has nothing to change',
    async (_name, handler) => {
      const store = new WatchedStore()
      const site = new Site([store, store], { initial: () => ({ n: 0 }) })
      expect(await site.visit(undefined, handler)).toBeUndefined()
      expect(store.take()).toEqual([])
    },
  )
})

describe('S05: `genid`', () => {
  test('giving an id that exists: another is drawn, and the record there is not touched', async () => {
    const store = new WatchedStore()
    const ids = ['taken', 'taken', 'taken', 'free']
    const site = new Site([store, store], { genid: () => ids.shift() as string })
    const { token } = await site.begin({ of: 'the first' })
    const before = await site.row('taken')
    const next = await site.visit(undefined, (session) => (session.data['of'] = 'the second'))
    expect(idOf(next)).toBe('free')
    expect(await site.row('taken')).toEqual(before)
    expect(await site.data(token)).toEqual({ of: 'the first' })
    expect(await site.data(next as string)).toEqual({ of: 'the second' })
  })

  test('giving nothing else: an error after a few tries, and nothing is stored', async () => {
    const store = new WatchedStore()
    let drawn = 0
    const site = new Site([store, store], { genid: () => (drawn++, 'taken') })
    await site.begin({ of: 'the first' })
    const before = await store.rows()
    for (const begin of [
      () => site.visit(undefined, (session) => (session.data['of'] = 'the second')),
      () => site.one.createSession({ of: 'the second' }),
    ]) {
      drawn = 0
      await expect(begin()).rejects.toMatchObject({ code: 'SESSION_CONFLICT' })
      expect(drawn).toBeGreaterThan(1)
      expect(drawn).toBeLessThan(20)
      expect(await store.rows()).toEqual(before)
    }
  })

  test('is given the request, or none for a headless call, and may be async', async () => {
    const store = new WatchedStore()
    const given: (string | undefined)[] = []
    const genid = async (request?: Request): Promise<string> => `id-${given.push(request?.url)}`
    const sessions = managerOver(store, { genid })
    await sessions.createSession({ n: 1 })
    const session = await sessions.load(new Request('https://shop.example/cart'))
    session.data.n = 2
    await sessions.commit(session, new Response('ok'))
    expect(given).toEqual([undefined, 'https://shop.example/cart'])
    expect(session.id).toBe('id-2')
  })
})
