import { SessionTooLargeError } from 'latchkey'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveCookie, type CookieSettings } from '../../src/core/cookie-options.ts'
import {
  checkCookieSize,
  clearCookie,
  COOKIE_LIMIT,
  isSetCookieFor,
  readChunks,
  readCookie,
  writeCookie,
} from '../../src/core/cookie.ts'

const DAY = 86_400_000

function settings(options: object = {}): CookieSettings {
  const problems: string[] = []
  const resolved = resolveCookie(options, problems)
  expect(problems).toEqual([])
  return resolved
}

/** The Cookie header a browser sends after these Set-Cookie headers. */
function jar(headers: readonly string[], before: Record<string, string> = {}): string {
  const cookies = new Map(Object.entries(before))
  for (const header of headers) {
    const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(header) ?? []
    if (header.includes('Max-Age=0')) cookies.delete(name)
    else cookies.set(name, value)
  }
  return Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ')
}

describe('readCookie finds our cookie exactly, or none', () => {
  it.each([
    ['session=tok', 'tok'],
    ['a=1; session=tok; b=2', 'tok'],
    ['a=1;session=tok;b=2', 'tok'],
    ['  session=tok  ', 'tok'],
    ['a=1;\t session=tok\t;b', 'tok'],
    ['session= tok ', 'tok'],
    ['session=', ''],
    ['session=;', ''],
    [';;; ;session=tok', 'tok'],
    ['session=a=b==', 'a=b=='],
    ['session=session=tok', 'session=tok'],
    // duplicates: the first
    ['session=one; session=two', 'one'],
    ['session=; session=two', ''],
    // quotes are part of the value, and hide no semicolon
    ['session="tok"', '"tok"'],
    ['session="to;k"', '"to'],
    ['a="; session=tok', 'tok'],
    ['a="x; session=tok; y"; b', 'tok'],
  ])('C09: %j: %j', (header, value) => {
    expect(readCookie(header, 'session')).toBe(value)
  })

  it.each([
    '',
    'session',
    'session;',
    'session =tok',
    'session\t=tok',
    'Session=tok',
    'SESSION=tok',
    'xsession=tok',
    'x-session=tok',
    'x.session=tok',
    '$session=tok',
    'session2=tok',
    'session.1=tok',
    'sessio\u006e\u0301=tok',
    '__Host-session=tok',
    // nameless cookies, which some parsers read as name and value
    '=session=tok',
    '==session=tok',
    'a=1; =session=tok',
    // only spaces and tabs are trimmed
    '\u00a0session=tok',
    'session\u00a0=tok',
    '\u2000session=tok',
    '\ufeffsession=tok',
    '\u3000session=tok',
    '\u000bsession=tok',
    '\u000csession=tok',
    '\u0085session=tok',
    '\u2028session=tok',
    '\0session=tok',
    // what is not a semicolon separates nothing
    'a=1, session=tok',
    'a=1 session=tok',
    'a=1\nsession=tok',
    'a=1\r\nCookie: session=tok',
    'a=1&session=tok',
    'a=1%3B session=tok',
    'a=session=tok',
    'a="session=tok"',
    '"session=tok"',
    '"session"=tok',
  ])('C09: %j holds none', (header) => {
    expect(readCookie(header, 'session')).toBeUndefined()
  })

  it('C09: whitespace of other kinds around a value belongs to the value', () => {
    for (const space of ['\u00a0', '\u2000', '\u000b', '\u000c', '\ufeff']) {
      expect(readCookie(`session=${space}tok${space}`, 'session')).toBe(`${space}tok${space}`)
    }
  })

  it('C09: a prefixed name is told from one in another case', () => {
    const header = '__HOST-session=a; __host-session=b; __Host-Session=c; __Host-session=ours'
    expect(readCookie(header, '__Host-session')).toBe('ours')
    expect(readCookie(header.replace('; __Host-session=ours', ''), '__Host-session')).toBeUndefined()
  })

  it('C09: one among 10,000 cookies is found, and the absence of one noticed', () => {
    const others = Array.from({ length: 10_000 }, (_, index) => `xsession=${index}`)
    expect(readCookie(others.join('; '), 'session')).toBeUndefined()
    others.splice(9_000, 0, 'session=tok')
    expect(readCookie(others.join('; '), 'session')).toBe('tok')
    expect(readCookie('session='.repeat(10_000), 'session')).toBe('session='.repeat(9_999))
  })

  it('C07: a long run of spaces inside a value costs one pass, not one for each space', { timeout: 1_000 }, () => {
    const value = `a${' '.repeat(40_000)}b`
    expect(readCookie(`session=${value}`, 'session')).toBe(value)
  })

  it('C09: it agrees with a plain split by semicolons on any header, and never throws', () => {
    const plain = (header: string, name: string): string | undefined => {
      for (const pair of header.split(';')) {
        const at = pair.indexOf('=')
        if (at >= 0 && pair.slice(0, at).replace(/^[ \t]*/, '') === name) {
          return pair
            .slice(at + 1)
            .replace(/^[ \t]*/, '')
            .replace(/[ \t]*$/, '')
        }
      }
      return undefined
    }
    const part = fc.constantFrom(
      's',
      's=',
      's.1=',
      '=',
      ';',
      ' ',
      '\t',
      '"',
      'x',
      ',',
      '\u00a0',
      '\u2000',
      '\ud800',
      'S',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        expect(readCookie(parts.join(''), 's')).toBe(plain(parts.join(''), 's'))
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('writeCookie', () => {
  const write = (options: object, lifetime: number | undefined, secure = true): string | undefined =>
    writeCookie(settings(options), 'n', secure, 'v', lifetime, 0)[0]

  it('writes every attribute', () => {
    const all = { domain: 'example.com', path: '/app', sameSite: 'none', partitioned: true }
    expect(write(all, 60_000)).toBe(
      'n=v; Path=/app; Domain=example.com; HttpOnly; SameSite=None; Secure; Partitioned; Max-Age=60',
    )
    expect(write({}, 60_000)).toBe('n=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60')
    expect(write({}, 60_000, false)).toBe('n=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60')
  })

  it.each([
    [60_000, 60],
    [60_001, 61],
    [59_999.5, 60],
    [0.25, 1],
    [1, 1],
    [0, 0],
    [-1, 0],
    [-0.5, 0],
    [-1e9, 0],
    [1e21, 34_560_000],
    [Infinity, 34_560_000],
    [400 * DAY, 34_560_000],
    [400 * DAY - 1_000, 34_559_999],
    [400 * DAY + 1, 34_560_000],
  ])('for %d ms, Max-Age is the whole number %d, of 400 days at most', (lifetime, seconds) => {
    expect(write({}, lifetime)).toMatch(new RegExp(`; Max-Age=${seconds}$`))
  })

  it('`maxAge` bounds it closer, and cannot raise it', () => {
    expect(write({ maxAge: '1h' }, DAY)).toContain('; Max-Age=3600')
    expect(write({ maxAge: '1h' }, 60_000)).toContain('; Max-Age=60')
    expect(write({ maxAge: '2y' }, Infinity)).toContain('; Max-Age=34560000')
    expect(write({ maxAge: 1_500 }, DAY)).toContain('; Max-Age=2')
  })

  it('without a lifetime, or with `maxAge: false`, it ends with the browser', () => {
    expect(write({}, undefined)).not.toContain('Max-Age')
    expect(write({ maxAge: false }, DAY)).not.toContain('Max-Age')
  })
})

describe('clearCookie', () => {
  it('F14: repeats Path, Domain, Secure, HttpOnly, SameSite and Partitioned of the cookie it clears', () => {
    for (const options of [
      {},
      { path: '/app' },
      { domain: 'example.com', path: '/a', sameSite: 'none', partitioned: true },
      { httpOnly: false, sameSite: 'strict' },
    ]) {
      for (const secure of [true, false]) {
        const [set] = writeCookie(settings(options), 'n', secure, 'v', undefined, 0)
        expect(clearCookie(settings(options), 'n', secure, 1)).toEqual([`${set?.replace('n=v', 'n=')}; Max-Age=0`])
      }
    }
  })

  it('F14: clears as many cookies as came, and none when none came', () => {
    expect(clearCookie(settings(), 'n', true, 0)).toEqual([])
    expect(clearCookie(settings(), 'n', true, 3).map((header) => header.split('=')[0])).toEqual(['n', 'n.1', 'n.2'])
  })
})

describe('size', () => {
  const name = '__Host-session'
  const fits = (length: number, chunks: number): boolean => {
    try {
      writeCookie(settings({ chunks }), name, true, 'x'.repeat(length), undefined, 0)
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(SessionTooLargeError)
      return false
    }
  }
  const room = COOKIE_LIMIT - name.length

  it('C08, P17: name plus value may take 4096 octets, and not one more', () => {
    expect([fits(room - 1, 1), fits(room, 1), fits(room + 1, 1)]).toEqual([true, true, false])
  })

  it.each([2, 3])('C08, P17: %d chunks hold that many cookies of 4096 octets at most, names included', (chunks) => {
    const most = chunks * (room - 2)
    expect([fits(most, chunks), fits(most + 1, chunks)]).toEqual([true, false])
    for (const header of writeCookie(settings({ chunks }), name, true, 'x'.repeat(most), undefined, 0)) {
      expect((header.split(';')[0]?.length ?? 0) - 1).toBeLessThanOrEqual(COOKIE_LIMIT)
    }
  })

  it.each([1, 2, 3])('P17: with %d chunks the error says more bytes than its limit, whatever the size', (chunks) => {
    const contradictions: string[] = []
    for (let length = room - 10; length < 3.2 * COOKIE_LIMIT; length += 1) {
      let told = { bytes: Infinity, limit: 0 }
      try {
        checkCookieSize(settings({ chunks }), name, 'x'.repeat(length))
      } catch (error) {
        told = error as SessionTooLargeError
      }
      if (told.bytes <= told.limit) contradictions.push(`${told.bytes} bytes where ${told.limit} fit`)
    }
    expect(contradictions).toEqual([])
  })

  it('P17: the error gives advice that can be followed', () => {
    const advice = (chunks: number): string => {
      try {
        checkCookieSize(settings({ chunks }), name, 'x'.repeat(20_000))
      } catch (error) {
        return (error as Error).message
      }
      return ''
    }
    expect(advice(1)).toContain('allow more `cookie.chunks`')
    expect(advice(3)).not.toContain('allow more')
  })
})

describe('chunks', () => {
  const name = 'session'
  const size = COOKIE_LIMIT - name.length - 2
  const three = settings({ name, chunks: 3 })
  const read = (header: string, chunks = 3): unknown => readChunks(header, name, chunks)

  it('a value comes back from the browser as it was written, at every length around a boundary', () => {
    for (const middle of [1, size, size + 2, 2 * size, 3 * size]) {
      for (let length = Math.max(1, middle - 3); length <= Math.min(3 * size, middle + 3); length++) {
        const value = `${'v'.repeat(length - 1)}!`
        const headers = writeCookie(three, name, true, value, undefined, 0)
        expect(read(jar(headers)), `${length}`).toMatchObject({ value })
      }
    }
  })

  it('leftovers of a longer predecessor are cleared, each with its attributes', () => {
    const headers = writeCookie(three, name, true, 'short', 60_000, 3)
    expect(headers).toEqual([
      'session=short; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60',
      'session.1=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0',
      'session.2=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0',
    ])
  })

  it('a leftover that was not cleared is counted and never read, at every length around a boundary', () => {
    for (const length of [5, size - 1, size, size + 1, size + 2, 2 * size - 1, 2 * size]) {
      // A seal says by its form where it ends: four dots, and 22 characters after the last.
      const value = length < 100 ? 'v'.repeat(length) : `h..iv.${'v'.repeat(length - 29)}.${'t'.repeat(22)}`
      const leftovers = { 'session.1': 'old', 'session.2': 'old' }
      const header = jar(writeCookie(three, name, true, value, undefined, 0), leftovers)
      const found = readChunks(header, name, 3)
      expect([found?.value.length, found?.cookies], `a value of ${length}`).toEqual([length, 3])
    }
  })

  it('by default there is one cookie, and pieces are not read', () => {
    expect(read(`session=${'v'.repeat(size)}; session.1=x`, 1)).toEqual({ value: 'v'.repeat(size), cookies: 1 })
  })

  it('counts up to the last cookie there is, an empty one too, so that no more are cleared', () => {
    expect(read('session=a')).toEqual({ value: 'a', cookies: 1 })
    expect(read('session=a; session.1=')).toEqual({ value: 'a', cookies: 2 })
  })

  it('without the first piece there is nothing', () => {
    expect(read('session.1=x; session.2=y')).toBeUndefined()
  })

  it('a missing piece in the middle ends the value', () => {
    const full = 'v'.repeat(size)
    expect(read(`session=${full}; session.2=y`)).toEqual({ value: full, cookies: 3 })
  })

  it('pieces are read in their order, not in the order they come in', () => {
    const [a, b] = ['a'.repeat(size), 'b'.repeat(size)]
    expect(read(`session.2=c; session.1=${b}; session=${a}`)).toEqual({ value: `${a}${b}c`, cookies: 3 })
  })
})

describe('isSetCookieFor', () => {
  it.each([
    ['session=a; Path=/', true],
    ['session=', true],
    [' session =a', true],
    ['session.1=a', true],
    ['session.2=a', true],
    ['session.3=a', false],
    ['xsession=a', false],
    ['sessionx=a', false],
    ['Session=a', false],
    ['=session=a', false],
    ['a=session=b', false],
    ['session', false],
    ['', false],
  ])('P16: %j: %s', (header, ours) => {
    expect(isSetCookieFor(header, 'session', 3)).toBe(ours)
  })
})
