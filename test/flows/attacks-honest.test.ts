/** An honest browser with many tabs, long pauses and bad luck: with `rotateEvery` it is never logged out, and never a thief. */
import { SessionManager, type Session, type Store } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { HOUR, MINUTE, SECOND } from '../support/flow.ts'

const secret = 'a secret of thirty-two bytes or more'
const STORES: Record<string, () => Store> = {
  MemoryStore: () => new MemoryStore(),
  CookieCache: () => new CookieCache(new MemoryStore(), { secret }),
  'CookieCache over EncryptedStore': () =>
    new CookieCache(new EncryptedStore(new MemoryStore(), { secret }), { secret }),
}

/** Numbers from 0 to below `limit`, the same ones for one seed. */
function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

type Act = (session: Session, n: number) => unknown
const ACTS: Act[] = [
  (session) => session.data,
  (session) => void session.subject,
  (session, n) => void (session.data['n'] = n),
  (session) => session.save(),
  (session) => session.reload(),
  (session) => session.touch(),
  async (session) => {
    session.data['a'] = 1
    await session.save()
    session.data['a'] = 2
  },
  () => new Response('no', { status: 500 }),
  () => new Response(null, { status: 404 }),
  () => Response.error(),
  (session) => session.csrfToken(),
  (session) => session.update((data) => void (data['count'] = Number(data['count'] ?? 0) + 1)),
]

describe.each(Object.keys(STORES))('an honest browser over %s', (name) => {
  it.each([1, 2, 3])('R19: stays signed in for 120 visits, seed %i', async (seed) => {
    const roll = dice(seed)
    const store = (STORES[name] as () => Store)()
    let now = Date.UTC(2030, 0, 1)
    const events: string[] = []
    const on = { reuse: () => void events.push('reuse'), rejected: () => void events.push('rejected') }
    const options = { store, now: () => now, on, grace: '30s', ttl: '30d', absolute: false } as const
    const instances = [
      new SessionManager({ ...options, rotateEvery: '1h', secret }),
      new SessionManager({ ...options, rotateEvery: '2m', secret: [secret, secret.toUpperCase()] }),
      new SessionManager({ ...options, secret }),
    ]
    let act: Act = (session) => void (session.subject = 'u_42')
    const browser = new Browser(
      async (request) => {
        const sessions = instances[roll(instances.length)] as SessionManager
        const mine = act
        const session = await sessions.load(request)
        if (session.isNew === (session.subject !== undefined)) events.push('stranger')
        const answer = await mine(session as never, roll(1000))
        return sessions.commit(session, answer instanceof Response ? answer : new Response('ok'))
      },
      { now: () => now },
    )
    await browser.fetch()
    for (let visit = 0; visit < 120; visit++) {
      const tabs = Array.from({ length: 1 + roll(4) }, () => {
        act = ACTS[roll(ACTS.length)] as Act
        const lost = roll(8) === 0
        return (lost ? browser.copy() : browser).fetch()
      })
      await Promise.all(tabs)
      now += [0, roll(10 * SECOND), roll(2 * MINUTE), roll(3 * HOUR), roll(48 * HOUR)][roll(5)] as number
      act = (session) => expect([visit, session.subject]).toEqual([visit, 'u_42'])
      if (roll(2) === 0) await browser.fetch()
    }
    act = (session) => expect(session.subject).toBe('u_42')
    await browser.fetch()
    expect(events).toEqual([])
  })
})
