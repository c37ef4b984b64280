/** What the awaited members of a session do where its token is not known, or the store has not let the request in. */
import { SessionNotFoundError, SessionStateError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { createCsrfToken } from '../../src/core/csrf.ts'
import { flow, HOUR, rawFetch, SECOND, type AnySession, type Flow } from '../support/flow.ts'
import { signedIn } from '../stores/cached.ts'

describe('a session that a store built from its record, without its token', () => {
  async function built(): Promise<{ shop: Flow; session: AnySession }> {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const session = await shop.store.createSession(shop.request(), await shop.store.row())
    shop.store.take()
    return { shop, session: session as unknown as AnySession }
  }

  it('F04: has no CSRF token, and verifies none', async () => {
    const { shop, session } = await built()
    const theirs = await shop.see((own) => own.csrfToken())
    expect(await session.verifyCsrf(theirs)).toBe(false)
    await expect(session.csrfToken()).rejects.toThrow(SessionStateError)
  })

  it('reload() goes back to its record, and asks nobody', async () => {
    const { shop, session } = await built()
    session.data['n'] = 2
    await session.reload()
    expect([session.data, session.isNew]).toEqual([{ n: 1 }, false])
    expect(shop.store.take()).toEqual([])
  })
})

describe('a session that has no token yet', () => {
  it('F04: takes no CSRF token, not even one under no secret at all', async () => {
    const underNothing = await createCsrfToken('')
    expect(await flow(rawFetch).see((session) => session.verifyCsrf(underNothing))).toBe(false)
  })
})

describe('reload()', () => {
  it('raises `reuse` for a token that only a copy had let in: the store never did', async () => {
    const app = await signedIn({ n: 1 }, { rotateEvery: '1h', grace: '30s', cache: { ttl: '5m' } })
    app.clock.now += HOUR - SECOND
    await app.visit((session) => session.subject)
    const thief = app.copy()
    app.clock.now += SECOND
    for (const _ of [1, 2]) {
      const session = await app.sessions.load(app.request(), { fresh: true })
      app.keep(await app.sessions.commit(session, new Response()))
    }
    app.clock.now += 31 * SECOND
    const session = await app.sessions.load(thief.request())
    expect(session.subject).toBe('u_1')
    await expect(session.reload()).rejects.toBeInstanceOf(SessionNotFoundError)
    expect(await app.store.rows()).toEqual([])
  })
})
