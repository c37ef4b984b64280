/** Visitors who bring nothing, nothing usable, or a session that they only read. */
import { SessionManager } from 'latchkey'
import { describe, expect, it, vi } from 'vitest'
import { countCrypto } from '../stores/sealed.ts'
import { adapters, DAY, flow, HOUR, MINUTE, SECOND } from '../support/flow.ts'

const WORD = 'A'.repeat(43)
const SECRET = 'a secret of at least thirty-two bytes'

describe.each(adapters)('visitors through $name', (adapter) => {
  it('F01 P2: a visitor whose handler does not write leaves no row, no cookie, no event', async () => {
    const shop = flow(adapter)
    const response = await shop.visit(() => undefined)
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.store.take()).toEqual([])
    expect(shop.takeEvents()).toEqual([])
  })

  it('F01 P2: a new session may be read through every member and is still nothing to store', async () => {
    const shop = flow(adapter, { initial: () => ({ cart: [] }) })
    const response = await shop.visit(async (session) => {
      expect([session.id, session.token, session.subject, session.authenticatedAt]).toEqual(Array(4).fill(undefined))
      expect([session.isNew, session.data, session.info, session.lifetime]).toEqual([true, { cart: [] }, {}, {}])
      expect([session.get('cart'), session.has('cart'), session.flash('notice')]).toEqual([[], true, undefined])
      expect([session.createdAt, session.lastSeenAt]).toEqual([shop.clock.now, shop.clock.now])
      expect([session.expiresAt, session.transport]).toEqual([shop.clock.now + DAY, 'cookie'])
      expect(await session.verifyCsrf('x')).toBe(false)
    })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.store.take()).toEqual([])
  })

  it('P2: no cryptography is spent on a visitor without a cookie', async () => {
    const shop = flow(adapter, { secret: SECRET })
    const counted = countCrypto()
    try {
      await shop.visit((session) => session.data['theme'])
      expect(counted()).toEqual({})
    } finally {
      vi.restoreAllMocks()
    }
  })

  it('P2: with `saveInitial` a visitor is stored and remembered, with `saveUnchanged` rewritten', async () => {
    const shop = flow(adapter, { saveInitial: true, saveUnchanged: true })
    await shop.visit(() => undefined)
    expect(shop.store.take()).toEqual(['create'])
    await shop.visit(() => undefined)
    expect(shop.store.take()).toEqual(['get', 'update'])
    expect((await shop.store.row()).version).toBe(2)
  })

  it('P1: reading a stored session writes nothing and sends no cookie', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('theme', 'dark'))
    const before = await shop.store.row()
    shop.store.take()
    const response = await shop.visit((session) => expect(session.get('theme')).toBe('dark'))
    expect(shop.store.take()).toEqual(['get'])
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.store.row()).toEqual(before)
  })

  it('P1: activity touches the row at most once per `touchEvery`, and never the cookie', async () => {
    const shop = flow(adapter, { ttl: '1h', touchEvery: '10m' })
    await shop.visit((session) => session.set('theme', 'dark'))
    const created = shop.clock.now
    shop.store.take()
    const calls: string[][] = []
    for (let minute = 0; minute < 21; minute++) {
      shop.clock.now += MINUTE
      const response = await shop.visit((session) => session.data)
      expect(response.headers.getSetCookie()).toEqual([])
      calls.push(shop.store.take())
    }
    const touched = calls.flatMap((names, minute) => (names.includes('touch') ? [minute + 1] : []))
    expect(touched).toEqual([10, 20])
    const row = await shop.store.row()
    expect([row.expiresAt, row.lastSeenAt, row.version]).toEqual([
      created + 20 * MINUTE + HOUR,
      created + 20 * MINUTE,
      1,
    ])
  })

  it('F02 P8: an unknown id is never adopted, however often it is sent and even when the handler writes', async () => {
    const shop = flow(adapter)
    const chosen = `chosen-by-the-attacker.${WORD}`
    shop.plant(chosen)
    await shop.visit((session) => {
      expect([session.isNew, session.id, session.token]).toEqual([true, undefined, undefined])
      session.data['cart'] = ['mug']
    })
    const row = await shop.store.row()
    expect(row.id).not.toBe('chosen-by-the-attacker')
    expect(shop.value()).not.toBe(chosen)
    const attacker = shop.copy()
    attacker.plant(chosen)
    expect(await shop.see((session) => session.data, attacker)).toEqual({})
  })

  it('F02 P8: a known id with a secret of the attacker’s choice is a new session, and the row is left alone', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('theme', 'dark'))
    const row = await shop.store.row()
    const attacker = shop.copy()
    attacker.plant(`${row.id}.${WORD}`)
    const response = await shop.visit((session) => expect(session.isNew).toBe(true), { by: attacker })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.store.row()).toEqual(row)
    expect(shop.events.at(-1)).toEqual({ name: 'rejected', id: row.id, reason: 'verifier' })
  })

  const unusable: [string, string][] = [
    ['empty', ''],
    ['garbage', '%F0%28%8C%28'],
    ['one segment', WORD],
    ['too many segments', `a.${WORD}.${WORD}.${WORD}`],
    ['an id with a path in it', `../../etc.${WORD}`],
    ['an oversized one', 'x'.repeat(4000)],
    ['an unsigned token', `${'a'.repeat(22)}.${WORD}`],
    ['a forged signature', `${'a'.repeat(22)}.${WORD}.${WORD}`],
    ['quoted', `"${'a'.repeat(22)}.${WORD}.${WORD}"`],
  ]
  it.each(unusable)(
    'F24 P12: a cookie that is %s never throws, reaches no store, and is not cleared',
    async (_, value) => {
      const shop = flow(adapter, { secret: SECRET })
      shop.plant(value)
      const response = await shop.visit((session) => expect(session.data).toEqual({}))
      expect(response.status).toBe(200)
      expect(response.headers.getSetCookie()).toEqual([])
      expect(shop.store.take()).toEqual([])
    },
  )

  it('P12: a token signed with a key that is no longer ours reaches no store', async () => {
    const shop = flow(adapter, { secret: SECRET })
    const foreign = new SessionManager({ store: shop.store.inner, secret: 'another secret of thirty-two bytes' })
    shop.plant(await foreign.createSession({ theme: 'dark' }))
    await shop.visit((session) => expect(session.isNew).toBe(true))
    expect(shop.store.take()).toEqual([])
    expect(shop.events).toEqual([{ name: 'rejected', reason: 'signature' }])
  })

  it('F24 P12: an unusable cookie is replaced only if the handler writes', async () => {
    const shop = flow(adapter)
    shop.plant('garbage')
    await shop.visit((session) => session.data)
    expect(shop.value()).toBe('garbage')
    const response = await shop.visit((session) => session.set('theme', 'dark'))
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await shop.see((session) => session.data)).toEqual({ theme: 'dark' })
  })

  it('F24 P9: an expired session is a new one; its cookie is left alone, and its row is for the sweep', async () => {
    const shop = flow(adapter, { ttl: '1h', touchEvery: '59m' })
    await shop.visit((session) => session.set('theme', 'dark'))
    const [cookie, row] = [shop.value(), await shop.store.row()]
    shop.clock.now += HOUR - 1
    expect(await shop.sessions.findSession(cookie as string)).toMatchObject({ data: { theme: 'dark' } })
    shop.clock.now += 1
    const response = await shop.visit((session) => expect([session.isNew, session.data]).toEqual([true, {}]))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.value()).toBe(cookie)
    expect(await shop.store.row()).toEqual(row)
    expect(shop.takeEvents()).toContain('expired')
  })

  it('P9: the core judges expiry itself, whatever the store still hands out', async () => {
    const shop = flow(adapter, { ttl: '1h', absolute: '90m', touchEvery: '1s' })
    await shop.visit((session) => session.set('theme', 'dark'))
    for (let step = 0; step < 8; step++) {
      shop.clock.now += 10 * MINUTE
      expect(await shop.see((session) => session.data)).toEqual({ theme: 'dark' })
    }
    shop.clock.now += 10 * MINUTE - SECOND
    expect(await shop.see((session) => session.isNew)).toBe(false)
    shop.clock.now += SECOND
    expect(await shop.see((session) => session.isNew)).toBe(true)
    expect(await shop.store.rows()).toHaveLength(1)
  })
})
