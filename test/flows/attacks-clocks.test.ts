/** Attacks on `rotateEvery` by clocks that disagree: two instances of an app, or one whose clock was set back. */
import { describe, expect, it } from 'vitest'
import { adapters, flow, HOUR, SECOND } from '../support/flow.ts'

describe.each(adapters)('rotateEvery and clocks that disagree, through $name', (adapter) => {
  it('R19: an instance that is behind puts no dead token in the place of a good one', async () => {
    const shop = flow(adapter, { rotateEvery: '1h', grace: '30s' })
    await shop.visit((session) => void (session.subject = 'u_42'))
    const old = shop.value() as string
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    // By this clock the grace is over, and a write takes the nonce away; by the next one it is not over yet.
    shop.clock.now += 31 * SECOND
    await shop.visit((session) => void (session.data['n'] = 1))
    shop.clock.now -= 5 * SECOND
    const late = shop.copy()
    late.plant(old)
    const response = await shop.visit((session) => session.subject, { by: late })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('R19: nor does a write that finds itself replaced by a rotation long over', async () => {
    const shop = flow(adapter, { rotateEvery: '1h', grace: '30s' })
    await shop.visit((session) => void (session.subject = 'u_42'))
    const late = shop.copy()
    const other = shop.copy()
    shop.clock.now += HOUR
    const response = await shop.visit(
      async (session) => {
        session.data['late'] = true
        const request = other.request()
        const beside = await shop.sessions.load(request)
        const answer = await shop.sessions.commit(beside, new Response())
        for (const line of answer.headers.getSetCookie()) other.accept(line, new URL(request.url))
        const next = await shop.sessions.load(other.request())
        await shop.sessions.commit(next, new Response())
        shop.clock.now += 31 * SECOND
        await shop.sessions.updateSession(other.value() as string, (data) => void (data['n'] = 1))
        shop.clock.now -= 5 * SECOND
      },
      { by: late },
    )
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.see((session) => session.data, other)).toEqual({ n: 1 })
  })
})
