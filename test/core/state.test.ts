/** What a session wants of its write: what belongs to it alone, when its cookie is sent anew, and one write after the other. */
import type { Lifetime, Session } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { DAY, flow, gate, HOUR, MINUTE, rawFetch, type AnySession, type Flow } from '../support/flow.ts'

async function stored(change: (session: AnySession) => unknown = (session) => session.set('n', 1)): Promise<Flow> {
  const shop = flow(rawFetch)
  await shop.visit(change)
  shop.store.take()
  return shop
}

async function underway(shop: Flow): Promise<AnySession> {
  return (await shop.sessions.load(shop.request())) as Session as AnySession
}

/** Leaves, or becomes somebody else, while another request writes data and info. */
async function beside(shop: Flow, change: (session: AnySession) => unknown) {
  const session = await underway(shop)
  await shop.visit((other) => {
    other.data['theirs'] = 1
    other.info = { device: 'theirs' }
  })
  change(session)
  await shop.sessions.commit(session as never, new Response())
  const { data, info, subject, authenticatedAt } = await shop.store.row()
  return { data: JSON.parse(data) as unknown, info, subject, authenticatedAt }
}

describe('a session that becomes another’s, or nobody’s, takes in nothing of what others write meanwhile', () => {
  const signedIn = (): Promise<Flow> =>
    stored((session) => {
      session.subject = 'u_1'
      session.data['n'] = 1
    })

  it('MERGE: another subject', async () => {
    expect(await beside(await signedIn(), (session) => (session.subject = 'u_2'))).toMatchObject({
      data: { n: 1 },
      info: undefined,
      subject: 'u_2',
    })
  })

  it('MERGE: none any more, and with it no time of signing in', async () => {
    expect(await beside(await signedIn(), (session) => (session.subject = undefined))).toEqual({
      data: { n: 1 },
      info: undefined,
      subject: undefined,
      authenticatedAt: undefined,
    })
  })

  it('MERGE: left by a visitor who was not signed in', async () => {
    expect(await beside(await stored(), (session) => session.regenerate({ keepData: false }))).toMatchObject({
      data: {},
      info: undefined,
    })
  })

  it('P4: but the first sign-in does', async () => {
    expect(await beside(await stored(), (session) => (session.subject = 'u_1'))).toMatchObject({
      data: { n: 1, theirs: 1 },
      info: { device: 'theirs' },
      subject: 'u_1',
    })
  })
})

describe('the cookie of a stored session is sent anew, with a new token, where its own end changes', () => {
  const cases: [string, Lifetime, Lifetime, boolean][] = [
    ['`persistent`', {}, { persistent: false }, true],
    ['`persistent`, back', { persistent: false }, {}, true],
    ['`persistent`, said anew', {}, { persistent: true }, false],
    ['`absolute`', {}, { absolute: '1y' }, true],
    ['`absolute` and `persistent`', {}, { absolute: '1y', persistent: false }, true],
    ['`absolute`, to what is configured', {}, { absolute: '30d' }, false],
    ['`ttl` alone', {}, { ttl: '2d' }, false],
  ]
  it.each(cases)('COOKIE: %s', async (_, before, after, isSent) => {
    const shop = await stored((session) => {
      session.data['n'] = 1
      session.lifetime = before
    })
    const token = shop.value()
    const response = await shop.visit((session) => (session.lifetime = after))
    expect(response.headers.getSetCookie()).toHaveLength(isSent ? 1 : 0)
    expect(shop.value() !== token).toBe(isSent)
    expect(response.headers.getSetCookie().join().includes('Max-Age')).toBe(isSent && after.persistent !== false)
  })

  it.each([
    ['ttl', { ttl: '2d' }, false],
    ['absolute', { absolute: '1y' }, true],
    ['persistent', { persistent: false }, true],
  ] as [string, Lifetime, boolean][])('resetMaxAge() forgets `%s`, alone as it may be', async (_, own, isSent) => {
    const shop = await stored((session) => {
      session.data['n'] = 1
      session.lifetime = own
    })
    const start = shop.clock.now
    shop.clock.now += MINUTE
    const response = await shop.visit((session) => session.resetMaxAge())
    expect(response.headers.getSetCookie()).toHaveLength(isSent ? 1 : 0)
    const { ttl, absolute, persistent, expiresAt, endsAt } = await shop.store.row()
    expect({ ttl, absolute, persistent, expiresAt, endsAt }).toEqual({
      expiresAt: shop.clock.now + DAY,
      endsAt: start + 30 * DAY,
    })
  })
})

describe('one write after the other', () => {
  it('P4 P16: a save() that is asked for while another waits begins when both are done', async () => {
    const shop = await stored()
    const session = await underway(shop)
    const [gates, reached] = [
      [gate(), gate(), gate()],
      [gate(), gate(), gate()],
    ]
    let begun = 0
    shop.store.before = (method) => {
      if (method !== 'update') return undefined
      reached[begun]?.open()
      return gates[begun++]?.promise
    }
    const saves: Promise<void>[] = []
    for (const n of [2, 3]) {
      session.data['n'] = n
      saves.push(session.save())
    }
    await reached[0]?.promise
    gates[0]?.open()
    await saves[0]
    session.data['n'] = 4
    await reached[1]?.promise
    saves.push(session.save())
    // Long enough for a write that would not wait its turn.
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toBe(2)
    for (const { open } of gates) open()
    await Promise.all(saves)
    expect(shop.events.map(({ name }) => name)).not.toContain('conflict')
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ n: 4 })
  })

  it('P1: a session built from its record, and not changed, is written nowhere', async () => {
    const shop = await stored()
    const built = await shop.store.createSession(shop.request(), await shop.store.row())
    expect((await shop.sessions.commit(built as never, new Response())).headers.getSetCookie()).toEqual([])
    expect(shop.store.take()).toEqual([])
  })

  it('P2: leaving stores nothing where nothing was stored', async () => {
    const shop = flow(rawFetch)
    const response = await shop.visit((session) => session.regenerate({ keepData: false }))
    expect([response.headers.getSetCookie(), await shop.store.rows()]).toEqual([[], []])
  })

  it('leaving a session with a lifetime of its own goes back to the configured one', async () => {
    const shop = await stored((session) => {
      session.data['n'] = 1
      session.lifetime = { ttl: '2d', absolute: '1y' }
    })
    shop.clock.now += HOUR
    await shop.visit((session) => session.regenerate({ keepData: false }))
    const { ttl, absolute, expiresAt } = await shop.store.row()
    expect({ ttl, absolute, expiresAt }).toEqual({ expiresAt: shop.clock.now + DAY })
  })
})
