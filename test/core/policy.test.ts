import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  absoluteInForce,
  endsOfLife,
  isExpired,
  isTouchDue,
  slide,
  startOfLife,
  type Lifetimes,
} from '../../src/core/policy.ts'
import type { SessionRecord } from '../../src/core/record.ts'

const CONFIGURED: Lifetimes = {
  ttl: 1_000,
  renewal: 2_000,
  absolute: 10_000,
  touchEvery: 100,
  rotateEvery: Infinity,
  grace: 30_000,
}

function record(over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: 'a',
    verifier: 'v',
    data: '{}',
    version: 1,
    createdAt: 0,
    rotatedAt: 0,
    lastSeenAt: 0,
    expiresAt: 1_000,
    endsAt: 10_000,
    ...over,
  }
}

describe('isExpired', () => {
  it.each([
    // expiresAt, endsAt, now, expired
    [1_000, null, 998, false],
    [1_000, null, 999, false],
    [1_000, null, 1_000, true],
    [1_000, null, 1_001, true],
    [1_000, 5_000, 999, false],
    [1_000, 5_000, 1_000, true],
    [5_000, 1_000, 999, false],
    [5_000, 1_000, 1_000, true],
    [5_000, 1_000, 1_001, true],
    [1_000, 1_000, 999, false],
    [1_000, 1_000, 1_000, true],
    [0, null, 0, true],
    [-5, null, 0, true],
    [5_000, 0, 0, true],
  ])('P9, S03: expiresAt %d, endsAt %s, at %d: %s', (expiresAt, endsAt, now, expired) => {
    expect(isExpired({ expiresAt, endsAt }, now)).toBe(expired)
  })
})

describe('slide', () => {
  it.each([
    // what, record, now, new expiresAt
    ['activity brings `renewal` from now', {}, 500, 2_500],
    ['activity at creation', {}, 0, 2_000],
    ['1 ms before the hard end binds', { expiresAt: 8_000 }, 7_999, 9_999],
    ['exactly reaching the hard end', { expiresAt: 8_001 }, 8_000, 10_000],
    ['1 ms beyond: the hard end holds', { expiresAt: 8_002 }, 8_001, 10_000],
    ['right before the hard end', { expiresAt: 10_000 }, 9_999, 10_000],
    ['no hard end', { endsAt: null, expiresAt: 8_001 }, 50_000, 52_000],
    ['a longer life is not shortened', { expiresAt: 9_000 }, 500, 9_000],
    ['one of exactly the same length stays', { expiresAt: 2_500 }, 500, 2_500],
    ['one that is 1 ms longer stays', { expiresAt: 2_501 }, 500, 2_501],
    ['a clock stepped back shortens nothing', { expiresAt: 2_500 }, -100_000, 2_500],
    ["the session's own ttl takes the place of `renewal`", { ttl: 5_000 }, 500, 5_500],
    ['also when it is shorter', { ttl: 600 }, 500, 1_100],
    ['and never passes the hard end', { ttl: 5_000, expiresAt: 6_000 }, 5_500, 10_000],
  ])('P10: %s', (_what, over, now, expiresAt) => {
    expect(slide(record(over), now, CONFIGURED)).toBe(expiresAt)
  })

  it('P10: for any record and time, it shortens nothing and passes no hard end', () => {
    const time = fc.integer({ min: 0, max: 20_000 })
    fc.assert(
      fc.property(time, fc.option(time), time, fc.option(time), (expires, endsAt, now, ttl) => {
        const expiresAt = endsAt === null ? expires : Math.min(expires, endsAt)
        const next = slide(record({ expiresAt, endsAt, ...(ttl === null ? {} : { ttl }) }), now, CONFIGURED)
        expect(next).toBeGreaterThanOrEqual(expiresAt)
        expect(next).toBeLessThanOrEqual(endsAt ?? Infinity)
      }),
    )
  })
})

describe('isTouchDue', () => {
  it.each([
    // lastSeenAt, own ttl, now, due
    [0, undefined, 99, false],
    [0, undefined, 100, true],
    [0, undefined, 101, true],
    [700, undefined, 799, false],
    [700, undefined, 800, true],
    [700, undefined, 100, false],
    [0, 500, 49, false],
    [0, 500, 50, true],
    [0, 1_000, 99, false],
    [0, 1_000, 100, true],
    [0, 100_000, 99, false],
    [0, 100_000, 100, true],
  ])('P1: last seen at %d, own ttl %s, at %d: %s', (lastSeenAt, ttl, now, due) => {
    expect(isTouchDue(record({ lastSeenAt, ...(ttl === undefined ? {} : { ttl }) }), now, CONFIGURED)).toBe(due)
  })
})

describe('endsOfLife', () => {
  it.each([
    // start, now, own, ends
    [0, 0, {}, { expiresAt: 1_000, endsAt: 10_000 }],
    [5_000, 5_000, {}, { expiresAt: 6_000, endsAt: 15_000 }],
    [0, 9_000, {}, { expiresAt: 10_000, endsAt: 10_000 }],
    [0, 8_999, {}, { expiresAt: 9_999, endsAt: 10_000 }],
    [0, 9_001, {}, { expiresAt: 10_000, endsAt: 10_000 }],
    [0, 0, { ttl: 3_000 }, { expiresAt: 3_000, endsAt: 10_000 }],
    [0, 0, { ttl: 30_000, absolute: 50_000 }, { expiresAt: 30_000, endsAt: 50_000 }],
    [0, 0, { ttl: 30_000 }, { expiresAt: 10_000, endsAt: 10_000 }],
    [0, 0, { absolute: 500 }, { expiresAt: 500, endsAt: 500 }],
    [0, 0, { absolute: null }, { expiresAt: 1_000, endsAt: null }],
    [0, 0, { ttl: 90_000, absolute: null }, { expiresAt: 90_000, endsAt: null }],
    [0, 20_000, {}, { expiresAt: 10_000, endsAt: 10_000 }],
  ])('P10: begun at %d, set at %d, own %j: %j', (start, now, own, ends) => {
    expect(endsOfLife(start, now, own, CONFIGURED)).toEqual(ends)
  })

  it('without a configured hard end there is none, unless the session has its own', () => {
    const endless = { ...CONFIGURED, absolute: null }
    expect(endsOfLife(0, 0, {}, endless)).toEqual({ expiresAt: 1_000, endsAt: null })
    expect(endsOfLife(0, 0, { absolute: 700 }, endless)).toEqual({ expiresAt: 700, endsAt: 700 })
  })
})

describe('absoluteInForce', () => {
  it.each([
    [{}, 10_000],
    [{ absolute: 5 }, 5],
    [{ absolute: null }, null],
    [{ ttl: 5 }, 10_000],
  ])('%j: %s', (own, absolute) => {
    expect(absoluteInForce(own, CONFIGURED)).toBe(absolute)
  })
})

describe('startOfLife', () => {
  it.each([
    ['with its subject', { createdAt: 10, authenticatedAt: 400, endsAt: 10_400 }, 400],
    ['with its creation', { createdAt: 10, endsAt: 10_010 }, 10],
    ['after a sign-out, as its hard end says', { createdAt: 10, endsAt: 10_700 }, 700],
    ['never before its creation', { createdAt: 10, endsAt: 500 }, 10],
    ['with its creation where there is no hard end', { createdAt: 10, endsAt: null }, 10],
    ['with its creation where it has given up its hard end', { createdAt: 10, endsAt: null, absolute: null }, 10],
    ['with its creation where it gives up a hard end it still has', { createdAt: 10, endsAt: 500, absolute: null }, 10],
    ['by its own overall life', { createdAt: 10, endsAt: 5_600, absolute: 5_000 }, 600],
  ])('an overall life began %s', (_what, over, start) => {
    expect(startOfLife(record(over), CONFIGURED)).toBe(start)
  })
})
