import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  endsOfLife,
  isExpired,
  isHandingOver,
  isTouchDue,
  rotationDue,
  slide,
  startOfLife,
  type Lifetimes,
} from '../../src/core/policy.ts'
import type { PreviousToken, SessionRecord } from '../../src/core/record.ts'

const CONFIGURED: Lifetimes = {
  ttl: 1_000,
  renewal: 2_000,
  absolute: 10_000,
  touchEvery: 100,
  rotateEvery: 500,
  grace: 50,
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

const HANDOVER: PreviousToken = { verifier: 'old', handover: 'nonce' }

describe('isHandingOver', () => {
  it.each<[string, PreviousToken | undefined, number, boolean]>([
    ['no token was replaced', undefined, 0, false],
    ['the last one was replaced by `regenerate()`, also while it is known', { verifier: 'old', until: 10 }, 9, false],
    ['the new token was not used yet, however long ago', HANDOVER, 1e15, true],
    ['1 ms before the grace ends', { ...HANDOVER, until: 600 }, 599, true],
    ['at exactly the end of the grace', { ...HANDOVER, until: 600 }, 600, false],
    ['after the grace', { ...HANDOVER, until: 600 }, 601, false],
    ['the grace is over and the nonce dropped', { ...HANDOVER, handover: '', until: 600 }, 601, false],
  ])('%s', (_what, previous, now, handingOver) => {
    expect(isHandingOver(record(previous && { previous }), now)).toBe(handingOver)
  })
})

describe('rotationDue', () => {
  const old = { subject: 'u', rotatedAt: 100 }
  it.each<[string, Partial<SessionRecord>, number, 'rotate' | 'confirm' | undefined]>([
    ['1 ms before the token is old enough', old, 599, undefined],
    ['when it is exactly old enough', old, 600, 'rotate'],
    ['when it is older', old, 601, 'rotate'],
    ['however old, where nobody signed in', { rotatedAt: 100 }, 1e15, undefined],
    ["at the new token's first use", { ...old, previous: HANDOVER }, 101, 'confirm'],
    ['at its first use, even if it is old by then', { ...old, previous: HANDOVER }, 1e15, 'confirm'],
    ['at a later use within the grace', { ...old, previous: { ...HANDOVER, until: 150 } }, 149, undefined],
    ['within a grace that outlasts the token', { ...old, previous: { ...HANDOVER, until: 900 } }, 899, undefined],
    ['at the end of such a grace', { ...old, previous: { ...HANDOVER, until: 900 } }, 900, 'rotate'],
    ['after `regenerate()`', { ...old, previous: { verifier: 'old', until: 900 } }, 600, 'rotate'],
  ])('%s', (_what, over, now, due) => {
    expect(rotationDue(record(over), now, CONFIGURED)).toBe(due)
  })
})

describe('for any record and any time', () => {
  const time = fc.integer({ min: 0, max: 20_000 })
  const own = fc.record({ ttl: time, absolute: fc.option(time) }, { requiredKeys: [], noNullPrototype: true })

  it('P9: what is expired stays expired', () => {
    fc.assert(
      fc.property(time, fc.option(time), time, time, (expiresAt, endsAt, now, later) => {
        const ends = { expiresAt, endsAt }
        expect(isExpired(ends, now) && !isExpired(ends, now + later)).toBe(false)
      }),
    )
  })

  it('P9, P10: a new life is expired at both of its ends, and neither lasts longer than the other allows', () => {
    fc.assert(
      fc.property(time, time, own, (start, now, life) => {
        const ends = endsOfLife(start, now, life, CONFIGURED)
        expect(ends.expiresAt).toBeLessThanOrEqual(ends.endsAt ?? Infinity)
        expect(ends.expiresAt).toBeLessThanOrEqual(now + (life.ttl ?? CONFIGURED.ttl))
        expect(isExpired(ends, ends.expiresAt)).toBe(true)
        expect(ends.endsAt === null || isExpired({ ...ends, expiresAt: Infinity }, ends.endsAt)).toBe(true)
      }),
    )
  })

  it('P10: activity at any number of times never gets past the hard end, and the order of late ones does not matter', () => {
    fc.assert(
      fc.property(fc.array(time), own, (times, life) => {
        const after = (order: readonly number[]): number =>
          order.reduce(
            (expiresAt, now) => slide(record({ ...life, expiresAt }), now, CONFIGURED),
            endsOfLife(0, 0, { absolute: 10_000 }, CONFIGURED).expiresAt,
          )
        expect(after(times)).toBeLessThanOrEqual(10_000)
        expect(after(times)).toBe(after(times.toReversed()))
      }),
    )
  })

  it('P1: right after activity no touch is due, nor one before half of the life is over without any', () => {
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 20_000 }), (lastSeenAt, ttl) => {
        const seen = record({ lastSeenAt, ttl })
        expect(isTouchDue(seen, lastSeenAt, CONFIGURED)).toBe(false)
        expect(isTouchDue(seen, lastSeenAt + ttl / 2, CONFIGURED)).toBe(ttl / 2 >= Math.min(100, ttl / 10))
      }),
    )
  })

  it('a life that was given its ends says when it began', () => {
    fc.assert(
      fc.property(time, time, own, (createdAt, later, life) => {
        const start = createdAt + later
        const kept = { ...life, ...endsOfLife(start, start, life, CONFIGURED), createdAt }
        const began = startOfLife(record(kept), CONFIGURED)
        expect(began).toBe(kept.endsAt === null ? createdAt : start)
        expect(startOfLife(record({ ...kept, authenticatedAt: start }), CONFIGURED)).toBe(start)
      }),
    )
  })

  it('a token is rotated or confirmed, never both: a rotation waits for the last one to end', () => {
    const previous = fc.option(
      fc.record(
        { verifier: fc.constant('old'), handover: fc.constant('n'), until: time },
        { requiredKeys: ['verifier'] },
      ),
      { nil: undefined },
    )
    fc.assert(
      fc.property(previous, time, time, (before, rotatedAt, now) => {
        const kept = record({ subject: 'u', rotatedAt, ...(before && { previous: before }) })
        const due = rotationDue(kept, now, CONFIGURED)
        expect(due === 'rotate' && isHandingOver(kept, now)).toBe(false)
        expect(due === 'confirm' && !isHandingOver(kept, now)).toBe(false)
      }),
    )
  })
})
