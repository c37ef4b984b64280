/** Many writers of one record: nothing is lost (P5), nobody starves, and nobody tries for ever. */
import { SessionConflictError, type Store } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { managerOver, MINUTE, STORES, ThreeMethodStore, type Data } from './site.ts'

const increment = (data: Data): void => {
  data.n = (data.n ?? 0) + 1
}

describe.each<{ name: string; open: () => Store }>([
  { name: 'MemoryStore', open: () => new MemoryStore() },
  { name: 'a store of three methods', open: () => new ThreeMethodStore() },
])('P5: on $name', ({ open }) => {
  test('200 increments at once by updateSession(token, fn) make 200', async () => {
    const sessions = managerOver(open())
    const token = await sessions.createSession({ n: 0, kept: true })
    const results = await Promise.all(
      Array.from({ length: 200 }, async () => (await sessions.updateSession(token, increment)).n),
    )
    expect(await sessions.retrieveSession(token)).toEqual({ n: 200, kept: true })
    expect(new Set(results).size).toBe(200)
  })

  test('200 requests at once with session.update(fn) make 200, and keep what each wrote beside', async () => {
    const sessions = managerOver(open())
    const token = await sessions.createSession({ n: 0 })
    const requests = Array.from(
      { length: 200 },
      () => new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } }),
    )
    const loaded = await Promise.all(requests.map((request) => sessions.load(request)))
    await Promise.all(
      loaded.map((session, index) => {
        session.update(increment)
        session.data[`own ${index}`] = index
        return sessions.commit(session, new Response('ok'))
      }),
    )
    const data = await sessions.retrieveSession(token)
    expect(data.n).toBe(200)
    expect(Object.keys(data)).toHaveLength(201)
  })

  test('and so do increments beside regenerates that fail, touches and reads', async () => {
    const sessions = managerOver(open())
    const token = await sessions.createSession({ n: 0 })
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        if (index % 3 === 0) return sessions.updateSession(token, increment)
        return index % 3 === 1 ? sessions.renewSession(token) : sessions.findSession(token)
      }),
    )
    expect(await sessions.retrieveSession(token)).toEqual({ n: 20 })
  })
})

test.each(STORES)('P5: two instances of an app on $name lose no increment', async ({ open }) => {
  const [first, second] = open()
  const managers = [managerOver(first), managerOver(second)] as const
  const token = await managers[0].createSession({ n: 0 })
  await Promise.all(
    managers.flatMap((sessions) => Array.from({ length: 10 }, () => sessions.updateSession(token, increment))),
  )
  expect(await managers[1].retrieveSession(token)).toEqual({ n: 20 })
})

describe('a record that never holds still', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  /** Lets the clock run until the promise is settled, for an hour at most; what became of it. */
  async function watch(promise: Promise<unknown>): Promise<{ outcome: unknown }> {
    const start = performance.now()
    let outcome: unknown
    let settled = false
    const done = (value: unknown): void => {
      outcome = value
      settled = true
    }
    promise.then(done, done)
    while (!settled && performance.now() - start < 60 * MINUTE) {
      await vi.advanceTimersByTimeAsync(20)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { outcome: settled ? outcome : 'not settled' }
  }

  test('is a SessionConflictError for a write, after a bounded time, and nothing is written', async () => {
    const store = new WatchedStore()
    const events: string[] = []
    const sessions = managerOver(store, { on: { conflict: () => events.push('conflict') } })
    const token = await sessions.createSession({ n: 1 })
    const before = await store.row()
    store.inner.update = () => 'conflict'
    const { outcome } = await watch(sessions.updateSession(token, increment))
    expect(outcome).toBeInstanceOf(SessionConflictError)
    expect(await store.row()).toEqual(before)
    expect(events.length).toBeGreaterThan(5)
  })

  test('is one for a commit and for a regenerate too, and the old token stays good', async () => {
    const store = new WatchedStore()
    const sessions = managerOver(store)
    const token = await sessions.createSession({ n: 1 })
    store.inner.update = () => 'conflict'
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    const session = await sessions.load(request)
    session.subject = 'u_1'
    expect((await watch(sessions.commit(session, new Response('ok')))).outcome).toBeInstanceOf(SessionConflictError)
    expect((await watch(sessions.regenerateSession(token))).outcome).toBeInstanceOf(SessionConflictError)
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
  })

  test('is one for a renewal too, which does not ask for ever', async () => {
    const store = new WatchedStore()
    const sessions = managerOver(store)
    const token = await sessions.createSession({ n: 1 })
    let touches = 0
    store.inner.touch = () => {
      if (++touches > 5_000) throw new Error('asked 5,000 times')
      return false
    }
    expect((await watch(sessions.renewSession(token))).outcome).toBeInstanceOf(SessionConflictError)
  })

  test('P5: lets a patient writer in: one that waits reads the record after its wait, not before it', async () => {
    const store = new WatchedStore()
    const sessions = managerOver(store)
    const token = await sessions.createSession({ n: 0 })
    const others = (): void => {
      const record = store.inner.get(token.split('.')[0] as string)
      if (record) store.inner.set(record.id, { ...record, version: record.version + 1 })
    }
    // Others come first in five tries, and go on writing every 10 ms: a free moment for whoever reads and writes at once.
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    let updates = 0
    store.before = (method) => {
      if (method === 'update' && ++updates <= 5) others()
    }
    const timer = setInterval(others, 10)
    const { outcome } = await watch(sessions.updateSession(token, increment))
    clearInterval(timer)
    expect(outcome).toEqual({ n: 1 })
  })
})
