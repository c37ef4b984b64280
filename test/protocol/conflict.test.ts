/** What two changes of the same thing make of each other: `onConflict`, functions that are replayed, flash, info, lifetime. */
import { SessionConflictError } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { DAY, HOUR, Site, START, STORES, type Data } from './site.ts'

describe.each(STORES)('on $name', ({ open }) => {
  test('R02 P5: both add the same new key: with `merge` the later commit has it', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.data['key'] = 'a'
    b.session.data['key'] = 'b'
    await b.finish()
    await a.finish()
    expect(await site.data(token)).toEqual({ key: 'a' })
  })

  test('R02 P5: with `fail` the later commit is a SessionConflictError, and the earlier value stays', async () => {
    const site = new Site(open(), { onConflict: 'fail' })
    const { token, id } = await site.begin()
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.data['key'] = 'a'
    a.session.data['other'] = 'a'
    b.session.data['key'] = 'b'
    await b.finish()
    const before = await site.row(id)
    await expect(a.finish()).rejects.toThrow(SessionConflictError)
    expect(await site.row(id)).toEqual(before)
  })

  test('R02 P5: with a function it decides, once, from what was loaded, mine and theirs', async () => {
    const asked: Data[][] = []
    const onConflict = (base: Data, mine: Data, theirs: Data): Data => {
      asked.push([structuredClone(base), structuredClone(mine), structuredClone(theirs)])
      return { ...theirs, key: `${String(theirs['key'])}+${String(mine['key'])}` }
    }
    const site = new Site(open(), { onConflict: onConflict as (base: object, mine: object, theirs: object) => Data })
    const { token } = await site.begin({ old: 1 })
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.data['key'] = 'a'
    b.session.data['key'] = 'b'
    await b.finish()
    await a.finish()
    expect(await site.data(token)).toEqual({ old: 1, key: 'b+a' })
    expect(asked).toEqual([[{ old: 1 }, { old: 1, key: 'a' }, { old: 1, key: 'b' }]])
  })

  test.each(['fail', 'a function'] as const)(
    'P4: with `onConflict` %s, different keys merge all the same',
    async (rule) => {
      const never = (): never => expect.fail('nothing is in conflict')
      const site = new Site(open(), { onConflict: rule === 'fail' ? 'fail' : never })
      const { token } = await site.begin({ both: 0 })
      const [a, b] = [await site.request(token), await site.request(token)]
      Object.assign(a.session.data, { a: 1, both: [1] })
      Object.assign(b.session.data, { b: 2, both: [1] })
      await b.finish()
      await a.finish()
      expect(await site.data(token)).toEqual({ a: 1, b: 2, both: [1] })
    },
  )

  test('R02: one removes a key that the other changes: that is a conflict, and the later commit wins it', async () => {
    for (const [first, key] of [
      ['removal', 2],
      ['change', undefined],
    ] as const) {
      const site = new Site(open())
      const { token } = await site.begin({ key: 1 })
      const [removal, change] = [await site.request(token), await site.request(token)]
      removal.session.unset('key')
      change.session.data['key'] = 2
      for (const one of first === 'removal' ? [removal, change] : [change, removal]) await one.finish()
      expect((await site.data(token))?.['key']).toBe(key)
    }
  })

  test('P5: functions of both sides are run again on each other, and `fail` has nothing to say to them', async () => {
    const site = new Site(open(), { onConflict: 'fail' })
    const { token } = await site.begin({ n: 0 })
    const [a, b] = [await site.request(token), await site.request(token)]
    for (const { session } of [a, b]) session.update((data) => ({ ...data, n: (data.n ?? 0) + 1 }))
    a.session.data['a'] = true
    await b.finish()
    await a.finish()
    expect(await site.data(token)).toEqual({ n: 2, a: true })
  })

  test('MERGE: clear() takes nothing in: what another request wrote meanwhile is gone too (F06)', async () => {
    const site = new Site(open())
    const { token } = await site.begin({ old: 1 })
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.clear()
    a.session.data['fresh'] = true
    b.session.data['late'] = true
    await b.finish()
    await a.finish()
    expect(await site.data(token)).toEqual({ fresh: true })
  })

  test('R18: a flash message read by two requests at once goes, and neither loses what it wrote beside', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    await site.visit(token, (session) => session.flash('notice', 'hello'))
    const [a, b] = [await site.request(token), await site.request(token)]
    for (const { session } of [a, b]) expect(session.flash('notice')).toBe('hello')
    a.session.data['a'] = 1
    b.session.data['b'] = 2
    await a.finish()
    await b.finish()
    expect(await site.data(token)).toEqual({ a: 1, b: 2 })
    expect((await site.row(id))?.flash).toBeUndefined()
  })

  test('R18: a message left while another is being read stays for the next request, under the same key too', async () => {
    const site = new Site(open())
    const { token } = await site.begin()
    await site.visit(token, (session) => session.flash('notice', 'first'))
    const reader = await site.request(token)
    expect(reader.session.flash('notice')).toBe('first')
    await site.visit(token, (session) => {
      session.flash('notice', 'second')
      session.flash('other', 'kept')
    })
    await reader.finish()
    await site.visit(token, (session) => {
      expect(session.flash('notice')).toBe('second')
      expect(session.flash('other')).toBe('kept')
    })
  })

  test('MERGE: info merges by key', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.info['device'] = 'Firefox'
    b.session.info['city'] = 'Lyon'
    await a.finish()
    await b.finish()
    expect((await site.row(id))?.info).toEqual({ device: 'Firefox', city: 'Lyon' })
  })

  test('MERGE: a lifetime set by one stays when the other writes, and the later activity counts', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin()
    const [a, b] = [await site.request(token), await site.request(token)]
    a.session.lifetime = { ttl: '20d' }
    b.session.data['b'] = 1
    await a.finish()
    site.clock.now += HOUR
    await b.finish()
    const now = START + HOUR
    expect(await site.row(id)).toMatchObject({ ttl: 20 * DAY, lastSeenAt: now, expiresAt: now + 20 * DAY })
  })

  test('MERGE: a sign-out by `keepData: false` takes nothing in: no data, no info, no message, no lifetime', async () => {
    const site = new Site(open())
    const { token, id } = await site.begin({ mine: 1 }, 'u_1')
    const signOut = await site.request(token)
    signOut.session.regenerate({ keepData: false })
    signOut.session.flash('notice', 'See you')
    await site.visit(token, (session) => {
      session.data['late'] = 'of u_1'
      session.info['device'] = 'of u_1'
      session.flash('private', 'of u_1')
      session.lifetime = { ttl: '20d' }
    })
    await signOut.finish()
    const row = await site.row(id)
    expect.soft(row).toMatchObject({ data: '{}', flash: JSON.stringify({ notice: 'See you' }) })
    expect.soft(row?.subject).toBeUndefined()
    expect.soft(row?.info).toBeUndefined()
    expect.soft([row?.ttl, row?.absolute, row?.persistent]).toEqual([undefined, undefined, undefined])
  })
})
