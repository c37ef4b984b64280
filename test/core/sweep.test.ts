/** Sweeping: bounded batches with room in between, an end at any time, and the true count even when the store fails. */
import { SessionConfigError, SessionManager, StoreUnavailableError, SessionUnsupportedError } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { faulty, testClock } from 'latchkey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../stores/sqlite-databases.ts'
import { ThreeMethodStore } from '../testing/three-methods.ts'
import { WatchedStore } from '../support/watched-store.ts'

/** A manager whose store holds `count` sessions that have expired, and one that has not. */
async function shop(count: number) {
  const now = testClock()
  const store = new WatchedStore()
  const sessions = new SessionManager<{ n?: number }>({ store, now })
  for (let n = 0; n < count; n++) await sessions.createSession({ n }, { ttl: '1h' })
  now.advance('1h')
  const live = await sessions.createSession({ n: -1 })
  store.take()
  return { now, store, sessions, live }
}

/** The limits of the batches that a store was asked for. */
function limitsOf(store: WatchedStore): number[] {
  const limits: number[] = []
  const remove = store.removeExpired.bind(store)
  store.removeExpired = (now, limit) => {
    limits.push(limit)
    return remove(now, limit)
  }
  return limits
}

describe('removeExpiredSessions', () => {
  it('removes what is expired and nothing else, and says how many', async () => {
    const { sessions, store, live } = await shop(7)
    expect(await sessions.removeExpiredSessions()).toBe(7)
    expect(await store.rows()).toHaveLength(1)
    expect(await sessions.retrieveSession(live)).toEqual({ n: -1 })
    expect(await sessions.removeExpiredSessions()).toBe(0)
  })

  it('ends where the store forgets to say how many it removed', async () => {
    const { sessions, store } = await shop(1)
    store.removeExpired = () => undefined as never
    expect(await sessions.removeExpiredSessions()).toBe(0)
  })

  it('S03 P9: at exactly its expiry a session is swept, a millisecond before it is not', async () => {
    const { sessions, now, live } = await shop(0)
    now.advance('1d')
    now.advance(-1)
    expect([await sessions.countExpiredSessions(), await sessions.removeExpiredSessions()]).toEqual([0, 0])
    now.advance(1)
    expect([await sessions.countExpiredSessions(), await sessions.removeExpiredSessions()]).toEqual([1, 1])
    expect(await sessions.findSession(live)).toBeUndefined()
  })

  it('goes in batches of 100, or of `batch`, until one comes back short', async () => {
    for (const [count, batch, expected] of [
      [250, undefined, [100, 100, 100]],
      [200, undefined, [100, 100, 100]],
      [7, 3, [3, 3, 3]],
      [0, 3, [3]],
    ] as const) {
      const { sessions, store } = await shop(count)
      const limits = limitsOf(store)
      expect(await sessions.removeExpiredSessions(batch === undefined ? {} : { batch })).toBe(count)
      expect(limits).toEqual(expected)
    }
  })

  it('onProgress tells how far it is, after each batch that removed something', async () => {
    const { sessions } = await shop(6)
    const progress: number[] = []
    const total = await sessions.countExpiredSessions()
    await sessions.removeExpiredSessions({ batch: 2, onProgress: ({ removed }) => void progress.push(removed) })
    expect([total, progress]).toEqual([6, [2, 4, 6]])
  })

  it('lets other work in between two batches: timers, and requests from their first byte to their last', async () => {
    const { sessions, store, live } = await shop(30)
    const seen: string[] = []
    const remove = store.removeExpired.bind(store)
    store.removeExpired = (now, limit) => {
      seen.push('batch')
      setTimeout(() => seen.push('timer'), 0)
      return remove(now, limit)
    }
    const reading = (async () => {
      for (let read = 0; read < 3; read++) {
        await new Promise((resolve) => setTimeout(resolve, 0))
        expect(await sessions.updateSession(live, (data) => void (data.n = read))).toEqual({ n: read })
        seen.push('request')
      }
    })()
    await Promise.all([sessions.removeExpiredSessions({ batch: 5 }), reading])
    expect(seen.filter((what) => what === 'batch')).toHaveLength(7)
    for (const other of ['timer', 'request']) {
      expect(seen.indexOf(other)).toBeLessThan(seen.lastIndexOf('batch'))
    }
    expect(seen.join(' ')).not.toContain('batch batch')
  })

  it('goes by the clock as it moves: what expires during the sweep is swept too', async () => {
    const { sessions, now, live } = await shop(4)
    const removed = await sessions.removeExpiredSessions({ batch: 2, onProgress: () => void now.advance('1d') })
    expect([removed, await sessions.findSession(live)]).toEqual([5, undefined])
  })

  it('R10: a session that is renewed while the sweep runs survives', async () => {
    const { sessions, now, live } = await shop(4)
    now.advance('1d')
    now.advance(-1)
    const removed = await sessions.removeExpiredSessions({
      batch: 2,
      onProgress: async () => {
        await sessions.renewSession(live)
        now.advance(1)
      },
    })
    expect(removed).toBe(4)
    expect(await sessions.retrieveSession(live)).toEqual({ n: -1 })
  })
})

describe('an abort', () => {
  it('ends the sweep after the batch under way, and returns what was done', async () => {
    const { sessions } = await shop(9)
    const abort = new AbortController()
    const removed = await sessions.removeExpiredSessions({
      batch: 3,
      signal: abort.signal,
      onProgress: (so) => so.removed === 6 && abort.abort(),
    })
    expect([removed, await sessions.countExpiredSessions()]).toEqual([6, 3])
    expect(await sessions.removeExpiredSessions()).toBe(3)
  })

  it('between two batches ends it too, and one before it starts leaves the store alone', async () => {
    const { sessions, store } = await shop(9)
    const abort = new AbortController()
    store.before = (method) => method === 'removeExpired' && queueMicrotask(() => abort.abort())
    expect(await sessions.removeExpiredSessions({ batch: 3, signal: abort.signal })).toBe(3)
    store.take()
    expect(await sessions.removeExpiredSessions({ signal: abort.signal })).toBe(0)
    expect(store.take()).toEqual([])
  })
})

describe('an error in the middle', () => {
  const failure = async (sweeping: Promise<unknown>): Promise<any> => {
    const error = await sweeping.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    return error
  }

  it('is a StoreUnavailableError whose `cause` has the true count, and below it what failed', async () => {
    const { sessions, store } = await shop(9)
    store.before = (method) => {
      if (method === 'removeExpired' && store.calls.length === 3) store.failing.add('removeExpired')
    }
    const error = await failure(sessions.removeExpiredSessions({ batch: 2 }))
    expect(error.cause).toBeInstanceOf(Error)
    expect(error.cause.removed).toBe(4)
    expect(error.cause.cause).toMatchObject({ message: 'connection reset by peer' })
    expect(error.message).toContain('had removed 4 expired sessions; the next one goes on from there')
    expect((await store.rows()).length).toBe(1 + 9 - 4)
  })

  it('loses nothing: the next sweep takes the rest, and the live session is there', async () => {
    const { sessions, store, live } = await shop(9)
    store.before = (method) => {
      if (method === 'removeExpired' && store.calls.length === 2) store.failing.add('removeExpired')
    }
    const error = await failure(sessions.removeExpiredSessions({ batch: 2 }))
    store.before = () => undefined
    store.down(false)
    expect((await sessions.removeExpiredSessions()) + error.cause.removed).toBe(9)
    expect(await sessions.retrieveSession(live)).toEqual({ n: -1 })
  })

  it('counts what was acknowledged: a batch that took effect and then failed is not in it', async () => {
    const { sessions, store } = await shop(3)
    store.failingAfter.add('removeExpired')
    expect((await failure(sessions.removeExpiredSessions())).cause.removed).toBe(0)
    store.failingAfter.clear()
    expect([await sessions.countExpiredSessions(), await sessions.removeExpiredSessions()]).toEqual([0, 0])
  })

  it('what the store itself said is still said: a database that stays locked, a table that is missing', async () => {
    const store = faulty(new MemoryStore())
    const sessions = new SessionManager({ store })
    store.fail('removeExpired', { error: new StoreUnavailableError('The database stayed locked for 5000 ms.') })
    const error = await failure(sessions.removeExpiredSessions())
    expect(error.message).toMatch(/^The database stayed locked for 5000 ms\. The sweep had removed 0/)
    expect(error.cause.cause.message).toBe('The database stayed locked for 5000 ms.')
  })

  it('P13: no parameter of a statement is in it', async () => {
    const { sessions, store } = await shop(1)
    store.failing.add('removeExpired')
    store.failure = () => Object.assign(new Error('Failed query: delete …\nparams: canary'), { params: ['canary'] })
    const error = await failure(sessions.removeExpiredSessions())
    const { inspect } = await import('node:util')
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })

  it('is raised as `storeError` once', async () => {
    const reasons: unknown[] = []
    const store = faulty(new MemoryStore())
    const sessions = new SessionManager({ store, on: { storeError: ({ reason }) => void reasons.push(reason) } })
    store.fail('removeExpired')
    await failure(sessions.removeExpiredSessions())
    expect(reasons).toEqual(['removeExpired'])
  })
})

describe('what is asked wrongly', () => {
  it.each([0, -1, 1.5, NaN, Infinity, '100'])('a batch of %s is a SessionConfigError', async (batch) => {
    const { sessions, store } = await shop(1)
    await expect(sessions.removeExpiredSessions({ batch: batch as number })).rejects.toThrow(SessionConfigError)
    expect(store.take()).toEqual([])
  })

  const own = new Error('the progress bar broke')
  it.each([
    [
      'thrown',
      (): never => {
        throw own
      },
    ],
    ['of a promise', (): Promise<never> => Promise.reject(own)],
  ])(
    'an error of onProgress, %s, is the caller’s own: it ends the sweep and comes through as it is',
    async (_, onProgress) => {
      const { sessions } = await shop(4)
      await expect(sessions.removeExpiredSessions({ batch: 2, onProgress })).rejects.toBe(own)
      expect(await sessions.countExpiredSessions()).toBe(2)
    },
  )

  it('a store that cannot sweep is a SessionUnsupportedError, for counting too', async () => {
    const sessions = new SessionManager({ store: new ThreeMethodStore() })
    await expect(sessions.removeExpiredSessions()).rejects.toThrow(SessionUnsupportedError)
    await expect(sessions.countExpiredSessions()).rejects.toThrow('countExpired')
  })
})

it('on a libSQL file it is the same, with reads and writes of others going on', async () => {
  const url = `file:${temporaryFile()}`
  const now = testClock()
  const [one, two] = [new LibsqlStore({ url }), new LibsqlStore({ url })]
  onTestFinished(() => [one, two].forEach((store) => store.close()))
  const [sweeper, app] = [one, two].map((store) => new SessionManager<{ n?: number }>({ store, now })) as [
    SessionManager<{ n?: number }>,
    SessionManager<{ n?: number }>,
  ]
  for (let n = 0; n < 50; n++) await sweeper.createSession({ n }, { ttl: '1h' })
  now.advance('1h')
  const live = await app.createSession({ n: 0 })
  let done = false
  const sweeping = sweeper.removeExpiredSessions({ batch: 5 }).finally(() => (done = true))
  let during = 0
  while (!done) {
    await app.updateSession(live, (data) => void (data.n = (data.n ?? 0) + 1))
    during++
    // An app has its requests from somewhere: between two of them the event loop turns.
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await sweeping).toBe(50)
  expect(during).toBeGreaterThan(1)
  expect(await sweeper.retrieveSession(live)).toEqual({ n: during })
})
