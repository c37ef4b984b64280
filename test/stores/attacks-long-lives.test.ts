/** Attacks on `revocations` by patience: a stolen cookie of a session that may live longer than a mark. */
import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { SECRET } from './sealed.ts'

const DAY = 86_400_000

describe.each([
  ['configured', { ttl: '3y', absolute: false }, undefined],
  ['its own', {}, { ttl: '3y', absolute: '3y' }],
] as const)('C06: of a session whose life of three years is %s', (_, options, lifetime) => {
  it.each(['id', 'subject', 'logout'] as const)('a stolen cookie is dead for good, ended by %s', async (how) => {
    let now = Date.UTC(2030, 0, 1)
    const store = new CookieStore({ secret: SECRET, revocations: new MemoryStore() })
    const sessions = new SessionManager({ store, now: () => now, ...options })
    const session = await sessions.load(new Request('https://shop.example/'))
    session.subject = 'u_42'
    if (lifetime) session.lifetime = lifetime
    await session.save()
    const stolen = session.token as string
    now += DAY
    if (how === 'id') await sessions.removeSessionById(session.id as string)
    else if (how === 'subject') await sessions.removeSessionsOf('u_42')
    else await sessions.removeSession(stolen)
    for (const days of [0, 399, 2, 400]) {
      now += days * DAY
      await sessions.removeExpiredSessions()
      expect(await sessions.findSession(stolen)).toBeUndefined()
    }
  })

  it('and one in use lives on', async () => {
    let now = Date.UTC(2030, 0, 1)
    const store = new CookieStore({ secret: SECRET, revocations: new MemoryStore() })
    const sessions = new SessionManager({ store, now: () => now, ...options })
    let token: string | undefined
    for (let use = 0; use < 3; use++) {
      const headers = token ? { cookie: `__Host-session=${token}` } : {}
      const session = await sessions.load(new Request('https://shop.example/', { headers }))
      expect(session.isNew).toBe(use === 0)
      session.data['n'] = use
      if (lifetime && use === 0) session.lifetime = lifetime
      await sessions.commit(session, new Response())
      token = session.token
      now += 300 * DAY
    }
  })
})
