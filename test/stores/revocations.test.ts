/** A sealed cookie with `revocations`: a copy dies with its logout, and what that costs. */
import { inspect } from 'node:util'
import {
  SessionConfigError,
  SessionManager,
  SessionNotFoundError,
  SessionUnsupportedError,
  type StoreModel,
} from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { storeCases } from 'latchkey/testing'
import { describe, expect, it } from 'vitest'
import { bareModel, ThreeMethodStore } from '../testing/three-methods.ts'
import { WatchedStore } from '../support/watched-store.ts'
import { marksIn, MEMORIES, opening, siteOver } from './revocable.ts'
import { DAY, HOUR, SECRET, START } from './sealed.ts'

describe.each(MEMORIES)('remembered by $name', ({ open }) => {
  it('C06: a copied cookie is dead after its logout, on every instance, and the cookie is not cleared (P12)', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 }, 'u_42')
    expect(await site.visit(token, (session) => session.destroy())).toBe('')
    expect(site.events.splice(0)).toEqual(['loaded', 'destroyed'])
    for (let replay = 0; replay < 2; replay++) {
      const answer = await site.visit(token, (session) => {
        expect([session.isNew, session.subject, session.data]).toEqual([true, undefined, {}])
      })
      expect(answer).toBeUndefined()
    }
    expect(site.reports.slice(-1)).toMatchObject([{ name: 'rejected', reason: 'unknown' }])
    expect(await site.data(token)).toBeUndefined()
    await expect(site.one.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
  })

  it('C06: an older copy, from before the last write, dies with it', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const next = await site.visit(token, (session) => void (session.data['n'] = 2))
    expect(await opening(site, [token, next])).toBe(2)
    await site.visit(next, (session) => session.destroy())
    expect(await opening(site, [token, next])).toBe(0)
  })

  it('F19: destroying without reading is enough, and twice is fine (S09)', async () => {
    const site = open()
    const { token } = await site.begin()
    const both = [await site.request(token), await site.request(token)]
    for (const { session } of both) session.destroy()
    expect(await Promise.all(both.map((one) => one.finish()))).toEqual(['', ''])
    expect(site.events.filter((name) => name === 'destroyed')).toHaveLength(1)
    expect(await opening(site, [token])).toBe(0)
  })

  it('`sessions.regenerate(request)` ends the old cookie', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    const next = await site.one.regenerate(request)
    expect(next.isNew).toBe(true)
    expect(await opening(site, [token])).toBe(0)
  })

  it('removeSession(token) ends it, and says so once', async () => {
    const site = open()
    const { token } = await site.begin()
    expect(await site.one.removeSession(token)).toBe(true)
    expect(await site.two.removeSession(token)).toBe(false)
    expect(await site.one.removeSession('garbage')).toBe(false)
    expect(await opening(site, [token])).toBe(0)
  })

  it('removeSessionById(id) ends it, under the id it has now; with a subject it cannot be checked', async () => {
    const site = open()
    const { token } = await site.begin({}, 'u_42')
    const { session, finish } = await site.request(token)
    const { id = '' } = session
    session.regenerate()
    const next = await finish()
    await expect(site.one.removeSessionById(id, { subject: 'u_42' })).rejects.toThrow(SessionUnsupportedError)
    expect(await site.one.removeSessionById(id, { subject: undefined })).toBe(false)
    expect(await opening(site, [next])).toBe(1)
    expect(await site.one.removeSessionById(id)).toBe(true)
    expect(await site.two.removeSessionById(id)).toBe(false)
    expect(await site.one.removeSessionById('../etc')).toBe(false)
    expect(await opening(site, [token, next])).toBe(0)
  })

  it('R23: an id that ended is not given out again, however `genid` repeats itself', async () => {
    const ids = ['one', 'one', 'two', 'two', 'three']
    const site = open({ genid: () => ids.shift() ?? 'none' })
    const { token } = await site.begin({ n: 1 })
    await site.visit(token, (session) => session.destroy())
    const fresh = await site.one.createSession({ n: 2 })
    expect((await site.one.findSession(fresh))?.id).toBe('two')
    const next = await site.one.regenerateSession(fresh)
    expect(await site.one.findSession(next)).toMatchObject({ id: 'three', data: { n: 2 } })
    expect(await opening(site, [token, fresh])).toBe(0)
  })
})

describe('what is remembered', () => {
  it('a mark per ended id, until its hard end: no token, verifier, data or name of anybody (P13)', async () => {
    const store = new MemoryStore()
    const site = siteOver(store)
    const { token } = await site.begin({ canary: 'c4n4ry' }, 'u_42')
    const { id = '' } = (await site.one.findSession(token)) ?? {}
    await site.visit(token, (session) => session.destroy())
    const [mark, ...others] = await marksIn(store)
    expect(others).toEqual([])
    expect(mark).toEqual({
      id: expect.stringMatching(/^revoked_[A-Za-z0-9_-]{43}$/),
      verifier: '-',
      data: '{}',
      version: 1,
      createdAt: START,
      rotatedAt: START,
      lastSeenAt: START,
      expiresAt: START + 30 * DAY,
      endsAt: START + 30 * DAY,
    })
    for (const secret of [id, 'u_42', 'c4n4ry', token]) expect(JSON.stringify(mark)).not.toContain(secret)
  })

  it('400 days without a hard end, longer for a longer life, and 400 days where only the id is known', async () => {
    const lifeOf = async (options: object, end: 'token' | 'id'): Promise<number> => {
      const store = new MemoryStore()
      const site = siteOver(store, options)
      const { token } = await site.begin()
      const { id = '' } = (await site.one.findSession(token)) ?? {}
      await (end === 'id' ? site.one.removeSessionById(id) : site.one.removeSession(token))
      return ((await marksIn(store))[0]?.expiresAt ?? 0) - START
    }
    expect(await lifeOf({ absolute: false }, 'token')).toBe(400 * DAY)
    expect(await lifeOf({ absolute: false, ttl: '800d' }, 'token')).toBe(800 * DAY)
    expect(await lifeOf({}, 'id')).toBe(400 * DAY)
  })

  it('a sweep takes marks whose sessions have ended by themselves, and no others', async () => {
    const store = new MemoryStore()
    const site = siteOver(store, { absolute: '30d' })
    const { token } = await site.begin({}, 'u_42')
    await site.one.removeSession(token)
    site.clock.now += 30 * DAY - 1
    expect([await site.one.countExpiredSessions(), await site.one.removeExpiredSessions()]).toEqual([0, 0])
    expect(await opening(site, [token])).toBe(0)
    site.clock.now += 1
    expect([await site.one.countExpiredSessions(), await site.one.removeExpiredSessions()]).toEqual([1, 1])
    expect(await opening(site, [token])).toBe(0)
    expect(await marksIn(store)).toEqual([])
  })

  it('a store that cannot sweep leaves sweeping to its owner', async () => {
    const { one } = siteOver(new ThreeMethodStore())
    await expect(one.removeExpiredSessions()).rejects.toThrow(SessionUnsupportedError)
  })

  it('a session past its hard end leaves no mark', async () => {
    const store = new MemoryStore()
    const site = siteOver(store)
    const { token } = await site.begin()
    site.clock.now += 30 * DAY
    expect(await site.one.removeSession(token)).toBe(false)
    expect(await marksIn(store)).toEqual([])
  })

  it('two cookies over one store of revocations, and ordinary sessions in it, do not meet', async () => {
    const revocations = new MemoryStore()
    const store = new CookieStore({ secret: SECRET, revocations })
    const genid = (): string => 'the-same-id'
    const [shop, admin] = ['shop', 'admin'].map(
      (name) => new SessionManager({ store, genid, cookie: { name }, now: () => START }),
    ) as [SessionManager, SessionManager]
    const rows = new SessionManager({ store: revocations, genid, now: () => START })
    const tokens = [
      await shop.createSession({}, { subject: 'u_42' }),
      await admin.createSession({}, { subject: 'u_42' }),
      await rows.createSession({}, { subject: 'u_42' }),
    ] as const
    await shop.removeSession(tokens[0])
    await shop.removeSessionsOf('u_42')
    expect(await admin.findSession(tokens[1])).toBeDefined()
    expect(await rows.findSession(tokens[2])).toBeDefined()
    expect(await rows.listSessions('u_42')).toHaveLength(1)
    // Nor does a mark open to anybody who finds its id.
    const marks = (await marksIn(revocations)).filter(({ id }) => id !== 'the-same-id')
    const opened = marks.flatMap(({ id }) => ['-', 'x'.repeat(43)].map((secret) => rows.findSession(`${id}.${secret}`)))
    expect(await Promise.all(opened)).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('what it costs', () => {
  it('one read a visit without a subject, two with one; none for what is no live cookie of ours (P12)', async () => {
    const store = new WatchedStore()
    const site = siteOver(store)
    const [visitor, user] = [await site.begin({ n: 1 }), await site.begin({ n: 1 }, 'u_42')]
    expect(store.take()).toEqual([])
    await site.visit(undefined, (session) => session.data)
    expect(store.take()).toEqual([])
    await site.visit(visitor.token, (session) => session.data)
    expect(store.take()).toEqual(['get'])
    await site.visit(user.token, (session) => session.data)
    expect(store.take()).toEqual(['get', 'get'])
    const flipped = user.token.slice(0, -2) + (user.token.endsWith('A') ? 'QQ' : 'AA')
    for (const bad of ['x', `${user.token}.x`, flipped, user.token.slice(1)]) await site.visit(bad, ({ data }) => data)
    expect(store.take()).toEqual([])
    site.clock.now += DAY
    await site.visit(user.token, (session) => session.data)
    expect(store.take()).toEqual([])
  })

  it('as many again for a write; one write for a logout; a new token for a user is two reads and a write', async () => {
    const store = new WatchedStore()
    const site = siteOver(store)
    const { token } = await site.begin({ n: 1 }, 'u_42')
    const costs = async (handler: Parameters<typeof site.visit>[1], of = token): Promise<string[]> => {
      const { session, finish } = await site.request(of)
      store.take()
      await handler(session)
      await finish()
      return store.take()
    }
    expect(await costs((session) => void (session.data['n'] = 2))).toEqual(['get', 'get'])
    expect(await costs((session) => session.regenerate())).toEqual(['get', 'create', 'get'])
    const again = await site.begin({}, 'u_42')
    expect(await costs((session) => session.destroy(), again.token)).toEqual(['create'])
    const visitor = await site.begin()
    expect(await costs((session) => void (session.subject = 'u_42'), visitor.token)).toEqual(['create', 'get'])
  })
})

describe('the conformance kit', () => {
  const cases = storeCases(() => new CookieStore({ secret: SECRET, revocations: new MemoryStore() }))

  it.each(cases.filter(({ skip }) => !skip))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('skips what asks for a row, which there is none of with `revocations` either', () => {
    const skipped = cases.flatMap(({ skip }) => skip ?? [])
    expect(new Set(skipped)).toEqual(new Set(['the record lives in the token: the store keeps no row']))
    expect(cases.length - skipped.length).toBeGreaterThan(4)
  })
})

describe('the option', () => {
  it('takes any store, a bare model too', async () => {
    const site = siteOver(bareModel() as never)
    const { token } = await site.begin()
    await site.one.removeSession(token)
    expect(await opening(site, [token])).toBe(0)
  })

  it.each([
    ['undefined, as of a missing binding', undefined],
    ['null', null],
    ['an object that is no store', {}],
    ['a store that keeps records in tokens itself', new CookieStore({ secret: SECRET })],
  ])('refuses %s with SessionConfigError', (_, revocations) => {
    const make = (): CookieStore => new CookieStore({ secret: SECRET, revocations: revocations as StoreModel })
    expect(make).toThrow(SessionConfigError)
    expect(make).toThrow(/`revocations`/)
  })

  it('P13: prints nothing of itself', async () => {
    const store = new CookieStore({ secret: SECRET, revocations: new MemoryStore() })
    expect(inspect(store, { depth: 9 }) + JSON.stringify(store)).not.toContain(SECRET)
  })

  it('left out, nothing is remembered and a copy outlives its logout, until it expires', async () => {
    const store = new CookieStore({ secret: SECRET })
    const clock = { now: START }
    const sessions = new SessionManager({ store, now: () => clock.now })
    const token = await sessions.createSession()
    await expect(sessions.removeSession(token)).rejects.toThrow(SessionUnsupportedError)
    clock.now += DAY - HOUR
    expect(await sessions.findSession(token)).toBeDefined()
    expect(store.capabilities).toEqual({ atomic: false, consistency: 'strong', carriesRecord: true })
  })
})
