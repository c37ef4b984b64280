/** A lazy session that could not be loaded before its response: asked for again afterwards, it can be read only. */
import { SessionManager, SessionStateError, type Session } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'

describe('lazy', () => {
  it('F11: a load that failed before the response, and succeeds after it, gives a session that refuses change', async () => {
    const store = new WatchedStore()
    const sessions = new SessionManager<Record<string, unknown>>({ store })
    const cookie = `__Host-session=${await sessions.createSession({ n: 1 })}`
    let again: (() => Promise<Session<Record<string, unknown>>>) | undefined
    const fetch = withSession(
      sessions,
      (_request, load) => {
        again = load
        void load().catch(() => {})
        return new Response('ok')
      },
      { lazy: true },
    )
    store.down(true)
    await fetch(new Request('https://shop.example/', { headers: { cookie } }))
    store.down(false)
    const session = await again?.()
    expect(session?.data).toEqual({ n: 1 })
    expect(() => session?.set('n', 2)).toThrow(SessionStateError)
  })
})
