/** Which tokens are replaced, and how long a row remembers the one before. */
import { describe, expect, it } from 'vitest'
import { flow, HOUR, rawFetch, SECOND } from '../support/flow.ts'
import { signedIn } from '../stores/cached.ts'

const ROTATING = { rotateEvery: '1h', grace: '30s' } as const

describe('rotateEvery', () => {
  it('replaces no bearer token: nobody takes a new one from a header', async () => {
    const shop = flow(rawFetch, { ...ROTATING, transport: ['bearer', 'cookie'] })
    const token = await shop.sessions.createSession({}, { subject: 'u_42' })
    shop.clock.now += HOUR
    const before = await shop.store.row()
    await shop.visit((session) => expect(session.subject).toBe('u_42'), {
      headers: { authorization: `Bearer ${token}` },
    })
    expect((await shop.store.row()).verifier).toBe(before.verifier)
    await shop.visit((session) => session.set('n', 1), { headers: { authorization: `Bearer ${token}` } })
    expect((await shop.store.row()).verifier).toBe(before.verifier)
  })

  it('replaces none in a headless call: there is no answer to bring the next one', async () => {
    const shop = flow(rawFetch, ROTATING)
    const token = await shop.sessions.createSession({ n: 1 }, { subject: 'u_42' })
    shop.clock.now += HOUR
    const { verifier } = await shop.store.row()
    await shop.sessions.updateSession(token, { n: 2 })
    const row = await shop.store.row()
    expect([row.verifier, row.previous, row.data]).toEqual([verifier, undefined, '{"n":2}'])
  })

  it('counts from when the token came in: what is written meanwhile puts nothing off', async () => {
    const shop = flow(rawFetch, ROTATING)
    await shop.visit((session) => (session.subject = 'u_42'))
    const first = shop.value()
    shop.clock.now += HOUR - SECOND
    await shop.visit((session) => session.set('n', 1))
    expect(shop.value()).toBe(first)
    shop.clock.now += SECOND
    await shop.see((session) => session.subject)
    expect(shop.value()).not.toBe(first)
  })

  it('R19: lets the grace begin with the new token’s first use: a write by the one before is none', async () => {
    const shop = flow(rawFetch, ROTATING)
    await shop.visit((session) => (session.subject = 'u_42'))
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.visit((session) => session.set('n', 1), { by: old })
    expect(await shop.store.row()).toMatchObject({ data: '{"n":1}', previous: { handover: expect.any(String) } })
    expect((await shop.store.row()).previous?.until).toBeUndefined()
  })

  it('replaces none on the word of a copy: the store is asked first', async () => {
    const app = await signedIn({ n: 1 }, { ...ROTATING, cache: { ttl: '1m' } })
    app.clock.now += HOUR - SECOND
    await app.visit((session) => session.subject)
    const { token } = app
    app.store.take()
    app.clock.now += SECOND
    await app.visit((session) => session.subject)
    expect([app.token, app.store.take()]).toEqual([token, []])
    app.clock.now += 60 * SECOND
    await app.visit((session) => session.subject)
    expect(app.token).not.toBe(token)
  })
})

describe('a row whose token was replaced by regenerate()', () => {
  it.each([
    [10 * SECOND - 1, true],
    [10 * SECOND, false],
  ])('R20: that is written after %i ms remembers the token before: %s', async (after, remembers) => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const { verifier } = await shop.store.row()
    await shop.visit((session) => session.regenerate())
    const until = shop.clock.now + 10 * SECOND
    expect((await shop.store.row()).previous).toEqual({ verifier, until })
    shop.clock.now += after
    await shop.visit((session) => session.set('n', 2))
    expect((await shop.store.row()).previous).toEqual(remembers ? { verifier, until } : undefined)
  })

  it('R20: remembers the last token that was sent, not the one before that', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    await shop.visit((session) => session.regenerate())
    const { verifier } = await shop.store.row()
    await shop.visit((session) => session.regenerate())
    expect((await shop.store.row()).previous?.verifier).toBe(verifier)
  })

  it('R20: remembers one of a rotation that was saved before it, which other requests have been handed since', async () => {
    const shop = flow(rawFetch, ROTATING)
    await shop.visit((session) => (session.subject = 'u_42'))
    shop.clock.now += HOUR
    const tab = shop.copy()
    const session = await shop.sessions.load(shop.request())
    await session.save()
    expect(await shop.see((own) => own.subject, tab)).toBe('u_42')
    session.regenerate()
    await shop.sessions.commit(session, new Response())
    shop.takeEvents()
    const response = await shop.visit((own) => own.set('late', true), { by: tab })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.takeEvents()).toEqual(['lost'])
  })
})
