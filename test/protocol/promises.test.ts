/** The protocol without a request: tokens, renewals and ends by the headless calls. */
import { SessionExpiredError, SessionNotFoundError } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { DAY, HOUR, idOf, Site, START, STORES } from './site.ts'

function reasonsOf(results: PromiseSettledResult<unknown>[]): unknown[] {
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
}

describe.each(STORES)('headless, on $name', ({ open }) => {
  test('P7: regenerateSession ends the old token in the write that brings in the new one', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 }, 'u_1')
    const next = await site.one.regenerateSession(token)
    expect(idOf(next)).toBe(id)
    expect(await site.two.retrieveSession(next)).toEqual({ n: 1 })
    for (const call of [
      () => site.two.retrieveSession(token),
      () => site.two.updateSession(token, { n: 2 }),
      () => site.two.renewSession(token),
      () => site.two.regenerateSession(token),
    ]) {
      await expect(call()).rejects.toThrow(SessionNotFoundError)
    }
    expect(await site.two.findSession(token)).toBeUndefined()
    expect(await site.two.retrieveSession(next)).toEqual({ n: 1 })
  })

  test('P7 R05: of ten regenerateSession at once one returns the one live token', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ n: 1 })
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => [site.one, site.two][index % 2]?.regenerateSession(token)),
    )
    const given = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value as string] : []))
    expect(given).toHaveLength(1)
    expect(await site.data(given[0] as string)).toEqual({ n: 1 })
    expect(reasonsOf(results).filter((reason) => !(reason instanceof SessionNotFoundError))).toEqual([])
  })

  test('P6: removeSession wins over updates, renewals and regenerates that run beside it', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 })
    const beside = Array.from({ length: 9 }, async (_, index) => {
      if (index % 3 === 0) return site.two.updateSession(token, (data) => void (data.n = index))
      return index % 3 === 1 ? site.two.renewSession(token) : site.one.regenerateSession(token)
    })
    const [results] = await Promise.all([Promise.allSettled(beside), site.one.removeSession(token)])
    const given = results.flatMap((result) =>
      result.status === 'fulfilled' && typeof result.value === 'string' ? [result.value] : [],
    )
    // Either it was the current token that was removed, or somebody holds a newer one, and removes that.
    for (const one of given) await site.one.removeSession(one)
    expect(await site.row(id)).toBeUndefined()
    expect(reasonsOf(results).filter((reason) => !(reason instanceof SessionNotFoundError))).toEqual([])
  })

  test('P6: removeSession is idempotent, and nothing opens afterwards', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    expect(await site.one.removeSession(token)).toBe(true)
    expect(await site.two.removeSession(token)).toBe(false)
    await expect(site.one.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
    await expect(site.one.updateSession(token, { n: 1 })).rejects.toThrow(SessionNotFoundError)
    expect(site.events.filter((name) => name === 'destroyed')).toHaveLength(1)
  })

  test('P6: after removeSession a request that was under way changes nothing', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    const slow = await site.request(token)
    slow.session.data['late'] = true
    await site.one.removeSession(token)
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toBeUndefined()
  })

  test('P9: updateSession and renewSession do not revive an expired session', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ n: 1 })
    const before = await site.row(id)
    site.clock.now = START + DAY
    await expect(site.one.updateSession(token, { n: 2 })).rejects.toThrow(SessionExpiredError)
    await expect(site.one.renewSession(token)).rejects.toThrow(SessionExpiredError)
    await expect(site.one.regenerateSession(token)).rejects.toThrow(SessionExpiredError)
    expect(await site.row(id)).toEqual(before)
  })

  test('P9: nor does a commit that was under way when it expired, and found somebody else’s write', async () => {
    const site = new Site(open(), { ttl: '1h' })
    const { token, id } = await site.begin({ n: 1 })
    const slow = await site.request(token)
    slow.session.data['late'] = true
    await site.visit(token, (session) => (session.data['n'] = 2))
    const before = await site.row(id)
    site.clock.now += HOUR
    expect(await slow.finish()).toBeUndefined()
    expect(await site.row(id)).toEqual(before)
    expect(site.events).toContain('lost')
  })

  test('S18 P10: an older renewal that arrives late never shortens the session', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    site.clock.now += 12 * HOUR
    const slow = await site.request(token)
    slow.session.touch()
    site.clock.now += HOUR
    await site.one.renewSession(token)
    expect(await site.row(id)).toMatchObject({ expiresAt: site.clock.now + DAY, lastSeenAt: site.clock.now })
    const before = await site.row(id)
    site.clock.now -= HOUR
    await slow.finish()
    expect(await site.row(id)).toEqual(before)
  })

  test('P10: renewals, updates and touches stop at the hard end, and never shorten', async () => {
    const site = new Site(open(), { ttl: '2d', renewal: '1d', absolute: '3d' })
    const { token, id } = await site.begin()
    await site.one.renewSession(token)
    expect((await site.row(id))?.expiresAt).toBe(START + 2 * DAY)
    await site.visit(token, (session) => session.touch())
    await site.one.updateSession(token, { n: 1 })
    expect((await site.row(id))?.expiresAt).toBe(START + 2 * DAY)
    site.clock.now = START + 2 * DAY - 1
    await site.one.updateSession(token, { n: 2 })
    expect((await site.row(id))?.expiresAt).toBe(START + 3 * DAY - 1)
    site.clock.now = START + 3 * DAY - 2
    for (const renew of [
      () => site.one.renewSession(token),
      () => site.visit(token, (session) => session.touch()),
      () => site.visit(token, (session) => (session.data.n = 3)),
      () => site.one.updateSession(token, (data) => ({ n: (data.n ?? 0) + 1 })),
    ]) {
      await renew()
      expect((await site.row(id))?.expiresAt).toBe(START + 3 * DAY)
    }
    site.clock.now = START + 3 * DAY
    expect(await site.data(token)).toBeUndefined()
  })

  test('P10: a regenerate is no new life either', async () => {
    const site = new Site(open(), { absolute: '3d' })
    const { token, id } = await site.begin({}, 'u_1')
    site.clock.now += 12 * HOUR
    await site.one.regenerateSession(token)
    expect(await site.row(id)).toMatchObject({ endsAt: START + 3 * DAY, createdAt: START, authenticatedAt: START })
  })
})
