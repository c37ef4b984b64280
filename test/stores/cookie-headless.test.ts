import { SessionExpiredError, SessionNotFoundError, SessionUnsupportedError } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import { HOUR, record, SealedApp, SECRET, START, visited } from './sealed.ts'

describe('without a request', () => {
  it('createSession, retrieveSession, findSession and regenerateSession work on tokens alone', async () => {
    const { sessions, clock } = new SealedApp()
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_42', ttl: '1h', info: { device: 'cron' } })
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
    const found = await sessions.findSession(token)
    expect(found).toMatchObject({ subject: 'u_42', expiresAt: START + HOUR, info: { device: 'cron' }, data: { n: 1 } })
    expect(JSON.stringify(found)).not.toContain(token)
    const next = await sessions.regenerateSession(token)
    expect(await sessions.findSession(next)).toMatchObject({ subject: 'u_42', data: { n: 1 } })
    expect((await sessions.findSession(next))?.id).not.toBe(found?.id)
    clock.now += HOUR
    expect(await sessions.findSession(next)).toBeUndefined()
    await expect(sessions.regenerateSession(next)).rejects.toThrow(SessionExpiredError)
    await expect(sessions.retrieveSession('garbage')).rejects.toThrow(SessionNotFoundError)
  })

  it('a token made without a request is the cookie of one, and the other way round', async () => {
    const app = new SealedApp()
    app.plant(await app.sessions.createSession({ n: 1 }))
    await app.visit((session) => session.set('n', 2))
    expect(await app.sessions.retrieveSession(app.token())).toEqual({ n: 2 })
  })

  it('on the bearer transport the token is in `session.token`, and no cookie is set', async () => {
    const app = new SealedApp({ transport: 'bearer' })
    let token: string | undefined
    await app.visit(async (session) => {
      session.set('n', 1)
      await session.save()
      token = session.token
    })
    expect(app.cookies).toEqual([])
    const request = new Request(app.origin, { headers: { authorization: `Bearer ${token}` } })
    await app.serve(request, (session) => expect(session.data).toEqual({ n: 1 }))
  })
})

describe('what needs a row', () => {
  const calls: [string, (app: SealedApp, token: string) => unknown][] = [
    ['updateSession', ({ sessions }, token) => sessions.updateSession(token, { n: 2 })],
    ['renewSession', ({ sessions }, token) => sessions.renewSession(token)],
    ['removeSession', ({ sessions }, token) => sessions.removeSession(token)],
    ['findBySubject', ({ sessions }) => sessions.listSessions('u_42')],
    ['removeBySubject', ({ sessions }) => sessions.removeSessionsOf('u_42')],
    ['get', ({ sessions }) => sessions.removeSessionById('an-id')],
    ['removeExpired', ({ sessions }) => sessions.removeExpiredSessions()],
    ['countExpired', ({ sessions }) => sessions.countExpiredSessions()],
    ['get', () => new CookieStore({ secret: SECRET }).get('an-id')],
    ['get', () => new CookieStore({ secret: SECRET }).load('an-id')],
    ['set', () => new CookieStore({ secret: SECRET }).set('an-id', record())],
  ]

  it.each(calls)('is a SessionUnsupportedError that names CookieStore and `%s`', async (method, call) => {
    const app = await visited()
    const failure = await (async () => call(app, app.token()))().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SessionUnsupportedError)
    expect((failure as Error).message).toMatch(new RegExp(`CookieStore.*\`${method}\``))
    expect((failure as Error).message).not.toContain(app.token())
  })
})
