/**
 * What Workers KV can promise and what it cannot, shown on a real namespace seen from two places, each of which goes on
 * seeing what it has seen for 60 seconds. A title with NOT says what does not hold, and for how long.
 */
import { env } from 'cloudflare:workers'
import type { Session } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { StaleKV } from '../support/stale-kv.ts'
import { signIn, world, type Data } from './places.ts'

const signedIn = (session: { subject: string | undefined }) => session.subject === 'u_42'
const dataOf = (session: { data: object }) => ({ ...session.data })

describe('the double of KV', () => {
  function twoPlaces(lag?: number) {
    const clock = { now: Date.now() }
    const kv = new StaleKV(env.SESSIONS, () => clock.now)
    const key = crypto.randomUUID()
    const [a, b] = [kv.from('a', lag), kv.from('b', lag)]
    return { clock, key, a, b, put: (value: string) => a.put(key, value, { expirationTtl: 60 }) }
  }

  it('shows a write at once where it was made, and where nobody had looked', async () => {
    const { key, a, b, put } = twoPlaces()
    await put('1')
    expect([await a.get(key, 'text'), await b.get(key, 'text')]).toEqual(['1', '1'])
  })

  it('goes on showing elsewhere what was seen there, a miss and a list too, for 60 seconds', async () => {
    const { clock, key, b, put } = twoPlaces()
    const names = async () => (await b.list({ prefix: key })).keys.map(({ name }) => name)
    expect([await b.get(key, 'text'), await names()]).toEqual([null, []])
    await put('1')
    clock.now += 59_999
    expect([await b.get(key, 'text'), await names()]).toEqual([null, []])
    clock.now += 1
    expect([await b.get(key, 'text'), await names()]).toEqual(['1', [key]])
  })

  it('can be less behind than that, and lets the last write win', async () => {
    const { clock, key, a, b, put } = twoPlaces(5_000)
    await put('a')
    await b.put(key, 'b', { expirationTtl: 60 })
    expect([await a.get(key, 'text'), await b.get(key, 'text')]).toEqual(['a', 'b'])
    clock.now += 5_000
    expect([await a.get(key, 'text'), await b.get(key, 'text')]).toEqual(['b', 'b'])
  })
})

describe('a sign-in', () => {
  it('is seen everywhere at once: its id is new, and nobody has looked for it', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    expect(await b.see(browser, signedIn)).toBe(true)
    expect(await a.see(browser, signedIn)).toBe(true)
  })

  it('is NOT seen where its id was looked for before it was there: KV remembers the miss for 60 seconds', async () => {
    const here = world({ genid: () => 'guessable' })
    const [a, b] = [here.place('a'), here.place('b')]
    await b.store.get('guessable')
    const browser = await signIn(here, a)
    expect(await b.see(browser, signedIn)).toBe(false)
    here.now.advance('60s')
    expect(await b.see(browser, signedIn)).toBe(true)
  })
})

describe('a logout', () => {
  it('holds at once where it was made, and where the session was not in use', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const thief = browser.copy()
    await a.visit(browser, (session) => session.destroy())
    expect([await a.see(thief, signedIn), await b.see(thief, signedIn)]).toEqual([false, false])
  })

  it('does NOT hold at once where the session was in use: a copied cookie opens it there for up to 60 seconds', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const thief = browser.copy()
    await b.see(thief, signedIn)
    await a.visit(browser, (session) => session.destroy())
    here.now.advance(59_999)
    expect(await b.see(thief, signedIn)).toBe(true)
    here.now.advance(1)
    expect(await b.see(thief, signedIn)).toBe(false)
  })

  it('with CookieCache does NOT hold before `ttl` is over, on top of the 60 seconds', async () => {
    const here = world({ cached: true })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const thief = browser.copy()
    await b.seeFresh(thief, signedIn)
    await a.visit(browser, (session) => session.destroy())
    // The place is behind, and what it says is sealed into a copy once more, just before it catches up.
    here.now.advance(59_999)
    expect(await b.see(thief, signedIn)).toBe(true)
    here.now.advance(29_999)
    expect(await b.see(thief, signedIn)).toBe(true)
    here.now.advance(1)
    expect(await b.see(thief, signedIn)).toBe(false)
  })

  it('with CookieCache is seen in its own place by who asks for the truth: `load(request, { fresh: true })`', async () => {
    const here = world({ cached: true })
    const a = here.place('a')
    const browser = await signIn(here, a)
    const [thief, other] = [browser.copy(), browser.copy()]
    await a.visit(browser, (session) => session.destroy())
    expect([await a.see(thief, signedIn), await a.seeFresh(other, signedIn)]).toEqual([true, false])
  })

  it('from everywhere does NOT reach a session that its place cannot list yet; a minute later it does', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    await signIn(here, b)
    expect((await b.sessions.listSessions('u_42')).length).toBe(1)
    const browser = await signIn(here, a)
    expect(await b.sessions.removeSessionsOf('u_42')).toBe(1)
    expect(await a.see(browser, signedIn)).toBe(true)
    here.now.advance('60s')
    expect(await b.sessions.removeSessionsOf('u_42')).toBe(1)
    here.now.advance('60s')
    expect(await a.see(browser, signedIn)).toBe(false)
  })
})

describe('a tombstone (P6)', () => {
  it('R03 beats a late write: who was logged out stays logged out, though the place of the write saw nothing of it', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const late = browser.copy()
    await b.see(late, signedIn)
    const commit = await b.begin(late, (session) => session.set('late', true))
    await a.visit(browser, (session) => session.destroy())
    await commit()
    expect(await a.see(late, signedIn)).toBe(false)
    here.now.advance('60s')
    expect([await a.see(late, signedIn), await b.see(late, signedIn)]).toEqual([false, false])
    here.now.advance('20h')
    expect([await a.see(late, signedIn), await b.see(late, signedIn)]).toEqual([false, false])
  })

  it('R04 beats a late touch', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const late = browser.copy()
    here.now.advance('5h')
    await b.see(late, () => {})
    here.now.advance('5h')
    await b.visit(late, () => {})
    const commit = await b.begin(late, (session) => session.touch())
    await a.visit(browser, (session) => session.destroy())
    await commit()
    here.now.advance('60s')
    expect([await a.see(late, signedIn), await b.see(late, signedIn)]).toEqual([false, false])
  })

  it('ends a session that could not even be seen where the logout was made', async () => {
    const here = world({ cached: true, genid: () => `seen-${here.now()}` })
    const [a, b] = [here.place('a'), here.place('b')]
    await b.store.get(`seen-${here.now()}`)
    const browser = await signIn(here, a)
    const thief = browser.copy()
    // The copy lets the visitor in; the place itself knows of no such session.
    await b.visit(browser, (session) => session.destroy())
    here.now.advance('60s')
    expect([await a.see(thief, signedIn), await b.see(thief, signedIn)]).toEqual([false, false])
  })

  it('R06 does NOT beat a regenerate() on its way in another place: the new id lives on', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const late = browser.copy()
    await b.see(late, signedIn)
    const commit = await b.begin(late, (session) => session.regenerate())
    await a.visit(browser, (session) => session.destroy())
    await commit()
    here.now.advance('60s')
    expect([await a.see(late, signedIn), await a.see(browser, signedIn)]).toEqual([true, false])
  })

  it('R06 beats a regenerate() in its own place', async () => {
    const here = world()
    const a = here.place('a')
    const browser = await signIn(here, a)
    const late = browser.copy()
    const commit = await a.begin(late, (session) => session.regenerate())
    await a.visit(browser, (session) => session.destroy())
    await commit()
    expect([await a.see(late, signedIn), await a.see(browser, signedIn)]).toEqual([false, false])
  })
})

describe("one's own writes", () => {
  it('are seen at once in the same place', async () => {
    const here = world()
    const a = here.place('a')
    const browser = await signIn(here, a)
    await a.visit(browser, (session) => session.set('cart', 1))
    expect(await a.see(browser, dataOf)).toEqual({ cart: 1 })
  })

  it('are NOT seen in another place for up to 60 seconds', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    await b.see(browser, signedIn)
    await a.visit(browser, (session) => session.set('cart', 1))
    here.now.advance(59_999)
    expect(await b.see(browser, dataOf)).toEqual({})
    here.now.advance(1)
    expect(await b.see(browser, dataOf)).toEqual({ cart: 1 })
  })

  it('are NOT kept when another place writes before it has seen them: the last write wins (P4)', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    await b.see(browser, signedIn)
    await a.visit(browser, (session) => session.set('cart', 1))
    await b.visit(browser, (session) => session.set('theme', 'dark'))
    here.now.advance('60s')
    expect(await a.see(browser, dataOf)).toEqual({ theme: 'dark' })
  })

  it('with CookieCache are seen everywhere at once, and after `ttl`, when an older answer comes from the store', async () => {
    const here = world({ cached: true })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    await b.seeFresh(browser.copy(), signedIn)
    await a.visit(browser, (session) => session.set('cart', 1))
    expect(await b.see(browser, dataOf)).toEqual({ cart: 1 })
    here.now.advance('45s')
    expect(await b.see(browser.copy(), dataOf)).toEqual({ cart: 1 })
    expect(await b.seeFresh(browser, dataOf)).toEqual({ cart: 1 })
  })

  it('with CookieCache are kept when another place, which has not seen them, writes: it writes on top of the copy', async () => {
    const here = world({ cached: true })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    await b.seeFresh(browser.copy(), signedIn)
    await a.visit(browser, (session) => session.set('cart', 1))
    await b.visit(browser, (session) => session.set('theme', 'dark'))
    await a.visit(browser, (session) => session.set('size', 'L'))
    here.now.advance('2m')
    const all = { cart: 1, theme: 'dark', size: 'L' }
    expect([await a.see(browser, dataOf), await b.see(browser, dataOf)]).toEqual([all, all])
  })

  it('with CookieCache are kept even where the session itself cannot be seen yet', async () => {
    const here = world({ cached: true, genid: () => `young-${here.now()}` })
    const [a, b] = [here.place('a'), here.place('b')]
    await b.store.get(`young-${here.now()}`)
    const browser = await signIn(here, a)
    await b.visit(browser, (session) => session.set('theme', 'dark'))
    here.now.advance('2m')
    expect(await a.see(browser, dataOf)).toEqual({ theme: 'dark' })
  })

  it('with CookieCache are NOT kept against two requests at the same time in two places (P4, P5)', async () => {
    const here = world({ cached: true })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a, { n: 0 })
    await b.seeFresh(browser.copy(), signedIn)
    const count = (session: Session<Data>) => session.update((data) => void data['n']++)
    const [one, other] = [await a.begin(browser.copy(), count), await b.begin(browser, count)]
    await one()
    await other()
    here.now.advance('2m')
    expect(await a.see(browser, dataOf)).toEqual({ n: 1 })
  })

  it('of two requests at the same time in one place are kept both, where KV shows the one to the other (P4)', async () => {
    const here = world()
    const a = here.place('a')
    const browser = await signIn(here, a)
    const one = await a.begin(browser, (session) => session.set('cart', 1))
    const other = await a.begin(browser, (session) => session.set('theme', 'dark'))
    await one()
    await other()
    expect(await a.see(browser, dataOf)).toEqual({ cart: 1, theme: 'dark' })
  })
})

describe('regenerate()', () => {
  it('gives a new id, which is never stale: the new token opens everywhere at once, with the data', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a, { cart: 1 })
    const before = await b.see(browser, (session) => session.id)
    await a.visit(browser, (session) => session.regenerate())
    const after = await b.see(browser, (session) => [session.id, session.subject, dataOf(session)])
    expect(after.slice(1)).toEqual(['u_42', { cart: 1 }])
    expect(after[0]).not.toBe(before)
  })

  it('P7 ends the old token at once in its own place, and does NOT before 60 seconds where that was in use', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const old = browser.copy()
    await b.see(old, signedIn)
    await a.visit(browser, (session) => session.regenerate())
    expect([await a.see(old, signedIn), await b.see(old, signedIn)]).toEqual([false, true])
    here.now.advance('60s')
    expect([await a.see(old, signedIn), await b.see(old, signedIn)]).toEqual([false, false])
  })

  it('R09 a late request on the old token changes nothing of the new session', async () => {
    const here = world()
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    const old = browser.copy()
    await b.see(old, signedIn)
    const commit = await b.begin(old, (session) => session.set('late', true))
    await a.visit(browser, (session) => session.regenerate())
    const response = await commit()
    here.now.advance('60s')
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await b.see(browser, dataOf)).toEqual({})
    expect(await b.see(old, signedIn)).toBe(false)
  })
})

describe('the expiry', () => {
  it('P9 is the same to the millisecond everywhere, for KV keeps a key longer than that', async () => {
    const here = world({ ttl: '10s', absolute: '10s' })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    here.now.advance(9_999)
    expect([await a.see(browser.copy(), signedIn), await b.see(browser.copy(), signedIn)]).toEqual([true, true])
    here.now.advance(1)
    expect([await a.see(browser, signedIn), await b.see(browser, signedIn)]).toEqual([false, false])
  })

  it('is NOT extended at once where the session was in use: a touch is seen there up to 60 seconds later', async () => {
    const here = world({ ttl: '2m', touchEvery: '60s', absolute: '1h' })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    here.now.advance('65s')
    await b.sessions.load(browser.request())
    await a.visit(browser, () => {})
    here.now.advance('55s')
    expect(await a.see(browser.copy(), signedIn)).toBe(true)
    expect(await b.see(browser.copy(), signedIn)).toBe(false)
    here.now.advance('5s')
    expect(await b.see(browser, signedIn)).toBe(true)
  })

  it('of a touch never brings old data back: it has a key of its own', async () => {
    const here = world({ ttl: '1h', touchEvery: '60s' })
    const [a, b] = [here.place('a'), here.place('b')]
    const browser = await signIn(here, a)
    here.now.advance('2m')
    const touching = await b.begin(browser.copy(), () => {})
    await a.visit(browser, (session) => session.set('cart', 1))
    await touching()
    here.now.advance('60s')
    expect([await a.see(browser, dataOf), await b.see(browser, dataOf)]).toEqual([{ cart: 1 }, { cart: 1 }])
  })
})
