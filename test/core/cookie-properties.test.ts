import { SessionTooLargeError } from 'latchkey'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveCookie } from '../../src/core/cookie-options.ts'
import { clearCookie, COOKIE_LIMIT, isSetCookieFor, readChunks, writeCookie } from '../../src/core/cookie.ts'

const name = fc.string({
  unit: fc.constantFrom(..."abzAZ059!#$%&'*+-.^_`|~"),
  minLength: 1,
  maxLength: 12,
})
const options = fc.record(
  {
    path: fc.constantFrom('/', '/app', '/a b'),
    domain: fc.constantFrom('example.com', 'a.b.example'),
    sameSite: fc.constantFrom('strict', 'lax', 'none'),
    httpOnly: fc.boolean(),
    partitioned: fc.boolean(),
    chunks: fc.constantFrom(1, 2, 3),
    maxAge: fc.oneof(fc.constant(false), fc.integer({ min: 1, max: 1e12 })),
  },
  { requiredKeys: [], noNullPrototype: true },
)
// Lengths around the ends of one, two and three cookies are where mistakes are.
const length = fc.oneof(
  fc.integer({ min: 1, max: 12_300 }),
  fc.tuple(fc.constantFrom(4_096, 8_192, 12_288), fc.integer({ min: -60, max: 2 })).map(([end, off]) => end + off),
)

/** What a browser holds after these Set-Cookie headers. */
function jar(headers: readonly string[], before: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const kept = new Map(before)
  for (const text of headers) {
    const [, key = '', value = ''] = /^([^=]*)=([^;]*)/.exec(text) ?? []
    if (text.endsWith('Max-Age=0')) kept.delete(key)
    else kept.set(key, value)
  }
  return kept
}

/** What it sends, in an order of its own. */
function header(cookies: ReadonlyMap<string, string>): string {
  return Array.from(cookies, (pair) => pair.join('='))
    .toReversed()
    .join('; ')
}

const roomIn = (chunks: number, cookie: string): number =>
  chunks === 1 ? COOKIE_LIMIT - cookie.length : chunks * (COOKIE_LIMIT - cookie.length - 2)

describe('the cookie serialiser, for any options, name and value', () => {
  it('what is written is read back as it was, over whatever was there before', () => {
    fc.assert(
      fc.property(options, name, length, length, (given, cookie, now, then) => {
        const settings = resolveCookie({ ...given, name: cookie }, [])
        const room = roomIn(settings.chunks, cookie)
        fc.pre(now <= room && then <= room)
        const before = jar(writeCookie(settings, cookie, true, 'o'.repeat(then), 60_000, 0), new Map([['other', 'x']]))
        const { cookies } = readChunks(header(before), cookie, settings.chunks) ?? { cookies: 0 }
        const after = jar(writeCookie(settings, cookie, true, 'n'.repeat(now), 60_000, cookies), before)
        expect(
          readChunks(header(after), cookie, settings.chunks)?.value.replace(/^n+$/, (all) => `${all.length}`),
        ).toBe(`${now}`)
      }),
    )
  })

  it('P17, C08: what does not fit is an error, and one octet less is none', () => {
    fc.assert(
      fc.property(options, name, fc.nat(5_000), (given, cookie, more) => {
        const settings = resolveCookie({ ...given, name: cookie }, [])
        const room = roomIn(settings.chunks, cookie)
        const write = (size: number) => (): string[] => writeCookie(settings, cookie, true, 'v'.repeat(size), 60_000, 0)
        expect(write(room)).not.toThrow()
        expect(write(room + 1 + more)).toThrow(SessionTooLargeError)
      }),
    )
  })

  it('P17: every cookie is within 4096 octets, is for our name, and has each attribute once', () => {
    fc.assert(
      fc.property(options, name, length, fc.boolean(), (given, cookie, size, secure) => {
        const settings = resolveCookie({ ...given, name: cookie }, [])
        fc.pre(size <= roomIn(settings.chunks, cookie))
        const text = 'v'.repeat(size)
        for (const line of writeCookie(settings, cookie, secure, text, 60_000, 3)) {
          const [pair = '', ...attributes] = line.split('; ')
          expect(pair.length - 1).toBeLessThanOrEqual(COOKIE_LIMIT)
          expect(isSetCookieFor(line, cookie, 3)).toBe(true)
          const names = attributes.map((attribute) => attribute.split('=')[0])
          expect(new Set(names).size).toBe(names.length)
          expect(names.includes('Secure')).toBe(secure)
        }
      }),
    )
  })

  it('F14: clearing repeats what writing said, and leaves nothing behind', () => {
    fc.assert(
      fc.property(options, name, length, (given, cookie, size) => {
        const settings = resolveCookie({ ...given, name: cookie }, [])
        fc.pre(size <= roomIn(settings.chunks, cookie))
        const text = 'v'.repeat(size)
        const written = writeCookie(settings, cookie, true, text, undefined, 0)
        const cleared = clearCookie(settings, cookie, true, written.length)
        const attributes = (line: string | undefined): string[] | undefined => line?.split('; ').slice(1)
        for (const [index, line] of written.entries())
          expect(attributes(cleared[index])).toEqual([...(attributes(line) ?? []), 'Max-Age=0'])
        expect(jar([...written, ...cleared]).size).toBe(0)
      }),
    )
  })
})

describe('at the ends of a cookie', () => {
  it('P17: name and value of exactly 4096 octets are one cookie, which holds all of it, whatever `chunks` says', () => {
    for (const chunks of [1, 2, 3]) {
      const value = 'v'.repeat(COOKIE_LIMIT - 1)
      const headers = writeCookie(resolveCookie({ chunks }, []), 'n', true, value, 60_000, 0)
      expect(headers.map((line) => line.split(';')[0])).toEqual([`n=${value}`])
    }
  })

  it('only cookies that came are counted', () => {
    expect(readChunks('n=v', 'n', 3)).toEqual({ value: 'v', cookies: 1 })
    expect(readChunks('n=v; n.1=', 'n', 3)).toEqual({ value: 'v', cookies: 2 })
  })

  it('a full piece goes on, unless it is a whole seal: five segments, the last of 22 characters', () => {
    const full = (before: string, after: string): string =>
      `${before}${'c'.repeat(COOKIE_LIMIT - 3 - before.length - after.length)}${after}`
    const tag = 't'.repeat(22)
    for (const [piece, goesOn] of [
      [full('h..i.', `.${tag}`), false],
      [full('h..i.', `.${tag}t`), true],
      [full('h..i.x.', `.${tag}`), true],
      [full('h.i.', `.${tag}`), true],
    ] as const) {
      expect(readChunks(`n=${piece}; n.1=more`, 'n', 2)?.value === `${piece}more`).toBe(goesOn)
    }
  })
})
