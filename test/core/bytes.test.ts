import { createHash, createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  base64url,
  constantTimeEqual,
  fromBase64url,
  hmacUnder,
  isBase64url,
  lent,
  randomBytes,
  sha256,
  utf8,
} from '../../src/core/bytes.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

afterEach(() => vi.restoreAllMocks())

describe('base64url', () => {
  it('writes what RFC 4648 section 10 says, without padding', () => {
    const vectors = { '': '', f: 'Zg', fo: 'Zm8', foo: 'Zm9v', foob: 'Zm9vYg', fooba: 'Zm9vYmE', foobar: 'Zm9vYmFy' }
    for (const [text, encoded] of Object.entries(vectors)) expect(base64url(utf8(text))).toBe(encoded)
    expect(base64url(new Uint8Array([0xfb, 0xff, 0xfe]))).toBe('-__-')
  })

  it('agrees with another implementation on any bytes, and reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = base64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(isBase64url(text)).toBe(true)
        expect(Array.from(fromBase64url(text) ?? [])).toEqual(Array.from(bytes))
      }),
    )
  })

  it('C01: accepts exactly one text for the same bytes: the unused bits of the last character must be zero', () => {
    for (const canonical of ['AA', 'AAA', base64url(new Uint8Array(32).fill(0x5a))]) {
      const bytes = Buffer.from(canonical, 'base64url')
      const accepted = Array.from(ALPHABET)
        .map((last) => canonical.slice(0, -1) + last)
        .filter((text) => Buffer.from(text, 'base64url').equals(bytes))
        .filter((text) => fromBase64url(text) !== undefined)
      expect(accepted).toEqual([canonical])
    }
  })

  it.each([
    'A',
    'AAAAA',
    'AA==',
    'AA=',
    '=',
    'A A',
    ' AA',
    'AA\n',
    '\nAA',
    'A+',
    'A/',
    'Aé',
    'A\u00a0',
    '\ud800',
    'AÅ',
  ])('takes %j for no base64url at all', (text) => {
    expect(isBase64url(text)).toBe(false)
    expect(fromBase64url(text)).toBeUndefined()
  })

  it('never throws, whatever text it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fromBase64url(text) === undefined).toBe(!isBase64url(text))
      }),
    )
  })
})

describe('hashes', () => {
  it('SHA-256 of UTF-8 text is what Node computes', async () => {
    expect(await sha256('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
    for (const text of ['', 'naïve', '日本語', '👩‍🚀', 'x'.repeat(10_000)]) {
      expect(await sha256(text)).toBe(createHash('sha256').update(text, 'utf8').digest('base64url'))
    }
  })

  it.each([1, 32, 64, 65, 500])('HMAC-SHA-256 under a key of %d bytes is what Node computes', async (length) => {
    const key = new Uint8Array(length).map((_, index) => index)
    const expected = createHmac('sha256', key).update('latchkey ✓', 'utf8').digest('base64url')
    expect(await (await hmacUnder(key))('latchkey ✓')).toBe(expected)
  })
})

describe('an HMAC key', () => {
  const key = new Uint8Array(32).fill(7)

  it('is used at once where the runtime lends node:crypto, and cannot be read back where it does not', async () => {
    const imported = vi.spyOn(crypto.subtle, 'importKey')
    const code = (await hmacUnder(key))('text')
    expect(typeof code).toBe(lent ? 'string' : 'object')
    expect(await code).toBe(createHmac('sha256', key).update('text').digest('base64url'))
    expect(imported.mock.calls.map(([, , , extractable]) => extractable)).toEqual(lent ? [] : [false])
  })
})

describe('random', () => {
  it('P20: comes from crypto.getRandomValues', () => {
    const spy = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      new Uint8Array((array as Uint8Array).buffer).fill(7)
      return array
    })
    expect(Array.from(randomBytes(4))).toEqual([7, 7, 7, 7])
    expect(spy).toHaveBeenCalledOnce()
  })

  it('P20: its failure is an error, never a weaker number', () => {
    const failure = new Error('no entropy')
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw failure
    })
    expect(() => randomBytes(32)).toThrow(failure)
  })
})

describe('constantTimeEqual', () => {
  it('P20: is equality, for texts of any lengths', () => {
    const near = fc.string({ unit: fc.constantFrom('a', 'b') })
    const equality = (a: string, b: string): void => void expect(constantTimeEqual(a, b)).toBe(a === b)
    fc.assert(fc.property(near, near, equality))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (a) => equality(a, `${a}`)))
  })

  it.each([
    ['', 'a'],
    ['a', ''],
    ['a', 'aa'],
    ['aa', 'a'],
    ['abab', 'ab'],
    ['a', '\u0161'],
    ['\u0100', '\u0000'],
  ])('tells %j from %j', (a, b) => {
    expect(constantTimeEqual(a, b)).toBe(false)
  })

  it('P20: looks at every character even when the first differs', () => {
    const seen: number[] = []
    const text = { length: 5, charCodeAt: (index: number) => (seen.push(index), 0) } as unknown as string
    constantTimeEqual(text, 'zzzzz')
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })
})
