import { describe, expect, it } from 'vitest'
import { resolveCookie } from '../../src/core/cookie-options.ts'
import { carriedBy, type Carried, type Transport } from '../../src/core/transport.ts'

function carried(
  headers: HeadersInit,
  transports: readonly [Transport, ...Transport[]] = ['cookie'],
  url = 'https://example.com/',
  options: object = {},
  trustProxy = false,
): Carried[] {
  const problems: string[] = []
  return carriedBy(new Request(url, { headers }), { transports, cookie: resolveCookie(options, problems), trustProxy })
}

const tokens = (...args: Parameters<typeof carried>): unknown[] => carried(...args).map(({ token }) => token)

describe('cookie', () => {
  it('reads the cookie of the request', () => {
    expect(carried({ cookie: 'a=1; __Host-session=tok' })).toEqual([
      { token: 'tok', transport: 'cookie', cookieName: '__Host-session', secure: true, cookies: 1 },
    ])
  })

  it('reads only the name of the current scheme: a cookie planted over http is not seen over https', () => {
    const both = { cookie: 'session=planted; __Host-session=ours; __Secure-session=other' }
    expect(tokens(both)).toEqual(['ours'])
    expect(tokens(both, ['cookie'], 'http://localhost/')).toEqual(['planted'])
    expect(tokens({ cookie: 'session=planted' })).toEqual([undefined])
    expect(tokens({ cookie: '__Host-session=ours' }, ['cookie'], 'http://localhost/')).toEqual([undefined])
  })

  it('a trusted proxy that speaks https on loopback is the https scheme', () => {
    const headers = { cookie: 'session=planted; __Host-session=ours', 'x-forwarded-proto': 'https' }
    expect(tokens(headers, ['cookie'], 'http://localhost/', {}, true)).toEqual(['ours'])
    expect(tokens(headers, ['cookie'], 'http://localhost/', {}, false)).toEqual(['planted'])
  })

  it('an empty cookie is no token, and still one to clear', () => {
    expect(carried({ cookie: '__Host-session=' })[0]).toMatchObject({ token: undefined, cookies: 1 })
  })

  it('without one, it says how the answer would be sent', () => {
    expect(carried({}, ['cookie'], 'http://127.0.0.1:80/')).toEqual([
      { token: undefined, transport: 'cookie', cookieName: 'session', secure: false, cookies: 0 },
    ])
  })

  it('F22: a credential in a header is ignored unless asked for', () => {
    expect(tokens({ authorization: 'Bearer tok' })).toEqual([undefined])
  })
})

describe('bearer', () => {
  it.each([
    ['Bearer tok', 'tok'],
    ['bearer tok', 'tok'],
    ['BEARER tok', 'tok'],
    ['Bearer    tok', 'tok'],
    ['Bearer tok   ', 'tok'],
    ['Bearer a.b.c', 'a.b.c'],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['Bearertok', undefined],
    ['Bearer\ttok', undefined],
    ['Bearer tok tok', undefined],
    ['Bearer a, Bearer b', undefined],
    ['Basic dXNlcjpwYXNz', undefined],
    ['xBearer tok', undefined],
    ['Token tok', undefined],
    ['tok', undefined],
    ['', undefined],
  ])('reads Authorization %j as %j', (authorization, token) => {
    expect(tokens({ authorization }, ['bearer'])).toEqual([token])
  })

  it('sets no cookie and reads none', () => {
    expect(carried({ authorization: 'Bearer tok', cookie: '__Host-session=other' }, ['bearer'])).toEqual([
      { token: 'tok', transport: 'bearer', cookieName: '', secure: true, cookies: 0 },
    ])
  })
})

describe('a list of transports', () => {
  const headers = { authorization: 'Bearer b', cookie: '__Host-session=c' }

  it('is asked in its order', () => {
    expect(tokens(headers, ['bearer', 'cookie'])).toEqual(['b', 'c'])
    expect(tokens(headers, ['cookie', 'bearer'])).toEqual(['c', 'b'])
  })

  it('keeps a place for what a request does not carry, so that the last one answers', () => {
    expect(carried({ cookie: '__Host-session=c' }, ['cookie', 'bearer']).map(({ transport }) => transport)).toEqual([
      'cookie',
      'bearer',
    ])
  })
})
