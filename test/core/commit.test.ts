/** What commit carries out where the answer is none like the others, and what it ends when somebody leaves by an old token. */
import { SessionManager, SessionStateError, StoreUnavailableError } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import * as cached from '../stores/cached.ts'
import {
  adapters,
  flow,
  HOUR,
  rawFetch,
  SECOND,
  type AnySession,
  type Flow,
  type FlowOptions,
} from '../support/flow.ts'

/** What Workers return after an upgrade; Node constructs no 101. */
function upgrade(): Response {
  return Object.defineProperty(new Response(null), 'status', { value: 101 })
}

async function signedIn(options?: FlowOptions): Promise<Flow> {
  const shop = flow(rawFetch, options)
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['n'] = 1
  })
  shop.takeEvents()
  shop.store.take()
  return shop
}

describe('an answer that brings the client nothing', () => {
  const rotating = { rotateEvery: '1h', grace: '30s' } satisfies FlowOptions

  it.each([
    ['Response.error()', () => Response.error()],
    ['a 101 upgrade', upgrade],
  ])('P7 P16: %s leaves a token that is due for another as it is; the next answer brings it', async (_, make) => {
    const shop = await signedIn(rotating)
    shop.clock.now += HOUR
    const before = await shop.store.row()
    await shop.visit((session) => session.data && make())
    expect((await shop.store.row()).verifier).toBe(before.verifier)
    await shop.see((session) => session.data)
    expect((await shop.store.row()).verifier).not.toBe(before.verifier)
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P15: Response.error() drops what was changed, like any answer of a handler that failed', async () => {
    const shop = await signedIn()
    const before = await shop.store.row()
    await shop.visit((session) => session.set('n', 2) && Response.error())
    expect(await shop.store.row()).toEqual(before)
    expect(shop.store.take()).toEqual(['get'])
  })

  it('P16: a sign-in on a 101 upgrade of a stored session is a SessionStateError, and nothing is written', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const before = await shop.store.row()
    const session = (await shop.sessions.load(shop.request())) as unknown as AnySession
    session.subject = 'u_42'
    await expect(shop.sessions.commit(session as never, upgrade())).rejects.toThrow(SessionStateError)
    expect(await shop.store.row()).toEqual(before)
  })

  it('P16: what a sealed session learned in a 101 upgrade is lost, and said to be', async () => {
    const told: string[] = []
    const on = { updated: () => void told.push('updated'), lost: () => void told.push('lost') }
    const store = new CookieStore({ secret: 's'.repeat(32) })
    const sessions = new SessionManager<Record<string, unknown>>({ store, on })
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    const session = await sessions.load(new Request('https://shop.example/', { headers: { cookie } }))
    session.data['n'] = 2
    await sessions.commit(session, upgrade())
    expect(told).toEqual(['lost'])
  })
})

describe('a session that stands for an outage', () => {
  it.each(adapters)('P11: lets the answer of a handler that failed go out as it is, $name', async (adapter) => {
    const shop = flow(adapter, { onStoreError: 'anonymous' })
    await shop.visit((session) => session.set('n', 1))
    shop.store.down(true)
    const response = await shop.visit(() => new Response('mine', { status: 500 }))
    expect([response.status, await response.text()]).toEqual([500, 'mine'])
    expect(shop.value()).toBeDefined()
  })

  it('P11: save() is the outage, also where nothing was changed', async () => {
    const shop = flow(rawFetch, { onStoreError: 'anonymous' })
    await shop.visit((session) => session.set('n', 1))
    shop.store.down(true)
    const session = await shop.sessions.load(shop.request())
    await expect(session.save()).rejects.toThrow(StoreUnavailableError)
  })
})

describe('what a handler began and did not wait for', () => {
  it('is waited for by commit, though nothing else is to be done: a reload brings its new copy', async () => {
    const app = await cached.signedIn()
    app.clock.now += SECOND
    expect(cached.cookiesOf(await app.visit((session) => void session.reload()))).toEqual([cached.COPY])
  })

  it('P14: a touch that cannot be handed to `waitUntil` is waited for', async () => {
    const shop = await signedIn()
    const session = await shop.sessions.load(shop.request())
    session.touch()
    let isTouched = false
    shop.store.before = () => new Promise<void>((resolve) => setImmediate(() => ((isTouched = true), resolve())))
    const waitUntil = (): never => {
      throw new Error('This context has no waitUntil')
    }
    await shop.sessions.commit(session, new Response(), { waitUntil })
    expect(isTouched).toBe(true)
  })
})

describe('a sign-in by a token that was replaced a moment ago', () => {
  it('R21: is a session of its own, and leaves the other one alone', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const late = shop.copy()
    await shop.visit((session) => (session.subject = 'u_42'))
    await shop.visit((session) => (session.subject = 'u_42'), { by: late })
    expect(await shop.see((session) => session.subject, late)).toBe('u_42')
    expect(await shop.see((session) => session.subject)).toBe('u_42')
    expect(await shop.store.rows()).toHaveLength(2)
  })
})

describe('leaving by a token that was replaced a moment ago', () => {
  const leave: [string, (session: AnySession) => unknown][] = [
    ['destroy()', (session) => session.destroy()],
    ['regenerate({ keepData: false })', (session) => session.regenerate({ keepData: false })],
  ]

  it.each(leave)('P6: %s ends the session, where the token was the subject’s own', async (_, end) => {
    const shop = await signedIn()
    const old = shop.copy()
    shop.clock.now += SECOND
    await shop.visit((session) => session.regenerate())
    await shop.visit(end, { by: old })
    expect(await shop.store.rows()).toEqual([])
    expect(await shop.see((session) => session.subject)).toBeUndefined()
  })

  it.each([0, SECOND])(
    'R20: and leaves a sign-in alone where it was that of the visitor before it, %i ms',
    async (after) => {
      const shop = flow(rawFetch)
      await shop.visit((session) => session.set('n', 1))
      const visitor = shop.copy()
      shop.clock.now += SECOND
      await shop.visit((session) => (session.subject = 'u_42'))
      shop.clock.now += after
      await shop.visit((session) => session.regenerate({ keepData: false }), { by: visitor })
      expect(await shop.see((session) => session.subject)).toBe('u_42')
    },
  )

  it('P6: one without a subject is left to its new token', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const old = shop.copy()
    await shop.visit((session) => session.regenerate())
    await shop.visit((session) => session.regenerate({ keepData: false }), { by: old })
    expect(await shop.see((session) => session.data)).toEqual({ n: 1 })
  })
})
