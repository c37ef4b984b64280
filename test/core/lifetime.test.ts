import { SessionConfigError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { parseLifetime } from '../../src/core/lifetime.ts'
import type { Lifetimes } from '../../src/core/policy.ts'

const DAY = 86_400_000
const CONFIGURED: Lifetimes = {
  ttl: DAY,
  renewal: DAY,
  absolute: 30 * DAY,
  touchEvery: DAY / 10,
  rotateEvery: Infinity,
  grace: 30_000,
}

function refusal(value: unknown, configured = CONFIGURED): SessionConfigError {
  try {
    parseLifetime(value, configured)
  } catch (error) {
    if (error instanceof SessionConfigError) return error
    throw error
  }
  throw new Error('accepted')
}

describe('parseLifetime', () => {
  it.each([
    [{}, {}],
    [
      { ttl: '60d', absolute: '1y' },
      { ttl: 60 * DAY, absolute: 365 * DAY },
    ],
    [{ ttl: 5 }, { ttl: 5 }],
    [{ absolute: false }, { absolute: null }],
    [
      { ttl: '2y', absolute: false },
      { ttl: 730 * DAY, absolute: null },
    ],
    [{ persistent: false }, { persistent: false }],
    [{ persistent: true }, { persistent: true }],
    [{ ttl: undefined, absolute: undefined, persistent: undefined }, {}],
  ])('reads %j', (value, own) => {
    expect(parseLifetime(value, CONFIGURED)).toEqual(own)
  })

  it.each([
    ['1 ms below the configured `absolute`', { ttl: 30 * DAY - 1 }],
    ['exactly the configured `absolute`', { ttl: '30d' }],
    ['exactly its own `absolute`', { ttl: '90d', absolute: '90d' }],
    ['an `absolute` below the configured ttl', { absolute: '1h' }],
  ])('accepts %s', (_what, value) => {
    expect(() => parseLifetime(value, CONFIGURED)).not.toThrow()
  })

  it.each([
    ['1 ms beyond the configured `absolute`', { ttl: 30 * DAY + 1 }],
    ['1 ms beyond its own `absolute`', { ttl: 90 * DAY + 1, absolute: '90d' }],
  ])('refuses a ttl %s, and says what to do', (_what, value) => {
    expect(refusal(value).message).toMatch(
      /`lifetime\.ttl` is longer than the `absolute` in force; raise the manager's, or set `absolute`/,
    )
  })

  it('a ttl of any length is fine where there is no hard end', () => {
    expect(() => parseLifetime({ ttl: '200y' }, { ...CONFIGURED, absolute: null })).not.toThrow()
  })

  it.each([
    [{ ttl: 0 }, 'lifetime.ttl'],
    [{ ttl: -1 }, 'lifetime.ttl'],
    [{ ttl: NaN }, 'lifetime.ttl'],
    [{ ttl: null }, 'lifetime.ttl'],
    [{ ttl: false }, 'lifetime.ttl'],
    [{ ttl: 'soon' }, 'lifetime.ttl'],
    [{ absolute: 0 }, 'lifetime.absolute'],
    [{ absolute: true }, 'lifetime.absolute'],
    [{ absolute: null }, 'lifetime.absolute'],
    [{ absolute: 'never' }, 'lifetime.absolute'],
    [{ persistent: 'no' }, 'lifetime.persistent'],
    [{ persistent: 0 }, 'lifetime.persistent'],
    [{ persistent: null }, 'lifetime.persistent'],
    [{ maxAge: '1d' }, 'lifetime.maxAge'],
  ])('%j is a SessionConfigError that names %s', (value, name) => {
    const error = refusal(value)
    expect(error.problems).toHaveLength(1)
    expect(error.message).toContain(`\`${name}\``)
  })

  it.each([null, undefined, 5, 'CANARY', true, () => ({})])('%s is no lifetime at all', (value) => {
    const { message } = refusal(value)
    expect(message).toMatch(/`lifetime` is .*must be an object/)
    expect(message).not.toContain('CANARY')
  })

  it('names all that is wrong at once, and prints no value', () => {
    const error = refusal({ ttl: 'CANARY1', absolute: 'CANARY2', persistent: 'CANARY3', other: 'CANARY4' })
    expect(error.problems).toHaveLength(4)
    expect(error.message).not.toContain('CANARY')
  })

  it('tells nothing of a `ttl` against an `absolute` that is itself wrong', () => {
    const parse = (): unknown => parseLifetime({ ttl: '90000d', absolute: 'never' }, CONFIGURED)
    expect(parse).toThrow(expect.objectContaining({ problems: [expect.stringContaining('lifetime.absolute')] }))
  })
})
