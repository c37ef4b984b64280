/** The time-out of store calls, and the signal that goes with it: R14, R22, P11, P14. */
import { SessionManager, StoreUnavailableError, type SessionEvent, type SessionRecord, type StoreModel } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { faulty } from 'latchkey/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { resolveOptions } from '../../src/core/settings.ts'

const secret = 'a secret of more than 32 bytes for tests'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => {
  // In this order: a spy puts back what it found, which is the false timer.
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Three asynchronous methods over a Map, which note the signals they get and hang when told to. */
function threeMethods() {
  const records = new Map<string, string>()
  const signals: Record<string, AbortSignal | undefined> = {}
  const hanging = new Map<string, Promise<void>>()
  const run = async <T>(name: string, options: { signal?: AbortSignal | undefined } | undefined, work: () => T) => {
    signals[name] = options?.signal
    await hanging.get(name)
    return work()
  }
  const model: StoreModel = {
    get: (id, options) =>
      run('get', options, () =>
        records.has(id) ? (JSON.parse(records.get(id) as string) as SessionRecord) : undefined,
      ),
    set: (id, record, options) => run('set', options, () => void records.set(id, JSON.stringify(record))),
    destroy: (id, options) => run('destroy', options, () => records.delete(id)),
  }
  const hang = (name: string): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    hanging.set(name, promise)
    return () => (hanging.delete(name), resolve())
  }
  return { model, records, signals, hang }
}

/** Lets this many store calls begin to wait: what comes before them is real cryptography. */
async function waiting(count: number): Promise<void> {
  while (vi.getTimerCount() < count) await new Promise((done) => setImmediate(done))
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  )

describe('storeTimeout', () => {
  it('R14: a call without an answer after 5 s is a StoreUnavailableError that names the method, and an event', async () => {
    const store = faulty(new MemoryStore())
    const events: SessionEvent[] = []
    const sessions = new SessionManager({ store, on: { storeError: (event) => void events.push(event) } })
    const token = await sessions.createSession({ card: 'canary' })
    const { reached } = store.stall('load')
    let ended: unknown
    const reading = outcome(sessions.retrieveSession(token)).then((result) => (ended = result))
    await reached()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(ended).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await reading
    expect(ended).toBeInstanceOf(StoreUnavailableError)
    expect((ended as Error).cause).toMatchObject({ name: 'TimeoutError', message: 'load: no answer within 5000 ms' })
    expect(events).toEqual([{ id: token.split('.')[0], reason: 'load' }])
  })

  it('costs no timer where the store answers at once, and leaves none behind where it does not', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const flow = async (store: StoreModel): Promise<void> => {
      const sessions = new SessionManager({ store, secret })
      const token = await sessions.createSession({}, { subject: 'u_1' })
      const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
      const session = await sessions.load(request)
      session.set('n', 1)
      await sessions.commit(session, new Response('ok'))
      await sessions.updateSession(token, { n: 2 })
      await sessions.renewSession(token)
      await sessions.regenerate(new Request(request))
      await sessions.createSession({}, { subject: 'u_1' })
      if (!(store instanceof MemoryStore)) return
      await sessions.listSessions('u_1')
      await sessions.removeSessionsOf('u_1')
      await sessions.removeExpiredSessions()
      await sessions.countExpiredSessions()
    }
    await flow(new MemoryStore())
    expect(timers).not.toHaveBeenCalled()
    await flow(threeMethods().model)
    expect(timers).toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes a duration, or false for none; what no timer can wait for is none', async () => {
    expect(resolveOptions({ storeTimeout: '90s' }).storeTimeout).toBe(90_000)
    for (const storeTimeout of [false, '1y'] as const) {
      const { model, signals, hang } = threeMethods()
      const sessions = new SessionManager({ store: model, storeTimeout })
      const release = hang('set')
      const creating = sessions.createSession({})
      while (!('set' in signals)) await new Promise((done) => setImmediate(done))
      await vi.advanceTimersByTimeAsync(60_000)
      expect([vi.getTimerCount(), signals['set']]).toEqual([0, undefined])
      release()
      expect(await creating).toEqual(expect.any(String))
    }
    for (const wrong of [0, -1, true, null, 'soon'])
      expect(() => resolveOptions({ storeTimeout: wrong })).toThrow('`storeTimeout`')
  })

  it('a call has one signal, however often it is asked for, and whoever has it learns that the time is over', async () => {
    const seen: (AbortSignal | undefined)[] = []
    const sessions = new SessionManager({
      store: {
        get: (_id, options) => {
          seen.push(options?.signal, options?.signal)
          return new Promise(() => {})
        },
        set: () => {},
        destroy: () => {},
      },
    })
    const reading = outcome(sessions.retrieveSession(`id.${'A'.repeat(43)}`))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await reading).toBeInstanceOf(StoreUnavailableError)
    expect(seen.map((signal) => signal?.aborted)).toEqual([true, true])
    expect(seen[0]).toBe(seen[1])
  })

  it.each([
    ['value', (open: () => void) => open()],
    ['error', (_: () => void, fail: (error: Error) => void) => fail(new Error('late'))],
  ])('an answer that comes too late goes nowhere, be it a %s', async (_, end) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sessions = new SessionManager({ store: { get: () => undefined, set: () => promise, destroy: () => {} } })
    const creating = outcome(sessions.createSession({}))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await creating).toBeInstanceOf(StoreUnavailableError)
    const unhandled = vi.fn<() => void>()
    process.once('unhandledRejection', unhandled)
    end(resolve, reject)
    await new Promise((done) => setImmediate(done))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it.each(['seal', 'open'] as const)('covers `%s` of a store that keeps sessions in the token', async (method) => {
    const store = faulty(new CookieStore({ secret }))
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession({})
    const { reached } = store.stall(method)
    const call = outcome(method === 'seal' ? sessions.createSession({}) : sessions.retrieveSession(token))
    await reached()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await call).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('P11: a copy that cannot be sealed or opened is no copy, and the request goes on', async () => {
    const cache = faulty(new CookieCache(new MemoryStore(), { secret }))
    const sessions = new SessionManager<{ n?: number }>({ store: cache })
    cache.fail('seal')
    const first = await sessions.load(new Request('https://shop.example/'))
    first.data.n = 1
    const response = await sessions.commit(first, new Response('ok'))
    const [cookie, ...copies] = response.headers.getSetCookie()
    expect(copies).toEqual([])
    cache.heal()
    cache.fail('open')
    const headers = { cookie: `${cookie?.split(';')[0]}; __Host-session.copy=x` }
    expect((await sessions.load(new Request('https://shop.example/', { headers }))).data).toEqual({ n: 1 })
  })
})

describe('the signal', () => {
  it.each([
    ['a bare store', (model: StoreModel) => model],
    ['faulty()', (model: StoreModel) => faulty(model)],
    ['CookieCache', (model: StoreModel) => new CookieCache(model, { secret })],
  ])('reaches get, set and destroy of %s, and aborts with the time-out', async (_, wrap) => {
    const { model, signals, hang } = threeMethods()
    const sessions = new SessionManager({ store: wrap(model) })
    const token = await sessions.createSession({ n: 1 })
    await sessions.updateSession(token, { n: 2 })
    await sessions.removeSession(token)
    expect(Object.keys(signals).toSorted()).toEqual(['destroy', 'get', 'set'])
    for (const signal of Object.values(signals)) expect(signal?.aborted).toBe(false)
    hang('set')
    const creating = outcome(sessions.createSession({}))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await creating).toBeInstanceOf(StoreUnavailableError)
    expect([signals['set']?.aborted, (signals['set']?.reason as Error | undefined)?.name]).toEqual([
      true,
      'TimeoutError',
    ])
  })
})

describe('the lock of a store of three methods, after a call that hung', () => {
  async function stored() {
    const store = threeMethods()
    const sessions = new SessionManager<{ n: number }>({ store: store.model, initial: () => ({ n: 0 }) })
    return { ...store, sessions, token: await sessions.createSession({ n: 1 }) }
  }

  it.each(['get', 'destroy'])('goes on at once where it was a %s', async (method) => {
    const { sessions, token, hang } = await stored()
    const release = hang(method)
    const call = outcome(method === 'get' ? sessions.updateSession(token, { n: 2 }) : sessions.removeSession(token))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await call).toBeInstanceOf(StoreUnavailableError)
    release()
    expect(await sessions.updateSession(token, { n: 3 }).catch(() => 'gone')).toEqual(
      method === 'get' ? { n: 3 } : 'gone',
    )
  })

  it('P6: waits for a set, which could bring back what is ended meanwhile; who waits too long is told, and not run', async () => {
    const { sessions, token, hang, records } = await stored()
    const release = hang('set')
    const writing = outcome(sessions.updateSession(token, { n: 2 }))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await writing).toBeInstanceOf(StoreUnavailableError)
    const late = outcome(sessions.updateSession(token, { n: 9 }))
    const leaving = outcome(sessions.removeSession(token))
    await waiting(2)
    await vi.advanceTimersByTimeAsync(6_000)
    expect([await late, await leaving]).toMatchObject([{ code: 'STORE_UNAVAILABLE' }, { code: 'STORE_UNAVAILABLE' }])
    release()
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
    expect(await sessions.removeSession(token)).toBe(true)
    expect(records.size).toBe(0)
  })

  it('but no longer than a minute: a set that never answers does not close the session for ever', async () => {
    const { sessions, token, hang } = await stored()
    hang('set')
    const writing = outcome(sessions.updateSession(token, { n: 2 }))
    await waiting(1)
    await vi.advanceTimersByTimeAsync(6_000)
    await writing
    await vi.advanceTimersByTimeAsync(55_000)
    expect(await sessions.removeSession(token)).toBe(true)
    await expect(sessions.retrieveSession(token)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })
})
