import { SessionConfigError, SessionManager } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { testClock } from '../../src/testing/index.ts'

describe('testClock', () => {
  it('stands still at its start, which is the same in every run', () => {
    const now = testClock()
    expect([now(), now()]).toEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1)])
    expect(testClock(5)()).toBe(5)
  })

  it('moves by durations and by milliseconds, back as well, and tells the new time', () => {
    const now = testClock(0)
    expect(now.advance('1h')).toBe(3_600_000)
    expect(now.advance(-600_000)).toBe(3_000_000)
    now.set(7)
    expect(now()).toBe(7)
  })

  it('refuses to be moved by what is no time', () => {
    const now = testClock(1)
    expect(() => now.advance(NaN)).toThrow(SessionConfigError)
    expect(() => now.advance('1 hour' as '1h')).toThrow(SessionConfigError)
    expect(() => now.set(Infinity)).toThrow(SessionConfigError)
    expect(now()).toBe(1)
  })

  it('is the `now` option as it is (P9)', async () => {
    const now = testClock()
    const sessions = new SessionManager({ now, ttl: '1h', initial: () => ({}) })
    const token = await sessions.createSession()
    now.advance(3_599_999)
    expect(await sessions.findSession(token)).toBeDefined()
    now.advance(1)
    expect(await sessions.findSession(token)).toBeUndefined()
  })
})
