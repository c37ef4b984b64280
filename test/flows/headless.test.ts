/** Sessions without a request: jobs, RPC, WebSockets, tests. */
import {
  SessionDataError,
  SessionExpiredError,
  SessionManager,
  SessionNotFoundError,
  StoreUnavailableError,
  type SessionEvent,
  type SessionOptions,
} from 'latchkey'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR } from '../support/flow.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n: number; theme?: string; cart?: string[] }

function shop(options: Partial<SessionOptions<Shop>> = {}) {
  const clock = { now: Date.UTC(2030, 0, 1) }
  const store = new WatchedStore()
  const destroyed: SessionEvent[] = []
  const sessions = new SessionManager<Shop>({
    store,
    initial: () => ({ n: 0 }),
    now: () => clock.now,
    on: { destroyed: (event) => void destroyed.push(event) },
    ...options,
  })
  return { clock, store, sessions, destroyed }
}

const NOBODY = `${'a'.repeat(22)}.${'A'.repeat(43)}`
const bad: unknown[] = ['', 'garbage', NOBODY, `${NOBODY}.${'A'.repeat(43)}`, 'x'.repeat(10_000), undefined, null, 42]

describe('createSession', () => {
  it('stores a session and returns its token; missing keys come from `initial`', async () => {
    const { store, sessions, clock } = shop()
    const token = await sessions.createSession({ theme: 'dark' }, { subject: 'u_42', info: { device: 'job' } })
    expect(await sessions.retrieveSession(token)).toEqual({ n: 0, theme: 'dark' })
    expect(await store.row()).toMatchObject({
      id: token.split('.')[0],
      version: 1,
      subject: 'u_42',
      authenticatedAt: clock.now,
      info: { device: 'job' },
      expiresAt: clock.now + DAY,
      endsAt: clock.now + 30 * DAY,
    })
    expect(JSON.stringify(await store.row())).not.toContain(token.split('.')[1])
  })

  it('without arguments is a session of `initial`', async () => {
    const { sessions } = shop()
    expect(await sessions.retrieveSession(await sessions.createSession())).toEqual({ n: 0 })
  })

  it('`ttl` is this session’s own, for now and for renewals', async () => {
    const { clock, sessions } = shop()
    const token = await sessions.createSession({}, { ttl: '2h' })
    clock.now += HOUR
    await sessions.renewSession(token)
    clock.now += 2 * HOUR - 1
    expect(await sessions.retrieveSession(token)).toEqual({ n: 0 })
    clock.now += 1
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionExpiredError)
  })

  it('a `ttl` beyond `absolute` is refused by an error whose first cure works here, where there is no `absolute`', async () => {
    await expect(shop().sessions.createSession({}, { ttl: '60d' })).rejects.toThrow(/in force; raise the manager's/)
    const { sessions } = shop({ absolute: '1y' })
    await expect(sessions.createSession({}, { ttl: '60d' })).resolves.toBeTypeOf('string')
  })

  it('data that cannot be stored is a SessionDataError before anything is', async () => {
    const { store, sessions } = shop()
    await expect(sessions.createSession({ cart: [() => 1] } as never)).rejects.toThrow(SessionDataError)
    await expect(sessions.createSession('text' as never)).rejects.toThrow(SessionDataError)
    expect(store.take()).toEqual([])
  })
})

describe('retrieveSession, findSession', () => {
  it('renew nothing', async () => {
    const { clock, store, sessions } = shop()
    const token = await sessions.createSession({ n: 1 })
    store.take()
    clock.now += 12 * HOUR
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
    expect(await sessions.findSession(token)).toMatchObject({ data: { n: 1 } })
    expect(store.take()).toEqual(['get', 'get'])
  })

  it('findSession shows what a device list shows, and the data', async () => {
    const { clock, sessions } = shop()
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42', info: { device: 'tv' } })
    expect(await sessions.findSession(token)).toEqual({
      id: token.split('.')[0],
      subject: 'u_42',
      createdAt: clock.now,
      lastSeenAt: clock.now,
      expiresAt: clock.now + DAY,
      info: { device: 'tv' },
      current: true,
      data: { n: 1 },
    })
  })

  it('tell expired from unknown; findSession knows neither', async () => {
    const { clock, sessions } = shop()
    const token = await sessions.createSession()
    clock.now += DAY - 1
    expect(await sessions.findSession(token)).toBeDefined()
    clock.now += 1
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionExpiredError)
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('P19: hand out a new object each time', async () => {
    const { sessions } = shop()
    const token = await sessions.createSession({ cart: ['mug'] })
    const first = await sessions.retrieveSession(token)
    first.cart?.push('pen')
    expect(await sessions.retrieveSession(token)).toEqual({ n: 0, cart: ['mug'] })
  })
})

describe('updateSession', () => {
  it('sets the data or changes it by a function, returns what is stored, and renews', async () => {
    const { clock, store, sessions } = shop()
    const token = await sessions.createSession({ theme: 'dark' })
    clock.now += HOUR
    expect(await sessions.updateSession(token, { n: 5 })).toEqual({ n: 5 })
    expect(await sessions.updateSession(token, (data) => ({ ...data, n: data.n + 1 }))).toEqual({ n: 6 })
    const mutated = await sessions.updateSession(token, (data) => {
      data.cart = ['mug']
    })
    expect(mutated).toEqual({ n: 6, cart: ['mug'] })
    expect(await sessions.retrieveSession(token)).toEqual({ n: 6, cart: ['mug'] })
    expect(await store.row()).toMatchObject({ version: 4, expiresAt: clock.now + DAY, lastSeenAt: clock.now })
  })

  it('renews even when nothing changed', async () => {
    const { clock, store, sessions } = shop()
    const token = await sessions.createSession({ n: 1 })
    clock.now += HOUR
    expect(await sessions.updateSession(token, { n: 1 })).toEqual({ n: 1 })
    expect((await store.row()).expiresAt).toBe(clock.now + DAY)
  })

  it('P5: 200 increments at once give 200', async () => {
    const { sessions } = shop()
    const token = await sessions.createSession()
    const increment = (data: Shop): Shop => ({ ...data, n: data.n + 1 })
    await Promise.all(Array.from({ length: 200 }, () => sessions.updateSession(token, increment)))
    expect(await sessions.retrieveSession(token)).toEqual({ n: 200 })
  })

  it('does not revive an expired session, and creates none for an unknown token', async () => {
    const { clock, store, sessions } = shop()
    const token = await sessions.createSession()
    const before = await store.row()
    clock.now += DAY
    await expect(sessions.updateSession(token, { n: 1 })).rejects.toThrow(SessionExpiredError)
    await expect(sessions.updateSession(NOBODY, { n: 1 })).rejects.toThrow(SessionNotFoundError)
    expect(await store.row()).toEqual(before)
  })

  it('P6: one that was destroyed between read and write stays destroyed', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession()
    store.before = (method) => (method === 'update' ? store.inner.clear() : undefined)
    await expect(sessions.updateSession(token, { n: 1 })).rejects.toThrow(SessionNotFoundError)
    expect(await store.rows()).toEqual([])
  })

  it('a function that throws, or is async, changes nothing', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession()
    const before = await store.row()
    const broken = (): never => {
      throw new RangeError('no')
    }
    await expect(sessions.updateSession(token, broken)).rejects.toThrow(RangeError)
    await expect(sessions.updateSession(token, (async () => ({ n: 1 })) as never)).rejects.toThrow(SessionDataError)
    expect(await store.row()).toEqual(before)
  })
})

describe('renewSession, regenerateSession, removeSession', () => {
  it('P10: renewSession extends, never past the hard end and never shortening', async () => {
    const { clock, store, sessions } = shop({ ttl: '8h', renewal: '2h', absolute: '9h' })
    const token = await sessions.createSession()
    const start = clock.now
    const expiries: number[] = []
    for (const hours of [1, 6.5, 8, 8.5]) {
      clock.now = start + hours * HOUR
      await sessions.renewSession(token)
      expiries.push(((await store.row()).expiresAt - start) / HOUR)
    }
    expect(expiries).toEqual([8, 8.5, 9, 9])
    clock.now = start + 9 * HOUR
    await expect(sessions.renewSession(token)).rejects.toThrow(SessionExpiredError)
  })

  it('P7: regenerateSession returns a new token for the same session; the old one is dead', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42' })
    const next = await sessions.regenerateSession(token)
    expect([next === token, next.split('.')[0]]).toEqual([false, token.split('.')[0]])
    expect(await sessions.findSession(next)).toMatchObject({ subject: 'u_42', data: { n: 1 } })
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.regenerateSession(token)).rejects.toThrow(SessionNotFoundError)
    expect(await store.rows()).toHaveLength(1)
  })

  it('removeSession is idempotent, says whether there was one, and tells so once', async () => {
    const { store, sessions, destroyed } = shop()
    const token = await sessions.createSession({}, { subject: 'u_42' })
    expect([await sessions.removeSession(token), await sessions.removeSession(token)]).toEqual([true, false])
    expect(await store.rows()).toEqual([])
    expect(destroyed).toEqual([{ id: token.split('.')[0], subject: 'u_42' }])
  })

  it('removeSession takes a token, and an id with another secret removes nothing', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession()
    const [id] = token.split('.')
    expect(await sessions.removeSession(`${id}.${'A'.repeat(43)}`)).toBe(false)
    expect(await sessions.removeSession(String(id))).toBe(false)
    expect(await store.rows()).toHaveLength(1)
  })
})

describe('errors', () => {
  it.each(bad)('P12: %j is not found, for each call that takes a token', async (token) => {
    const { store, sessions } = shop()
    const text = token as string
    await expect(sessions.retrieveSession(text)).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.updateSession(text, { n: 1 })).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.renewSession(text)).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.regenerateSession(text)).rejects.toThrow(SessionNotFoundError)
    expect(await sessions.findSession(text)).toBeUndefined()
    expect(await sessions.removeSession(text)).toBe(false)
    expect(await store.rows()).toEqual([])
  })

  it('P13: no error holds the token it is about', async () => {
    const { clock, sessions } = shop()
    const token = await sessions.createSession()
    clock.now += DAY
    const errors = [
      await sessions.retrieveSession(token).catch((error: unknown) => error),
      await sessions.retrieveSession(NOBODY).catch((error: unknown) => error),
    ] as (Error & { code: string })[]
    expect(errors.map(({ code }) => code)).toEqual(['SESSION_EXPIRED', 'SESSION_NOT_FOUND'])
    for (const error of errors) {
      for (const text of [token, NOBODY]) expect(`${error.message} ${error.stack}`).not.toContain(text.split('.')[1])
    }
  })

  it('P11: the store being down is StoreUnavailableError, for every call', async () => {
    const { store, sessions } = shop()
    const token = await sessions.createSession()
    store.down(true)
    const id = String(token.split('.')[0])
    const calls: (() => Promise<unknown>)[] = [
      () => sessions.createSession(),
      () => sessions.retrieveSession(token),
      () => sessions.findSession(token),
      () => sessions.updateSession(token, { n: 1 }),
      () => sessions.renewSession(token),
      () => sessions.regenerateSession(token),
      () => sessions.removeSession(token),
      () => sessions.listSessions('u_42'),
      () => sessions.removeSessionsOf('u_42'),
      () => sessions.removeSessionById(id),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow(StoreUnavailableError)
  })
})
