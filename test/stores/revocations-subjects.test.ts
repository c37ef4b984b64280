/** `removeSessionsOf` over sealed cookies: everybody who signed in before, except one. */
import { SessionUnsupportedError } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { Site } from '../protocol/site.ts'
import { marksIn, MEMORIES, opening, siteOver } from './revocable.ts'
import { DAY, SECRET, START } from './sealed.ts'

/** Signs in as often as asked. */
async function signedIn(site: Site, subject: string, times = 1): Promise<string[]> {
  const tokens: string[] = []
  for (let time = 0; time < times; time++) tokens.push((await site.begin({ n: time }, subject)).token)
  return tokens
}

describe.each(MEMORIES)('remembered by $name', ({ open }) => {
  it('ends every session of the subject, on every instance, and nobody else’s', async () => {
    const site = open()
    const mine = await signedIn(site, 'u_42', 3)
    const [theirs] = await signedIn(site, 'u_1')
    const { token: visitor } = await site.begin()
    expect(await site.one.removeSessionsOf('u_42')).toBe(0)
    expect(await opening(site, mine)).toBe(0)
    expect(await opening(site, [theirs, visitor])).toBe(2)
    expect(site.reports.filter(({ name }) => name === 'destroyed')).toEqual([{ name: 'destroyed', subject: 'u_42' }])
    expect(site.reports.slice(-1)).not.toMatchObject([{ name: 'storeError' }])
  })

  it('a login of the same millisecond dies, one a millisecond later lives', async () => {
    const site = open()
    const before = await signedIn(site, 'u_42')
    await site.one.removeSessionsOf('u_42')
    const same = await signedIn(site, 'u_42')
    site.clock.now += 1
    const after = await signedIn(site, 'u_42')
    expect([await opening(site, before), await opening(site, same), await opening(site, after)]).toEqual([0, 0, 1])
  })

  it('a login in the same request, after it, lives: the call returns when the clock has moved on', async () => {
    const site = open()
    const [token] = await signedIn(site, 'u_42')
    const { session, finish } = await site.request()
    const removing = site.one.removeSessionsOf('u_42')
    await new Promise((resolve) => setImmediate(resolve))
    site.clock.now += 1
    await removing
    session.subject = 'u_42'
    const next = await finish()
    expect(await opening(site, [token])).toBe(0)
    expect(await opening(site, [next])).toBe(1)
  })

  it('I02: spares the session in `except`, by itself or by its id', async () => {
    for (const by of ['session', 'id']) {
      const site = open()
      const [current = '', other] = await signedIn(site, 'u_42', 2)
      const { session, finish } = await site.request(current)
      await site.one.removeSessionsOf('u_42', { except: by === 'id' ? session.id : session })
      session.data['n'] = 9
      const next = await finish()
      expect(await opening(site, [current, next])).toBe(2)
      expect(await opening(site, [other])).toBe(0)
    }
  })

  it('I02: and keeps it when its token is renewed in the same request, before or after', async () => {
    for (const order of ['before', 'after', 'id from before']) {
      const site = open()
      const [current = '', other] = await signedIn(site, 'u_42', 2)
      const next = await site.visit(current, async (session) => {
        const { id } = session
        if (order !== 'after') {
          session.regenerate()
          await session.save()
        }
        await site.one.removeSessionsOf('u_42', { except: order === 'id from before' ? id : session })
        if (order === 'after') session.regenerate()
      })
      expect(await opening(site, [next])).toBe(1)
      expect(await opening(site, [current, other])).toBe(0)
      // And for every token after that.
      const later = await site.visit(next, (session) => session.regenerate())
      expect(await opening(site, [next])).toBe(0)
      expect(await opening(site, [later])).toBe(1)
    }
  })

  it('I02: a new password, as the guide has it: the others end, this one is signed in again', async () => {
    const site = open()
    const [current = '', other] = await signedIn(site, 'u_42', 2)
    const next = await site.visit(current, async (session) => {
      await site.one.removeSessionsOf('u_42', { except: session })
      session.subject = undefined
      session.subject = 'u_42'
    })
    expect(await opening(site, [current, other])).toBe(0)
    expect(await opening(site, [next])).toBe(1)
  })

  it('of two with different exceptions each ends the other’s: at the same time, and one after the other', async () => {
    for (const apart of [undefined, 0, 1]) {
      const site = open()
      const [a = '', b = '', c = ''] = await signedIn(site, 'u_42', 3)
      const [one, two] = [await site.one.findSession(a), await site.one.findSession(b)]
      const first = site.one.removeSessionsOf('u_42', { except: one?.id })
      if (apart !== undefined) await first
      site.clock.now += apart ?? 0
      await Promise.all([first, site.two.removeSessionsOf('u_42', { except: two?.id })])
      expect(await opening(site, [a, b, c])).toBe(0)
    }
  })

  it('twice with one exception spares it; a login in between is spared by none', async () => {
    const site = open()
    const [current = '', other] = await signedIn(site, 'u_42', 2)
    const { id = '' } = (await site.one.findSession(current)) ?? {}
    await site.one.removeSessionsOf('u_42', { except: id })
    site.clock.now += 1000
    const between = await signedIn(site, 'u_42')
    await site.two.removeSessionsOf('u_42', { except: id })
    expect(await opening(site, [current])).toBe(1)
    expect(await opening(site, [other, ...between])).toBe(0)
  })

  it('a later exception spares who signed in after the first, and none from before it', async () => {
    const site = open()
    const [old = ''] = await signedIn(site, 'u_42')
    await site.one.removeSessionsOf('u_42')
    site.clock.now += 1000
    const [young = ''] = await signedIn(site, 'u_42')
    site.clock.now += 1000
    await site.one.removeSessionsOf('u_42', { except: (await site.one.findSession(young))?.id })
    expect([await opening(site, [young]), await opening(site, [old])]).toEqual([1, 0])
  })

  it('R03 P6: what is in flight is lost: a write, a new token, a sign-out that would keep the data', async () => {
    for (const late of [
      (session) => void (session.data['late'] = true),
      (session) => session.regenerate(),
      (session) => void (session.subject = undefined),
      (session) => void (session.subject = 'u_1'),
    ] as Parameters<Site['visit']>[1][]) {
      const site = open()
      const [token = ''] = await signedIn(site, 'u_42')
      const slow = await site.request(token)
      late(slow.session)
      await site.one.removeSessionsOf('u_42')
      expect(await slow.finish()).toBeUndefined()
      expect(site.events).toContain('lost')
      expect(await opening(site, [token])).toBe(0)
    }
  })

  it('a login in flight, begun before, is dead on arrival; its visitor’s session with it', async () => {
    const site = open()
    const { token } = await site.begin({ n: 1 })
    const login = await site.request(token)
    login.session.subject = 'u_42'
    site.clock.now += 1
    await site.one.removeSessionsOf('u_42')
    const next = await login.finish()
    expect(await opening(site, [token, next])).toBe(0)
  })

  it('renewals of `authenticatedAt` count: who signed in as somebody else since is not of that subject', async () => {
    const site = open()
    const [token = ''] = await signedIn(site, 'u_1')
    const other = await site.visit(token, (session) => void (session.subject = 'u_42'))
    await site.one.removeSessionsOf('u_1')
    expect(await opening(site, [other])).toBe(1)
    await site.one.removeSessionsOf('u_42')
    expect(await opening(site, [other])).toBe(0)
  })

  it('ten at once end everything, and their marks are one', async () => {
    const site = open()
    const tokens = await signedIn(site, 'u_42', 10)
    const ids = await Promise.all(tokens.map(async (token) => (await site.one.findSession(token))?.id))
    await Promise.all(
      ids.map((except, index) => (index % 2 === 0 ? site.one : site.two).removeSessionsOf('u_42', { except })),
    )
    expect(await opening(site, tokens)).toBe(0)
  })
})

describe('a subject’s mark', () => {
  it('is one record of 400 days, which names nobody', async () => {
    const store = new MemoryStore()
    const site = siteOver(store)
    await site.one.removeSessionsOf('u_42')
    await site.one.removeSessionsOf('u_42')
    const marks = await marksIn(store)
    expect(marks).toMatchObject([
      { version: 2, verifier: '-', expiresAt: START + 400 * DAY, endsAt: START + 400 * DAY },
    ])
    expect(JSON.stringify(marks)).not.toContain('u_42')
    expect(Object.keys(marks[0] ?? {})).not.toContain('subject')
  })

  it('is none for what no session’s subject can be', async () => {
    const store = new MemoryStore()
    const site = siteOver(store)
    for (const subject of ['', '\ud800', undefined as unknown as string]) await site.one.removeSessionsOf(subject)
    expect(await marksIn(store)).toEqual([])
  })
})

describe('what still needs rows', () => {
  it('listSessions is a SessionUnsupportedError, and so are updateSession and renewSession', async () => {
    const site = siteOver(new MemoryStore())
    const [token = ''] = await signedIn(site, 'u_42')
    await expect(site.one.listSessions('u_42')).rejects.toThrow(SessionUnsupportedError)
    await expect(site.one.updateSession(token, { n: 1 })).rejects.toThrow(SessionUnsupportedError)
    await expect(site.one.renewSession(token)).rejects.toThrow(SessionUnsupportedError)
  })

  it('and without `revocations` removeSessionsOf is one', async () => {
    const store = new CookieStore({ secret: SECRET })
    await expect(new Site([store, store]).one.removeSessionsOf('u_42')).rejects.toThrow(/CookieStore.*removeBySubject/)
  })
})
