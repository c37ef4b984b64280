/** Attacks on logouts: sessions whose data nobody can read any more, and that somebody wants to end. */
import { SessionManager, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'

describe('P6: removeSession ends a session whose data is no text of ours', () => {
  it.each([{ onInvalid: 'reset' }, { onInvalid: 'throw' }, {}] as const)('with %o', async (how) => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store, ...how })
    const token = await sessions.createSession({}, { subject: 'u_42' })
    const [id = ''] = token.split('.')
    store.set(id, { ...(store.get(id) as SessionRecord), data: 'no JSON' })
    expect(await sessions.removeSession(token)).toBe(true)
    expect(store.get(id)).toBeUndefined()
    expect(await sessions.removeSession(token)).toBe(false)
  })
})
