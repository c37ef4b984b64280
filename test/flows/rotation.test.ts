/** `rotateEvery`: tokens that are replaced while they are in use, and nobody notices but a thief. */
import { SessionManager, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { describe, expect, it } from 'vitest'
import { adapters, flow, HOUR, MINUTE, type AnySession, type Flow, type FlowOptions } from '../support/flow.ts'

const SECOND = 1000
const ROTATING = { rotateEvery: '1h', grace: '30s' } as const

describe.each(adapters)('rotateEvery through $name', (adapter) => {
  async function signedIn(options: FlowOptions = {}): Promise<Flow> {
    const shop = flow(adapter, { ...ROTATING, ...options })
    await shop.visit((session) => {
      session.subject = 'u_42'
      session.data['cart'] = ['mug']
    })
    shop.takeEvents()
    shop.store.take()
    return shop
  }

  it('gives a signed-in session another token at exactly that age, on a mere read, and keeps all else', async () => {
    const shop = await signedIn()
    const first = shop.value()
    shop.clock.now += HOUR - 1
    await shop.see((session) => session.subject)
    expect(shop.value()).toBe(first)

    shop.clock.now += 1
    const response = await shop.visit((session) => void session.subject)
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
    expect(shop.value()).not.toBe(first)
    expect(shop.value()?.split('.')[0]).toBe(first?.split('.')[0])
    expect(await shop.see(({ subject, data, isNew }) => [subject, data, isNew])).toEqual([
      'u_42',
      { cart: ['mug'] },
      false,
    ])
    expect(shop.takeEvents().filter((name) => name === 'regenerated')).toHaveLength(1)
  })

  it('leaves visitors, and tokens that were just replaced, alone', async () => {
    const shop = flow(adapter, ROTATING)
    await shop.visit((session) => void (session.data['cart'] = ['mug']))
    const visitor = shop.value()
    shop.clock.now += 5 * HOUR
    await shop.see((session) => session.data)
    expect(shop.value()).toBe(visitor)
    await shop.visit((session) => void (session.subject = 'u_42'))
    const own = shop.value()
    shop.clock.now += HOUR / 2
    await shop.see((session) => session.data)
    expect(shop.value()).toBe(own)
  })

  it('a change and a rotation are one write and one cookie; the second use of the new token confirms it, once', async () => {
    const shop = await signedIn()
    shop.clock.now += HOUR
    const response = await shop.visit((session) => void (session.data['cart'] = ['mug', 'cup']))
    expect(shop.store.take()).toEqual(['get', 'update'])
    expect(response.headers.getSetCookie()).toHaveLength(1)
    await shop.see((session) => session.data)
    expect(shop.store.take()).toEqual(['get', 'update'])
    await shop.see((session) => session.data)
    expect(shop.store.take()).toEqual(['get'])
    expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug', 'cup'] })
  })

  it('R19: twenty requests at once across a rotation are all served, and end on one token', async () => {
    const shop = await signedIn()
    shop.clock.now += HOUR
    const tabs = Array.from({ length: 20 }, () => shop.copy())
    const served: unknown[] = []
    const handler = (session: AnySession): void => void served.push(session.subject)
    await Promise.all(tabs.map((tab) => shop.visit(handler, { by: tab })))
    expect(served).toEqual(tabs.map(() => 'u_42'))
    const tokens = new Set(tabs.map((tab) => tab.value()))
    expect([...tokens]).toHaveLength(1)
    expect([...tokens]).not.toContain(shop.value())
    expect((await shop.store.row()).previous?.until).toBeUndefined()
  })

  it('a lost response logs nobody out: the old token is served, for days, until the new one has been used', async () => {
    const shop = await signedIn()
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject, shop.copy())
    shop.clock.now += 20 * HOUR
    expect(await shop.see((session) => session.subject, old)).toBe('u_42')
    expect(old.value()).not.toBe(shop.value())
    expect(await shop.see((session) => session.subject, old)).toBe('u_42')
  })

  it('requests in flight with the old token read, write and are given the new one, until `grace` after its first use', async () => {
    const shop = await signedIn()
    const late = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    shop.clock.now += 30 * SECOND - 1
    await shop.visit((session) => void (session.data['late'] = true), { by: late })
    expect(late.value()).toBe(shop.value())
    expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug'], late: true })
  })

  it('use of the old token after its grace ends the session for both, and raises `reuse`', async () => {
    const shop = await signedIn()
    const thief = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    shop.clock.now += 30 * SECOND
    shop.takeEvents()
    const response = await shop.visit((session) => void expect(session.isNew).toBe(true), { by: thief })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(shop.takeEvents()).toEqual(expect.arrayContaining(['reuse', 'destroyed']))
    expect(await shop.see((session) => session.subject)).toBeUndefined()
    await expect(shop.store.row()).rejects.toThrow('found 0')
  })

  it('is told as reuse long after, also when the session was written in between', async () => {
    const shop = await signedIn()
    const thief = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.see((session) => session.subject)
    shop.clock.now += 40 * MINUTE
    await shop.visit((session) => void (session.data['cart'] = []))
    expect((await shop.store.row()).previous?.handover).toBe('')
    await shop.see((session) => session.subject, thief)
    await expect(shop.store.row()).rejects.toThrow('found 0')
  })

  it('the row of a rotated session holds no token that opens it, and nothing to derive one from', async () => {
    const shop = await signedIn()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    const { previous, verifier } = await shop.store.row()
    for (const text of [previous?.verifier, previous?.handover, previous?.csrf, verifier]) {
      expect(text).toMatch(/^[\w-]{43}$/)
      expect(await shop.sessions.findSession(`${(await shop.store.row()).id}.${text}`)).toBeUndefined()
    }
  })

  it('P7: regenerate() has no grace: a token replaced by it is dead at once, whatever was rotated before', async () => {
    const shop = await signedIn()
    const first = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    const second = shop.copy()
    await shop.visit((session) => session.regenerate())
    for (const dead of [first, second]) {
      expect(await shop.see((session) => session.subject, dead)).toBeUndefined()
    }
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P6: a logout with the old token, and one while a rotation is under way, ends the session', async () => {
    const shop = await signedIn()
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    await shop.visit((session) => session.destroy(), { by: old })
    expect(old.value()).toBeUndefined()
    expect(await shop.see((session) => session.subject)).toBeUndefined()
  })

  it('F04: a form shown before a rotation can be sent after it, and not after a regenerate', async () => {
    const shop = await signedIn()
    const form = await shop.see((session) => session.csrfToken())
    shop.clock.now += HOUR
    expect(await shop.see((session) => session.verifyCsrf(form))).toBe(true)
    expect(await shop.see((session) => session.verifyCsrf(form))).toBe(true)
    const later = await shop.see((session) => session.csrfToken())
    expect(await shop.see((session) => session.verifyCsrf(later))).toBe(true)
    await shop.visit((session) => session.regenerate())
    expect(await shop.see((session) => session.verifyCsrf(form))).toBe(false)
    expect(await shop.see((session) => session.verifyCsrf(later))).toBe(false)
  })

  it('F11: `save()` before streaming brings the rotated token in time, and commit sends it once', async () => {
    const shop = await signedIn()
    shop.clock.now += HOUR
    const before = shop.value()
    const response = await shop.visit(async (session) => {
      await session.save()
      expect(session.token).not.toBe(before)
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(shop.store.take()).toEqual(['get', 'update'])
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P15: an error’s answer rotates too, and drops the data; a token in force is always sent', async () => {
    const shop = await signedIn()
    shop.clock.now += HOUR
    const before = shop.value()
    await shop.visit((session) => {
      session.data['cart'] = []
      return new Response('no', { status: 500 })
    })
    expect(shop.value()).not.toBe(before)
    expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug'] })
  })

  it('signs rotated tokens where a secret is set', async () => {
    const shop = await signedIn({ secret: 's'.repeat(32) })
    const old = shop.copy()
    shop.clock.now += HOUR
    await shop.see((session) => session.subject)
    expect(shop.value()?.split('.')).toHaveLength(3)
    expect(await shop.see((session) => session.subject, old)).toBe('u_42')
    expect(old.value()).toBe(shop.value())
  })

  it('headless calls take the old token during the handover, and leave its rotation to requests', async () => {
    const shop = await signedIn()
    const old = shop.value() as string
    shop.clock.now += HOUR
    await shop.sessions.updateSession(old, (data) => void (data['n'] = 1))
    expect(await shop.sessions.retrieveSession(old)).toEqual({ cart: ['mug'], n: 1 })
    await shop.see((session) => session.subject)
    await shop.sessions.updateSession(old, (data) => void (data['n'] = 2))
    expect(await shop.sessions.findSession(shop.value() as string)).toMatchObject({ data: { n: 2 } })
    expect(await shop.sessions.removeSession(old)).toBe(true)
  })
})

describe('rotateEvery as an option', () => {
  it('asks for twice the grace, and for a store that compares and sets', () => {
    const make = (options: object) => () => new SessionManager(options)
    expect(make({ rotateEvery: '59s' })).toThrow('`rotateEvery` is less than twice `grace`')
    expect(make({ rotateEvery: '60s' })).not.toThrow()
    expect(make({ rotateEvery: 'often' })).toThrow('`rotateEvery` is a string')
    expect(make({ grace: 0 })).toThrow('`grace` is')
    const bare = new Map<string, SessionRecord>()
    const store = { get: (id: string) => bare.get(id), set: () => {}, destroy: () => {} }
    expect(make({ rotateEvery: '1h', store })).toThrow('`rotateEvery` needs a store')
  })

  it('keeps what a handover needs in a row of SQLite', async () => {
    const store = new LibsqlStore({ url: ':memory:' })
    let now = Date.UTC(2030, 0, 1)
    const sessions = new SessionManager({ store, now: () => now, ...ROTATING })
    const old = await sessions.createSession({}, { subject: 'u_42' })
    const visit = async (token: string): Promise<string | undefined> => {
      const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
      const session = await sessions.load(request)
      expect(session.subject).toBe('u_42')
      await sessions.commit(session, new Response())
      return session.token
    }
    now += HOUR
    const next = (await visit(old)) as string
    expect(next).not.toBe(old)
    expect(await visit(old)).toBe(next)
    expect(await visit(next)).toBe(next)
    now += 30 * SECOND
    expect(await sessions.findSession(old)).toBeUndefined()
    expect(await sessions.findSession(next)).toBeUndefined()
    store.close()
  })

  it('a manager without it still honours a handover that is under way', async () => {
    const store = new MemoryStore()
    let now = Date.UTC(2030, 0, 1)
    const rotating = new SessionManager({ store, now: () => now, ...ROTATING })
    const still = new SessionManager({ store, now: () => now })
    const old = await rotating.createSession({}, { subject: 'u_42' })
    now += HOUR
    const request = (): Request =>
      new Request('https://shop.example/', { headers: { cookie: `__Host-session=${old}` } })
    await rotating.commit(await rotating.load(request()), new Response())
    const session = await still.load(request())
    expect(session.subject).toBe('u_42')
    await still.commit(session, new Response())
    expect(session.token).not.toBe(old)
  })
})
