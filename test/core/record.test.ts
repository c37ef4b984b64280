/** What may come from a store as a record. */
import { describe, expect, it } from 'vitest'
import { isRecord, withoutUndefined } from '../../src/core/record.ts'

const times = { createdAt: 0, rotatedAt: 0, lastSeenAt: 0, expiresAt: 1 }
const record = { id: 'i', verifier: 'v', data: '{}', version: 1, ...times, endsAt: null }
const own = { authenticatedAt: 0, ttl: 1, absolute: null, persistent: false }
const full = { ...record, ...own, endsAt: 2, flash: '{}', subject: 'u', info: { a: 'b' }, previous: { verifier: 'p' } }

describe('isRecord', () => {
  it('takes one with only what every record has, and one with all the rest', () => {
    expect([record, full].filter((value) => !isRecord(value))).toEqual([])
  })

  it.each([
    ...['id', 'verifier', 'data'].flatMap((key) => [[key, undefined] as const, [key, 1] as const]),
    ...['version', ...Object.keys(times)].flatMap((key) => [
      [key, undefined] as const,
      [key, '1'] as const,
      [key, NaN] as const,
    ]),
    ...[undefined, '2', NaN].map((value) => ['endsAt', value] as const),
    ...['authenticatedAt', 'ttl'].flatMap((key) => [null, '1', NaN].map((value) => [key, value] as const)),
    ...['1', NaN].map((value) => ['absolute', value] as const),
    ...[null, 1].map((value) => ['persistent', value] as const),
    ...['flash', 'subject'].flatMap((key) => [[key, null] as const, [key, {}] as const]),
    ...[null, 'text', { a: 1 }].map((value) => ['info', value] as const),
    ...[null, {}, { verifier: 1 }].map((value) => ['previous', value] as const),
  ])('takes none whose %s is %j: a row of that kind is missing', (key, value) => {
    expect(isRecord({ ...full, [key]: value })).toBe(false)
  })

  it.each([undefined, null, 1, 'text', []])('takes no %j', (value) => {
    expect(isRecord(value)).toBe(false)
  })
})

it('withoutUndefined copies, and leaves out the keys without a value', () => {
  const value = { a: 1, b: undefined, c: null }
  const copy = withoutUndefined<object>(value)
  expect(copy).toEqual({ a: 1, c: null })
  expect([Object.keys(copy), copy === value]).toEqual([['a', 'c'], false])
})
