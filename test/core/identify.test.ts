/** What becomes of a token, at the edges: whose turn it is to be asked, and exactly how long a replaced token is known. */
import { SessionManager, StoreUnavailableError, type SessionEvent, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { CookieStore } from 'latchkey/stores/cookie'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CachedApp, signedIn } from '../stores/cached.ts'
import { countCrypto, SECRET } from '../stores/sealed.ts'
import { flow, HOUR, MINUTE, rawFetch, SECOND, type AnySession, type Flow, type FlowOptions } from '../support/flow.ts'

/** A visitor who has written, and a second browser that holds the token which `regenerate()` then replaced. */
async function replaced(change: (session: AnySession) => unknown, options?: FlowOptions) {
  const shop = flow(rawFetch, options)
  await shop.visit((session) => session.set('cart', ['mug']))
  const late = shop.copy()
  await shop.visit(change)
  shop.takeEvents()
  return { shop, late }
}

const rejections = (shop: Flow): unknown[] =>
  shop.events.splice(0).flatMap(({ name, reason }) => (name === 'rejected' ? [reason] : []))

describe('a list of transports', () => {
  const both = { transport: ['bearer', 'cookie'] } satisfies FlowOptions
  const asBearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  it('P12: the next is asked where the first brings no token of ours, and not where it brings one that is unknown', async () => {
    const shop = flow(rawFetch, both)
    await shop.visit((session) => (session.subject = 'u_42'))
    const other = flow(rawFetch, both)
    await other.visit((session) => (session.subject = 'u_1'))
    const seen: unknown[] = []
    const look = (session: AnySession): void => void seen.push([session.subject, session.transport])
    await shop.visit(look, asBearer('of-another-issuer'))
    await shop.visit(look, asBearer(other.value() as string))
    expect(seen).toEqual([
      ['u_42', 'cookie'],
      [undefined, 'cookie'],
    ])
  })

  it('a transport that brought nothing is no rejected token', async () => {
    const shop = flow(rawFetch, both)
    await shop.visit((session) => (session.subject = 'u_42'))
    shop.takeEvents()
    expect(await shop.see((session) => session.subject)).toBe('u_42')
    expect(rejections(shop)).toEqual([])
  })
})

describe('a token that regenerate() replaced', () => {
  it('R20: is known as such for less than 10 s, and refused from then on', async () => {
    const { shop, late } = await replaced((session) => session.regenerate())
    shop.clock.now += 10 * SECOND - 1
    await shop.see((session) => session.isNew, late)
    expect(rejections(shop)).toEqual([])
    shop.clock.now += 1
    await shop.see((session) => session.isNew, late)
    expect(rejections(shop)).toEqual(['verifier'])
  })

  it('R20: what it would begin is lost within them, and is a session of its own after them', async () => {
    const { shop, late } = await replaced((session) => (session.subject = 'u_42'))
    shop.clock.now += 10 * SECOND - 1
    await shop.visit((session) => session.set('late', true), { by: late })
    expect(shop.takeEvents()).toContain('lost')
    expect(await shop.store.rows()).toHaveLength(1)
    shop.clock.now += 1
    await shop.visit((session) => session.set('late', true), { by: late })
    expect(shop.takeEvents()).toContain('created')
    expect(await shop.store.rows()).toHaveLength(2)
  })

  it('P9: of a session that has expired meanwhile is nobody’s: no reuse is raised, nothing is destroyed', async () => {
    const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
    await shop.visit((session) => (session.subject = 'u_42'))
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    shop.clock.now += 25 * HOUR
    shop.takeEvents()
    shop.store.take()
    expect(await shop.see((session) => session.isNew, old)).toBe(true)
    expect(shop.takeEvents()).toEqual([])
    expect(shop.store.take()).toEqual(['get'])
  })

  it('R19: by a rotation is handed the next one until the very end of its grace, and told as reuse at that moment', async () => {
    for (const [after, subject] of [
      [30 * SECOND - 1, 'u_42'],
      [30 * SECOND, undefined],
    ] as const) {
      const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
      await shop.visit((session) => (session.subject = 'u_42'))
      const old = shop.copy()
      shop.clock.now += HOUR
      await shop.see((session) => session.subject)
      await shop.see((session) => session.subject)
      shop.clock.now += after
      expect(await shop.see((session) => session.subject, old)).toBe(subject)
    }
  })

  it('R19: whose nonce another clock has taken away is refused until the grace is over by this one too', async () => {
    const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
    await shop.visit((session) => (session.subject = 'u_42'))
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    const over = shop.clock.now + 30 * SECOND
    shop.clock.now = over + MINUTE
    await shop.visit((session) => session.set('n', 1))
    shop.takeEvents()
    shop.clock.now = over - 1
    await shop.see((session) => session.subject, old)
    expect(rejections(shop)).toEqual(['verifier'])
    shop.clock.now = over
    await shop.see((session) => session.subject, old)
    expect(shop.takeEvents()).toContain('reuse')
  })
})

describe('a sealed token that regenerate() replaced', () => {
  async function sealed() {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const told: string[] = []
    const note = (name: string) => (): void => void told.push(name)
    const store = new CookieStore({ secret: SECRET, revocations: new MemoryStore() })
    const on = { lost: note('lost'), created: note('created') }
    const sessions = new SessionManager<Record<string, unknown>>({ store, on, now: () => clock.now })
    const load = (token: string) =>
      sessions.load(new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } }))
    const old = await sessions.createSession({}, { subject: 'u_42' })
    clock.now += SECOND
    const next = await sessions.regenerateSession(old)
    told.length = 0
    return { clock, told, sessions, load, old, next }
  }

  it('P6: still ends its session, where the subject was signed in by it', async () => {
    const { clock, sessions, load, old, next } = await sealed()
    clock.now += SECOND
    expect((await load(next)).subject).toBe('u_42')
    const late = await load(old)
    late.destroy()
    await sessions.commit(late, new Response())
    expect((await load(next)).subject).toBeUndefined()
  })

  it.each([
    [10 * SECOND - 1, 'lost'],
    [10 * SECOND, 'created'],
  ])('R20: what it would begin %i ms later is %s', async (after, outcome) => {
    const { clock, told, sessions, load, old } = await sealed()
    clock.now += after
    const late = await load(old)
    late.data['late'] = true
    await sessions.commit(late, new Response())
    expect(told).toEqual([outcome])
  })
})

describe('a token whose session is not there, or cannot be read', () => {
  it('P12: is refused as unknown, or for its row, and is a new session', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const row = await shop.store.row()
    shop.takeEvents()
    for (const [data, reason] of [
      ['not JSON', 'schema'],
      [7, 'schema'],
      [undefined, 'unknown'],
    ] as const) {
      await shop.store.inner.destroy(row.id)
      if (data !== undefined) await shop.store.inner.set(row.id, { ...row, data: data as string })
      expect(await shop.see((session) => session.isNew)).toBe(true)
      expect(rejections(shop)).toEqual([reason])
    }
  })
})

describe('what is remembered of a token that is not signed', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('is nothing before a record confirms it: an unknown one costs a hash each time', async () => {
    const sessions = new SessionManager({ store: new MemoryStore() })
    const [id] = (await sessions.createSession()).split('.')
    const counted = countCrypto()
    for (const times of [1, 2, 3]) {
      expect(await sessions.findSession(`${id}.${'A'.repeat(43)}`)).toBeUndefined()
      expect(counted()).toEqual({ digest: times })
    }
  })

  it('is its verifier once a copy has confirmed it: the next request with that copy costs none', async () => {
    const app = await signedIn()
    const elsewhere = new CachedApp(app.store, {}, app.clock)
    elsewhere.cookies = app.cookies
    expect(await elsewhere.see((session) => session.subject)).toBe('u_1')
    const counted = countCrypto()
    expect(await elsewhere.see((session) => session.subject)).toBe('u_1')
    expect(counted()).toEqual({})
    expect(app.store.take()).toEqual([])
  })
})

describe('a store that answers with another session than the one asked for', () => {
  it('S24 P11: is an outage, told with the id that was asked for and the call', async () => {
    class Swapping extends MemoryStore {
      instead: string | undefined
      override get(id: string): SessionRecord | undefined {
        return super.get(this.instead ?? id)
      }
    }
    const store = new Swapping()
    const told: SessionEvent[] = []
    const sessions = new SessionManager({ store, on: { storeError: (event) => told.push(event) } })
    const [mine = '', theirs = ''] = [await sessions.createSession(), await sessions.createSession()]
    store.instead = theirs.split('.')[0] as string
    await expect(sessions.findSession(mine)).rejects.toThrow(StoreUnavailableError)
    expect(told).toEqual([{ id: mine.split('.')[0], reason: 'load' }])
  })
})
