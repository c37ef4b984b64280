import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DURATION_FORM, parseDuration } from '../../src/core/duration.ts'

const DAY = 86_400_000

describe('parseDuration', () => {
  it.each([
    [1, 1],
    [1_500, 1_500],
    [100_000 * DAY, 100_000 * DAY],
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['30d', 30 * DAY],
    ['1y', 365 * DAY],
    ['1.5h', 5_400_000],
    ['0.001s', 1],
    ['007s', 7_000],
    ['100000d', 100_000 * DAY],
  ])('%j is %d ms', (value, milliseconds) => {
    expect(parseDuration(value)).toBe(milliseconds)
  })

  it.each([
    [0.5, 1],
    [1.4, 1],
    [1.5, 2],
    ['0.0005s', 1],
    ['0.1234567s', 123],
  ])('%j is rounded to whole milliseconds: %d', (value, milliseconds) => {
    expect(parseDuration(value)).toBe(milliseconds)
  })

  it.each([0, -0, 0.4, -1, -0.6, NaN, Infinity, -Infinity, 100_000 * DAY + 1, Number.MAX_VALUE])(
    'the number %d is no duration',
    (value) => {
      expect(parseDuration(value)).toBeUndefined()
    },
  )

  it.each([
    '',
    ' ',
    's',
    '1',
    '0s',
    '0.0004s',
    '-1s',
    '+1s',
    '1S',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1ms',
    '1w',
    '1s2m',
    '1e3s',
    '0x1s',
    '1,5h',
    '.5h',
    '1.h',
    '1..5h',
    'Infinitys',
    'NaNs',
    '１s',
    '١s',
    '1_000s',
    '100001d',
    '1000y',
    '1234567890123456s',
    '1.1234567890s',
    '9'.repeat(100_000) + 's',
  ])('the text %j is no duration', (value) => {
    expect(parseDuration(value)).toBeUndefined()
  })

  it.each([
    undefined,
    null,
    true,
    5n,
    Symbol('1s'),
    {},
    [],
    ['1s'],
    [1],
    new Date(5),
    Object(5),
    Object('1s'),
    () => 1,
  ])('a value of another type is no duration, whatever it converts to (%#)', (value) => {
    expect(parseDuration(value)).toBeUndefined()
  })

  it('what messages say is allowed is allowed', () => {
    const examples = Array.from(DURATION_FORM.matchAll(/'([^']+)'/g), (match) => match[1])
    expect(examples.length).toBeGreaterThan(3)
    for (const example of examples) expect(parseDuration(example)).toBeGreaterThan(0)
  })

  it('any duration added to a time of day is a valid date still', () => {
    const longest = parseDuration('100000d') ?? NaN
    expect(Number.isNaN(new Date(Date.UTC(2100, 0, 1) + longest).getTime())).toBe(false)
  })

  const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY, y: 365 * DAY }
  const unit = fc.constantFrom('s', 'm', 'h', 'd', 'y')

  it('for any whole number and unit it is that many of them, as long as that is above 0 and a valid date', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), unit, (count, each) => {
        const milliseconds = count * UNITS[each]
        const isOne = count > 0 && milliseconds <= 100_000 * DAY
        expect(parseDuration(`${count}${each}`)).toBe(isOne ? milliseconds : undefined)
        expect(parseDuration(milliseconds)).toBe(isOne ? milliseconds : undefined)
      }),
    )
  })

  it('for anything at all it is whole milliseconds above 0 and within bounds, or nothing; and it never throws', () => {
    const near = fc
      .tuple(fc.string({ unit: fc.constantFrom(...'0123456789.-+e ') }), unit)
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.double(), fc.string(), near), (value) => {
        const milliseconds = parseDuration(value) ?? 1
        expect(Number.isSafeInteger(milliseconds) && milliseconds > 0 && milliseconds <= 100_000 * DAY).toBe(true)
        expect(milliseconds === 1 || ['number', 'string'].includes(typeof value)).toBe(true)
      }),
    )
  })
})
