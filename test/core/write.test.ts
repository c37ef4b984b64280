/** The write loop where others write, rotate or end in between, and the two kinds of store that begin a new id instead. */
import { SessionConfigError, SessionManager, SessionTooLargeError, type Session, type SessionRecord } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import {
  DAY,
  flow,
  HOUR,
  MINUTE,
  rawFetch,
  SECOND,
  type AnySession,
  type Flow,
  type FlowOptions,
} from '../support/flow.ts'

async function signedIn(options?: FlowOptions): Promise<Flow> {
  const shop = flow(rawFetch, options)
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['n'] = 1
  })
  shop.takeEvents()
  shop.store.take()
  return shop
}

/** A request under way: loaded now, with the cookies of now. */
async function underway(shop: Flow): Promise<AnySession> {
  return (await shop.sessions.load(shop.request())) as Session as AnySession
}

/** Its answer, taken by this browser. */
async function finish(shop: Flow, session: AnySession): Promise<string[]> {
  const response = await shop.sessions.commit(session, new Response())
  for (const line of response.headers.getSetCookie()) shop.accept(line, new URL(shop.origin))
  return response.headers.getSetCookie()
}

describe('an update', () => {
  it('P6: of what is gone is lost at once: it is no conflict, and asks no more', async () => {
    const shop = await signedIn()
    const session = await underway(shop)
    await shop.store.inner.destroy(session.id as string)
    session.data['n'] = 2
    shop.takeEvents()
    shop.store.take()
    await finish(shop, session)
    expect(shop.takeEvents()).toEqual(['lost'])
    expect(shop.store.take()).toEqual(['update'])
  })

  it('P4: is told as merged where something was merged, and only there', async () => {
    const shop = await signedIn()
    const session = await underway(shop)
    shop.takeEvents()
    await shop.visit((other) => other.set('theirs', 1))
    expect(shop.takeEvents()).toEqual(['loaded', 'updated'])
    session.data['mine'] = 1
    await finish(shop, session)
    expect(shop.takeEvents()).toEqual(['conflict', 'updated', 'merged'])
    expect(await shop.see((other) => other.data)).toEqual({ n: 1, theirs: 1, mine: 1 })
  })

  it('R22: of a token that took effect, and is answered as a conflict, is done: the cookie brings that token', async () => {
    const shop = await signedIn()
    const { inner } = shop.store
    shop.store.update = async (...args) => {
      await inner.update(...args)
      return 'conflict'
    }
    const before = shop.value()
    await shop.visit((session) => session.regenerate())
    expect(shop.value()).not.toBe(before)
    expect(shop.takeEvents()).not.toContain('lost')
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('F03: that brings a subject begins its life anew, though what was there would have lasted longer', async () => {
    const shop = flow(rawFetch, { ttl: '1h', renewal: '1d' })
    await shop.visit((session) => session.set('n', 1))
    shop.clock.now += MINUTE
    await shop.visit((session) => session.touch())
    expect((await shop.store.row()).expiresAt).toBe(shop.clock.now + DAY)
    shop.clock.now += MINUTE
    await shop.visit((session) => (session.subject = 'u_42'))
    expect((await shop.store.row()).expiresAt).toBe(shop.clock.now + HOUR)
  })

  it('P3: of flash alone stores what `migrate` made of the data too: it is rewritten with the next change of anything', async () => {
    const shop = await signedIn({ migrate: (raw) => ({ theme: 'light', ...(raw as object) }) } as FlowOptions)
    const row = await shop.store.row()
    await shop.store.inner.set(row.id, { ...row, data: '{"n":1}' })
    await shop.visit((session) => session.flash('notice', 'hi'))
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ theme: 'light', n: 1 })
  })
})

describe('a request that another one’s rotation overtakes', () => {
  const rotating = { rotateEvery: '1h', grace: '30s' } satisfies FlowOptions

  /** Loaded with a token that is due; then another request replaces it. */
  async function overtaken(): Promise<{ shop: Flow; session: AnySession; next: string }> {
    const shop = await signedIn(rotating)
    shop.clock.now += HOUR
    const [session, other] = [await underway(shop), shop.copy()]
    await shop.see((one) => one.subject, other)
    shop.store.take()
    shop.takeEvents()
    return { shop, session, next: other.value() as string }
  }

  it('R19: and that only read, is handed the token by a touch, and writes no more', async () => {
    const { shop, session, next } = await overtaken()
    expect(await finish(shop, session)).toHaveLength(1)
    expect(shop.value()).toBe(next)
    expect(shop.store.take()).toEqual(['update', 'get', 'touch'])
  })

  it('P4 R19: and that wrote, keeps its change, and is handed the token', async () => {
    const { shop, session, next } = await overtaken()
    session.data['mine'] = 1
    await finish(shop, session)
    expect(shop.value()).toBe(next)
    expect(await shop.see((one) => one.data)).toEqual({ n: 1, mine: 1 })
  })

  it('P7: and that regenerates, brings a token of its own: the one of the rotation is dead', async () => {
    const { shop, session, next } = await overtaken()
    session.regenerate()
    await finish(shop, session)
    expect(shop.value()).not.toBe(next)
    expect(await shop.sessions.findSession(next)).toBeUndefined()
    expect(await shop.see((one) => one.subject)).toBe('u_42')
  })

  it('P7: twice, is nobody’s any more: its write is lost, though a handover is under way', async () => {
    const shop = await signedIn(rotating)
    shop.clock.now += HOUR - SECOND
    const session = await underway(shop)
    for (const later of [SECOND, HOUR]) {
      shop.clock.now += later
      await shop.see((one) => one.subject)
      if (later === SECOND) await shop.see((one) => one.subject)
    }
    expect((await shop.store.row()).previous?.until).toBeUndefined()
    session.data['mine'] = 1
    expect(await finish(shop, session)).toEqual([])
    expect(shop.takeEvents()).toContain('lost')
    expect(await shop.see((one) => one.data)).toEqual({ n: 1 })
  })

  it('P7: while its session was built from the record, without its token, loses its write', async () => {
    const shop = await signedIn(rotating)
    shop.clock.now += HOUR
    const built = (await shop.store.createSession(shop.request(), await shop.store.row())) as unknown as AnySession
    await shop.see((one) => one.subject)
    built.data['mine'] = 1
    expect(await finish(shop, built)).toEqual([])
    expect(shop.takeEvents()).toContain('lost')
    expect(await shop.see((one) => one.data)).toEqual({ n: 1 })
  })

  it('P4 R19: before it was loaded, and that another one’s write overtakes too, keeps both, and is handed the token', async () => {
    const { shop, next } = await overtaken()
    const session = await underway(shop)
    const other = shop.copy()
    await shop.visit((one) => one.set('theirs', 1), { by: other })
    session.data['mine'] = 1
    await finish(shop, session)
    expect(shop.value()).toBe(next)
    expect(await shop.see((one) => one.data)).toEqual({ n: 1, theirs: 1, mine: 1 })
  })

  it('R19: and that finds the new token confirmed, does not prolong the old one’s grace', async () => {
    const shop = await signedIn(rotating)
    shop.clock.now += HOUR
    await shop.see((one) => one.subject)
    const session = await underway(shop)
    await shop.see((one) => one.subject)
    const until = shop.clock.now + 30 * SECOND
    expect((await shop.store.row()).previous?.until).toBe(until)
    shop.clock.now += 10 * SECOND
    session.data['mine'] = 1
    await finish(shop, session)
    expect((await shop.store.row()).previous?.until).toBe(until)
  })
})

describe('regenerate() on a store that is eventual', () => {
  async function eventual(): Promise<Flow> {
    const shop = flow(rawFetch)
    Object.defineProperty(shop.store, 'capabilities', { value: { atomic: true, consistency: 'eventual' } })
    await shop.visit((session) => session.set('n', 1))
    return shop
  }

  it('P4 P7: is a new id with what others wrote meanwhile, and the old row is gone', async () => {
    const shop = await eventual()
    const session = await underway(shop)
    const old = session.id
    await shop.visit((other) => other.set('theirs', 1))
    session.data['mine'] = 1
    session.subject = 'u_42'
    await finish(shop, session)
    const row = await shop.store.row()
    expect(row.id).not.toBe(old)
    expect(JSON.parse(row.data)).toEqual({ n: 1, theirs: 1, mine: 1 })
    expect(await shop.see((one) => one.subject)).toBe('u_42')
  })

  it.each([
    ['was replaced', (row: SessionRecord) => ({ ...row, verifier: 'v'.repeat(43) })],
    ['is gone', () => undefined],
  ])('P6 P7: whose row %s meanwhile is lost: no cookie, no other row', async (_, become) => {
    const shop = await eventual()
    const session = await underway(shop)
    const row = become(await shop.store.row())
    await shop.store.inner.destroy(session.id as string)
    if (row) await shop.store.inner.set(row.id, row)
    session.regenerate()
    shop.store.take()
    expect(await finish(shop, session)).toEqual([])
    expect(await shop.store.rows()).toEqual(row ? [row] : [])
    expect(shop.store.take()).toEqual(['get'])
  })
})

describe('without a request', () => {
  const pad = 'x'.repeat(5_000)
  const store = new CookieStore({ secret: 's'.repeat(32) })

  it('P17: a seal that is too large for its cookie is an error, and none where it goes out as a bearer token', async () => {
    const sealed = (options: object) => new SessionManager<Record<string, unknown>>({ store, ...options })
    await expect(sealed({}).createSession({ pad })).rejects.toThrow(SessionTooLargeError)
    await expect(sealed({ transport: ['bearer', 'cookie'] }).createSession({ pad })).rejects.toThrow(
      SessionTooLargeError,
    )
    for (const transport of ['bearer', ['cookie', 'bearer']]) {
      expect((await sealed({ transport }).createSession({ pad })).length).toBeGreaterThan(5_000)
    }
  })

  it.each(['', 'a b', 'a.b', 'x'.repeat(129), 7, undefined])(
    'C10: a `genid` that returns %j is an error that names it',
    async (id) => {
      const sessions = new SessionManager({ genid: () => id as string })
      const creating = sessions.createSession()
      await expect(creating).rejects.toThrow(SessionConfigError)
      await expect(creating).rejects.toThrow('`genid`')
    },
  )
})
