/** Requests that leave no trace or the least there is: touches (P1), new sessions nobody wrote to (P2), ids drawn (S05). */
import { describe, expect, test } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { DAY, HOUR, idOf, managerOver, MINUTE, SECOND, Site, START } from './site.ts'

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
