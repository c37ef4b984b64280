/** A touch that finds the row changed: nothing is handed out for it, and who insists is heard. */
import type { Session } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { DAY, flow, HOUR, MINUTE, rawFetch } from '../support/flow.ts'

describe('touch', () => {
  it('P1: is made once for one request, though it is saved before', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    shop.store.take()
    await shop.visit(async (session) => {
      session.touch()
      await session.save()
    })
    expect(shop.store.take()).toEqual(['get', 'touch'])
  })

  it('P7: a request with a token whose handover has ended meanwhile is not given the next one', async () => {
    const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
    await shop.visit((session) => (session.subject = 'u_42'))
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    const late = (await shop.sessions.load(old.request())) as unknown as Session
    expect(late.subject).toBe('u_42')
    await shop.visit((session) => session.regenerate())
    const response = await shop.sessions.commit(late as never, new Response())
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P10: renewSession() renews, whoever writes in between', async () => {
    const shop = flow(rawFetch)
    const token = await shop.sessions.createSession({ n: 1 })
    shop.clock.now += MINUTE
    let once = true
    shop.store.before = async (method) => {
      if (method !== 'touch' || !once) return
      once = false
      await shop.sessions.updateSession(token, { n: 2 })
      shop.clock.now += MINUTE
    }
    await shop.sessions.renewSession(token)
    expect(await shop.store.row()).toMatchObject({ data: '{"n":2}', expiresAt: shop.clock.now + DAY })
  })
})
