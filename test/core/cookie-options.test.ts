import { describe, expect, it } from 'vitest'
import { resolveCookie, type CookieSettings } from '../../src/core/cookie-options.ts'
import { isSecureRequest } from '../../src/core/cookie.ts'

const DAY = 86_400_000

function resolve(options: unknown): { settings: CookieSettings; problems: string[] } {
  const problems: string[] = []
  return { settings: resolveCookie(options, problems), problems }
}

function resolved(options?: unknown): CookieSettings {
  const { settings, problems } = resolve(options)
  expect(problems).toEqual([])
  return settings
}

describe('names', () => {
  it.each([
    [undefined, '__Host-session', 'session', 'session'],
    [{}, '__Host-session', 'session', 'session'],
    [{ secure: true }, '__Host-session', 'session', 'session'],
    [{ domain: 'example.com' }, '__Secure-session', 'session', 'session'],
    [{ path: '/app' }, '__Secure-session', 'session', 'session'],
    [{ name: 'sid' }, 'sid', 'sid', 'sid'],
    [{ name: '__Host-sid' }, '__Host-sid', '__Host-sid', 'sid'],
    [{ name: '__Secure-sid', domain: 'example.com' }, '__Secure-sid', '__Secure-sid', 'sid'],
    [{ name: '__hOsT-sid' }, '__hOsT-sid', '__hOsT-sid', 'sid'],
    [{ name: '__Hostsid' }, '__Hostsid', '__Hostsid', '__Hostsid'],
    [{ name: "!#$%&'*+-.^_`|~09AZaz" }, "!#$%&'*+-.^_`|~09AZaz", "!#$%&'*+-.^_`|~09AZaz", "!#$%&'*+-.^_`|~09AZaz"],
  ])('%j: %s over https, %s on loopback, %s in keys', (options, secureName, plainName, bareName) => {
    expect(resolved(options)).toMatchObject({ secureName, plainName, bareName })
  })
})

describe('C10: what would break out of a Set-Cookie header is refused at construction', () => {
  const hostile = [
    '',
    ' ',
    'a b',
    'a;b',
    'a;Secure',
    'a=b',
    'a,b',
    'a"b',
    'a\r\nSet-Cookie: evil=1',
    'a\n',
    '\na',
    'a\r',
    'a\0',
    'a\x1f',
    'a\x7f',
    'a\t',
    'ä',
    'a\u00a0',
    'a\u2028',
    '\u212a', // the Kelvin sign folds to k
    '\u017f', // the long s folds to s
    'ａ',
    '🍪',
    '\ud800',
    'a\udfff',
  ]

  it.each([...hostile, 'a/b', 'a(b)', 'a@b', 'a[b]', 'a{b}', 'a\\b', 'x'.repeat(201), 5, null, {}, ['sid']])(
    'a name like %j',
    (name) => {
      expect(resolve({ name }).problems).toEqual([expect.stringContaining('`cookie.name` is')])
    },
  )

  it.each([
    ...hostile,
    'a/b',
    'exa_mple.com',
    'example.com.',
    '-example.com',
    'example.com:80',
    'http://example.com',
    '*.example.com',
    'x'.repeat(300),
    5,
    null,
    {},
  ])('a domain like %j', (domain) => {
    expect(resolve({ domain }).problems).toEqual([expect.stringContaining('`cookie.domain` is')])
  })

  it.each([...hostile.filter((text) => !/^[ -~]*$/.test(text)).map((text) => `/${text}`), '/a;b', '/a; Secure'])(
    'a path like %j',
    (path) => {
      expect(resolve({ path }).problems).toEqual([expect.stringContaining('`cookie.path` is')])
    },
  )

  it.each(['', ' ', 'app', './', ' /', '\n/', '/x'.repeat(502), 5, null, {}, ['/']])('nor a path like %j', (path) => {
    expect(resolve({ path }).problems).toEqual([expect.stringContaining('`cookie.path` is')])
  })

  it.each(['example.com', '.example.com', 'a', 'xn--bcher-kva.example', '192.0.2.1', 'EXAMPLE.com'])(
    'while the domain %s is taken as it is',
    (domain) => {
      expect(resolved({ domain }).attributes).toContain(`; Domain=${domain};`)
    },
  )

  it('every attribute stays within the 1024 octets browsers accept', () => {
    expect(resolved({ path: `/${'x'.repeat(1_000)}` }).attributes.length).toBeLessThan(1_100)
    expect(resolve({ path: `/${'x'.repeat(1_001)}` }).problems).toHaveLength(1)
  })

  it('prints no value, and never a whole one of the wrong type', () => {
    const { problems } = resolve({
      name: 'CANARY 1',
      domain: 'CANARY 2',
      path: 'CANARY 3',
      sameSite: 'CANARY 4',
      secure: 'CANARY 5',
      httpOnly: 'CANARY 6',
      partitioned: 'CANARY 7',
      maxAge: 'CANARY 8',
      chunks: 'CANARY 9',
    })
    expect(problems).toHaveLength(9)
    expect(problems.join('\n')).not.toContain('CANARY')
  })
})

describe('the other attributes', () => {
  it.each([
    ['sameSite', ['Lax', 'LAX', 'Strict', '', 'none; Domain=evil', null, true, 5]],
    ['secure', ['true', 1, 0, null, {}]],
    ['httpOnly', ['false', 1, 0, null, {}]],
    ['partitioned', ['true', 1, 0, null, {}]],
    ['maxAge', [0, -1, NaN, Infinity, '', '5', 'forever', true, null, {}]],
    ['chunks', [0, 4, 1.5, -1, NaN, Infinity, '2', true, null, [2]]],
  ])('`%s` refuses what it does not know', (name, values) => {
    for (const value of values) {
      expect(resolve({ [name]: value }).problems).toEqual([expect.stringContaining(`\`cookie.${name}\` is`)])
    }
  })

  it('an unknown one is refused, with what there is', () => {
    expect(resolve({ expires: new Date(0) }).problems).toEqual([
      expect.stringMatching(/`cookie\.expires` is no option; there are name, domain, .*chunks/),
    ])
  })

  it.each([[5], [true], ['sid'], [null], [() => ({})], [['sid']], [[]]])(
    '%j in the place of all of them is refused, in one line',
    (options) => {
      expect(resolve(options).problems).toEqual([expect.stringMatching(/`cookie` is .*must be an object/)])
    },
  )

  it.each([
    [{}, '; Path=/; HttpOnly; SameSite=Lax'],
    [{ sameSite: 'strict' }, '; Path=/; HttpOnly; SameSite=Strict'],
    [{ sameSite: 'none' }, '; Path=/; HttpOnly; SameSite=None'],
    [{ httpOnly: false }, '; Path=/; SameSite=Lax'],
    [{ domain: 'example.com', path: '/app' }, '; Path=/app; Domain=example.com; HttpOnly; SameSite=Lax'],
  ])('%j is written %s', (options, attributes) => {
    expect(resolved(options).attributes).toBe(attributes)
  })

  it('Max-Age is bounded by 400 days unless the user bounds it closer', () => {
    expect(resolved().maxAge).toBe(400 * DAY)
    expect(resolved({ maxAge: '2h' }).maxAge).toBe(7_200_000)
    expect(resolved({ maxAge: false }).maxAge).toBe(false)
  })
})

describe('prefix rules: browsers drop what breaks them, in any spelling, so construction refuses it', () => {
  it.each([
    [{ name: '__Host-sid', secure: false }],
    [{ name: '__HOST-sid', secure: false }],
    [{ name: '__host-sid', domain: 'example.com' }],
    [{ name: '__Host-sid', path: '/app' }],
    [{ name: '__hOsT-sid', path: '/app' }],
    [{ name: '__Secure-sid', secure: false }],
    [{ name: '__SECURE-sid', secure: false }],
    [{ sameSite: 'none', secure: false }],
    [{ partitioned: true, secure: false }],
  ])('%j', (options) => {
    expect(resolve(options).problems).toHaveLength(1)
  })

  it.each([
    [{ name: '__Host-sid' }],
    [{ name: '__secure-sid' }],
    [{ name: '__Secure-sid', domain: 'example.com', path: '/app' }],
    [{ sameSite: 'none' }],
    [{ partitioned: true }],
  ])('%j is always Secure', (options) => {
    expect(resolved(options).secure).toBe(true)
  })
})

describe('isSecureRequest: only plain http on a loopback host goes without Secure', () => {
  const secure = (url: string, options?: object, trustProxy = false, headers: HeadersInit = {}): boolean =>
    isSecureRequest(new Request(url, { headers }), resolved(options), trustProxy)

  it.each([
    ['http://localhost/', false],
    ['http://localhost:8787/x?y#z', false],
    ['http://LOCALHOST/', false],
    ['http://app.localhost/', false],
    ['http://a.b.localhost:3000/', false],
    ['http://127.0.0.1/', false],
    ['http://127.0.0.1:8787/', false],
    ['http://127.1/', false], // another spelling of the same address
    ['http://2130706433/', false], // and another
    ['http://[::1]/', false],
    ['http://[::1]:8787/', false],
    ['http://[0:0:0:0:0:0:0:1]/', false],
    ['https://localhost/', true],
    ['https://127.0.0.1:8443/', true],
    ['https://example.com/', true],
    ['http://example.com/', true], // behind a TLS proxy
    ['http://localhost.example.com/', true],
    ['http://notlocalhost/', true],
    ['http://localhost-evil/', true],
    ['http://127.0.0.1.example.com/', true],
    ['http://1127.0.0.1.example/', true],
    ['http://0.0.0.0/', true],
    ['http://192.168.0.1/', true],
    ['http://[::]/', true],
    ['http://[::11]/', true],
    ['http://example.com/?http://localhost/', true],
    ['http://example.com/localhost', true],
    ['http://example.com/#http://127.0.0.1/', true],
  ])('%s: %s', (url, expected) => {
    expect(secure(url)).toBe(expected)
  })

  it.each([
    // secure option, url, expected
    [true, 'http://localhost/', true],
    [true, 'https://example.com/', true],
    [false, 'http://localhost/', false],
    [false, 'https://example.com/', false],
    [false, 'http://example.com/', false],
  ])('`secure: %s` decides for %s: %s', (option, url, expected) => {
    expect(secure(url, { secure: option })).toBe(expected)
    expect(secure(url, { secure: option }, true, { 'x-forwarded-proto': expected ? 'http' : 'https' })).toBe(expected)
  })

  it.each([
    // X-Forwarded-Proto, believed, expected on loopback
    ['https', true, true],
    ['HTTPS', true, true],
    [' https ', true, true],
    ['https, http', true, true],
    ['http, https', true, false],
    ['http', true, false],
    ['', true, false],
    ['httpsx', true, false],
    ['wss', true, false],
    [',https', true, false],
    ['https', false, false],
  ])('on loopback, X-Forwarded-Proto %j with trustProxy %s: %s', (proto, trustProxy, expected) => {
    expect(secure('http://localhost/', {}, trustProxy, { 'x-forwarded-proto': proto })).toBe(expected)
  })

  it('no header makes a cookie less than Secure on any other host', () => {
    for (const proto of ['http', 'http, http', 'ws', '']) {
      expect(secure('https://example.com/', {}, true, { 'x-forwarded-proto': proto })).toBe(true)
      expect(secure('http://example.com/', {}, true, { 'x-forwarded-proto': proto, host: 'localhost' })).toBe(true)
      expect(secure('https://localhost/', {}, true, { 'x-forwarded-proto': proto })).toBe(true)
    }
  })
})

describe('a name that only looks like a prefixed one', () => {
  it.each(['my__Host-sid', '-__Secure-sid', '_Host-sid', '__Hosted-sid'])(
    '%s is held to no rule of prefixes',
    (name) => {
      const problems: string[] = []
      const settings = resolveCookie({ name, domain: 'example.com', path: '/app', secure: false }, problems)
      expect(problems).toEqual([])
      expect(settings).toMatchObject({ secure: false, bareName: name })
    },
  )
})
