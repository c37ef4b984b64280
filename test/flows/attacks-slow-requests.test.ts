/** Attacks on `rotateEvery` by requests that take longer than the grace. */
import { SessionNotFoundError, type Session } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { flow, HOUR, MINUTE, rawFetch, SECOND, type AnySession, type Flow } from '../support/flow.ts'

/** A request that was let in just before its token was replaced, and is still running a minute after the new one's first use. */
async function slow(): Promise<{ shop: Flow; session: AnySession }> {
  const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['n'] = 1
  })
  shop.clock.now += HOUR - SECOND
  const session = (await shop.sessions.load(shop.request())) as Session as AnySession
  shop.clock.now += SECOND
  await shop.see((other) => other.subject)
  await shop.see((other) => other.subject)
  shop.clock.now += MINUTE
  shop.takeEvents()
  return { shop, session }
}

describe('a request that takes longer than the grace', () => {
  it('may reload: its token was used in time, so nothing is reused and nobody is logged out', async () => {
    const { shop, session } = await slow()
    await expect(session.reload()).rejects.toBeInstanceOf(SessionNotFoundError)
    expect(shop.takeEvents()).not.toContain('reuse')
    expect(await shop.see((other) => other.subject)).toBe('u_42')
  })

  it('loses its write, and logs nobody out by it', async () => {
    const { shop, session } = await slow()
    session.data['n'] = 2
    const response = await shop.sessions.commit(session, new Response())
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.takeEvents()).toContain('lost')
    expect(await shop.see((other) => other.data)).toEqual({ n: 1 })
  })

  it('P6: and leaving by it ends the session, by destroy() or without its data', async () => {
    for (const leave of [
      (one: AnySession) => one.destroy(),
      (one: AnySession) => one.regenerate({ keepData: false }),
    ]) {
      const { shop, session } = await slow()
      leave(session)
      await shop.sessions.commit(session, new Response())
      expect(await shop.see((other) => other.subject)).toBeUndefined()
    }
  })
})
