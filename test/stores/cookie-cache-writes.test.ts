/** CookieCache: every write goes to the store at once and is decided there, whatever the copy says. */
import { SessionNotFoundError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, SECOND, signedIn, TOKEN, type AppSession } from './cached.ts'

describe('a write', () => {
  it('goes through at once, without a read before it; everybody else sees it', async () => {
    const app = await signedIn({ n: 1 })
    await app.visit((session) => session.set('n', 2))
    expect(app.store.take()).toEqual(['update'])
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 2 })
    expect((await app.store.row()).version).toBe(2)
  })

  it('brings a new copy and no token; the next request sees it without a read', async () => {
    const app = await signedIn({ n: 1 })
    app.clock.now += 29 * SECOND
    const response = await app.visit((session) => session.set('n', 2))
    expect(cookiesOf(response)).toEqual([COPY])
    app.clock.now += 29 * SECOND
    app.store.take()
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual([])
  })

  it('on a copy that is behind is a conflict: merged with what others wrote, nothing lost (P4)', async () => {
    const app = await signedIn({ mine: 1, theirs: 1 })
    await app.sessions.updateSession(app.token, (data) => ({ ...data, theirs: 2, added: true }))
    app.store.take()
    app.takeEvents()
    await app.visit((session) => session.set('mine', 2))
    expect(app.store.take()).toEqual(['update', 'get', 'update'])
    expect(app.takeEvents()).toEqual(['loaded', 'conflict', 'updated', 'merged'])
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ mine: 2, theirs: 2, added: true })
    expect(await app.see((session) => session.data)).toEqual({ mine: 2, theirs: 2, added: true })
  })

  it('P5: of 25 increments on one and the same copy none is lost', async () => {
    const app = await signedIn({ n: 0 })
    const commits = await Promise.all(
      Array.from({ length: 25 }, () => app.underway((session) => session.update((data) => void data['n']++))),
    )
    await Promise.all(commits.map((commit) => commit()))
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 25 })
  })

  it('`onConflict` decides over a key that both changed, as without copies', async () => {
    const app = await signedIn(
      { tags: ['a'] },
      { onConflict: (_, mine, theirs) => ({ tags: [...theirs['tags'], ...mine['tags']] }) },
    )
    await app.sessions.updateSession(app.token, { tags: ['b'] })
    await app.visit((session) => session.set('tags', ['c']))
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ tags: ['b', 'c'] })
  })

  it('never shortens: an expiry that somebody else moved forward stays (P10, S18)', async () => {
    const app = await signedIn({}, { ttl: '1h' })
    app.clock.now += 20 * SECOND
    await app.sessions.renewSession(app.token)
    const { expiresAt } = await app.store.row()
    app.clock.now -= 10 * SECOND
    await app.visit((session) => session.set('n', 2))
    expect((await app.store.row()).expiresAt).toBe(expiresAt)
  })

  it('that changes nothing is none, though the store holds something else by now (P3)', async () => {
    const app = await signedIn({ n: 1 })
    await app.sessions.updateSession(app.token, { n: 2 })
    app.store.take()
    await app.visit((session) => session.set('n', 1))
    expect(app.store.take()).toEqual([])
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 2 })
  })

  it('a late answer with an older copy is overtaken by the next read of the store; what was written is written', async () => {
    const app = await signedIn({ n: 1 })
    app.clock.now += 30 * SECOND
    const slow = await app.underway((session) => session.data)
    await app.visit((session) => session.set('n', 2))
    app.keep(await slow())
    await app.visit((session) => session.set('other', true))
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 2, other: true })
    expect(await app.see((session) => session.data)).toEqual({ n: 2, other: true })
  })
})

describe('P6: a session that was ended elsewhere, its copy still fresh,', () => {
  const ended = async (): Promise<CachedApp> => {
    const app = await signedIn({ n: 1 })
    await app.sessions.removeSessionsOf('u_1')
    app.takeEvents()
    return app
  }
  const changes: [string, (session: AppSession) => unknown][] = [
    ['a write', (session) => session.set('n', 2)],
    ['a flash message', (session) => session.flash('notice', 'late')],
    ['a touch', (session) => session.touch()],
    ['regenerate()', (session) => session.regenerate()],
    ['a change of subject', (session) => void (session.subject = 'u_2')],
    ['a sign-out', (session) => session.regenerate({ keepData: false })],
  ]

  it.each(changes)('is not brought back by %s: no row, no token cookie', async (_, change) => {
    const app = await ended()
    const response = await app.visit(change)
    expect(await app.store.rows()).toEqual([])
    expect(cookiesOf(response)).not.toContain(TOKEN)
    expect(app.takeEvents()).not.toContain('created')
    app.clock.now += 30 * SECOND
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it.each(changes.filter(([name]) => name !== 'a touch'))('a lost write brings no new copy: %s', async (_, change) => {
    const app = await ended()
    expect(cookiesOf(await app.visit(change))).toEqual([])
    expect(app.takeEvents()).toContain('lost')
  })

  it('a save() says so: SessionNotFoundError', async () => {
    const app = await ended()
    await app.visit(async (session) => {
      session.data['n'] = 2
      await expect(session.save()).rejects.toThrow(SessionNotFoundError)
    })
    expect(await app.store.rows()).toEqual([])
  })
})

describe('P7: a token that was replaced elsewhere, its copy still fresh,', () => {
  it('changes nothing: the write is lost, and no cookie is set (R09)', async () => {
    const app = await signedIn({ n: 1 })
    const next = await app.sessions.regenerateSession(app.token)
    const before = await app.store.row()
    app.takeEvents()
    const response = await app.visit((session) => session.set('n', 2))
    expect(cookiesOf(response)).toEqual([])
    expect(app.takeEvents()).toEqual(['loaded', 'conflict', 'lost'])
    expect(await app.store.row()).toEqual(before)
    expect(await app.sessions.retrieveSession(next)).toEqual({ n: 1 })
  })

  it('R05: of two regenerates on one copy one brings in the one live token, the other sets no cookie', async () => {
    const app = await signedIn({ n: 1 })
    const [a, b] = [
      await app.underway((session) => session.regenerate()),
      await app.underway((session) => session.regenerate()),
    ]
    expect([cookiesOf(await b()), cookiesOf(await a())]).toEqual([[TOKEN, COPY], []])
  })

  it('R21: but a sign-in on it holds, under a new id, with its own copy', async () => {
    const app = await signedIn({ n: 1 })
    await app.sessions.regenerateSession(app.token)
    const response = await app.visit((session) => {
      session.subject = 'u_2'
      session.data['n'] = 2
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    app.store.take()
    expect(await app.see(({ subject, data }) => [subject, data])).toEqual(['u_2', { n: 2 }])
    expect(app.store.take()).toEqual([])
  })

  it('may still leave: destroy() ends the session', async () => {
    const app = await signedIn()
    await app.sessions.regenerateSession(app.token)
    expect(cookiesOf(await app.visit((session) => session.destroy()))).toEqual([`-${TOKEN}`, `-${COPY}`])
    expect(await app.store.rows()).toEqual([])
  })
})

describe('destroy()', () => {
  it('removes the row and clears both cookies, with every attribute (F14)', async () => {
    const app = await signedIn()
    const response = await app.visit((session) => session.destroy())
    expect(response.headers.getSetCookie()).toEqual(
      [TOKEN, COPY].map((name) => `${name}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`),
    )
    expect([app.cookies, await app.store.rows()]).toEqual([[], []])
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('clears no copy that did not come along', async () => {
    const app = await signedIn()
    app.clock.now += 31 * SECOND
    expect(cookiesOf(await app.visit((session) => session.destroy()))).toEqual([`-${TOKEN}`])
  })

  it('the copied cookies open for `ttl` at most, the copied token without its copy not at all', async () => {
    const app = await signedIn({ n: 1 })
    const [both, token] = [app.copy(), app.holding(TOKEN)]
    await app.visit((session) => session.destroy())
    expect([await app.opens(token), await app.opens(both)]).toEqual([undefined, { n: 1 }])
    app.clock.now += 30 * SECOND
    expect(await app.opens(both)).toBeUndefined()
  })

  it('R04: a slow read that was loaded before brings nothing back: its copy opens nothing', async () => {
    const app = await signedIn()
    app.clock.now += 31 * SECOND
    const slow = await app.underway((session) => session.data)
    await app.visit((session) => session.destroy())
    app.keep(await slow())
    expect(app.value(TOKEN)).toBeUndefined()
    expect(await app.see((session) => session.isNew)).toBe(true)
  })
})

describe('sessions.regenerate(request)', () => {
  it('clears the copy with the token when nothing is written afterwards', async () => {
    const app = await signedIn()
    const response = await app.visit((_, request) => app.sessions.regenerate(request))
    expect(cookiesOf(response)).toEqual([`-${TOKEN}`, `-${COPY}`])
    expect(app.cookies).toEqual([])
  })

  it('puts the new session’s copy in its place when something is', async () => {
    const app = await signedIn({ old: true })
    const response = await app.visit(async (_, request) => {
      const next = await app.sessions.regenerate(request)
      next.data['new'] = true
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    app.store.take()
    expect(await app.see(({ data, subject }) => [data, subject])).toEqual([{ new: true }, undefined])
    expect(app.store.take()).toEqual([])
  })
})

describe('an outage', () => {
  it('P11, P14: a write that fails is a 503; the state stays, and the cookies survive', async () => {
    const app = await signedIn({ n: 1 })
    const before = app.cookies
    app.store.down(true)
    const response = await app.visit((session) => session.set('n', 2))
    expect([response.status, cookiesOf(response)]).toEqual([503, []])
    expect(app.cookies).toEqual(before)
    app.store.down(false)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('R22: a write whose answer got lost is not repeated, and the next read of the store shows it', async () => {
    const app = new CachedApp(new WatchedStore())
    await app.visit((session) => session.set('n', 1))
    app.store.failingAfter = new Set(['update'])
    expect((await app.visit((session) => session.update((data) => void data['n']++))).status).toBe(503)
    app.store.failingAfter.clear()
    expect(
      await app.see(async (session, request) => (await app.sessions.load(request, { fresh: true })) && session.data),
    ).toEqual({ n: 2 })
  })
})
