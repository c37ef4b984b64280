import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { countCrypto, derive, headerOf, kid, opens, record, seal, SealedApp, SECRET } from './sealed.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const HEADER = { alg: 'dir', enc: 'A256GCM', kid: kid(SECRET) }

afterEach(() => vi.restoreAllMocks())

describe('a change of a sealed token', () => {
  it('C01: every single-character change is rejected, at every position', async () => {
    const app = new SealedApp()
    const token = await app.sessions.createSession({ cart: ['apples'] })
    expect(await opens(app, token)).toEqual({ cart: ['apples'] })
    for (let at = 0; at < token.length; at++) {
      const place = ALPHABET.indexOf(token[at] as string)
      const others = [place ^ 1, place ^ 32, place + 7].map((index) => ALPHABET[index % 64] as string)
      for (const char of ['.', '=', ...others]) {
        if (char === token[at]) continue
        const changed = token.slice(0, at) + char + token.slice(at + 1)
        expect(await app.sessions.findSession(changed), `${char} at ${at}`).toBeUndefined()
      }
      const shorter = token.slice(0, at) + token.slice(at + 1)
      expect(await app.sessions.findSession(shorter), `without ${at}`).toBeUndefined()
    }
  })

  it('C01: so is one that only touches the unused bits of the last base64url character of a segment', async () => {
    const app = new SealedApp()
    let sameBytes = 0
    for (const pad of ['', 'x', 'xx']) {
      const token = await app.sessions.createSession({ pad })
      const segments = token.split('.')
      for (const [index, segment] of segments.entries()) {
        if (segment === '') continue
        const bytes = Buffer.from(segment, 'base64url')
        for (const char of ALPHABET) {
          const changed = segment.slice(0, -1) + char
          if (changed === segment) continue
          sameBytes += Number(Buffer.from(changed, 'base64url').equals(bytes))
          const other = segments.with(index, changed).join('.')
          expect(await app.sessions.findSession(other), `segment ${index} ending in ${char}`).toBeUndefined()
        }
      }
    }
    expect(sameBytes, 'other spellings of the very same bytes').toBeGreaterThan(3 * 15)
  })

  it('C01: padding, line breaks, spaces, percent signs and the alphabet of plain base64 are other text', async () => {
    const app = new SealedApp()
    const token = await app.sessions.createSession({ cart: [] })
    const variants = [`${token}=`, `${token}==`, `${token}\n`, ` ${token}`, `%${token}`, `"${token}"`, `${token}.`]
    for (const changed of [...variants, token.replaceAll('-', '+').replaceAll('_', '/').concat('/')]) {
      expect(await opens(app, changed)).toBe('rejected: malformed')
    }
  })

  it('no two seals of one record share a nonce (ASVS 11.3.4)', async () => {
    const app = new SealedApp()
    const tokens = await Promise.all(Array.from({ length: 500 }, () => app.sessions.createSession({ cart: [] })))
    expect(new Set(tokens.map((token) => token.split('.')[2])).size).toBe(500)
  })

  it('C01: pieces of two tokens of ours do not make a third', async () => {
    const app = new SealedApp()
    const [one, two] = await Promise.all([1, 2].map((n) => app.sessions.createSession({ n })))
    for (const index of [2, 3, 4]) {
      const mixed = (one as string).split('.').with(index, (two as string).split('.')[index] as string)
      expect(await opens(app, mixed.join('.'))).toBe('rejected: signature')
    }
  })
})

describe('a seal for something else', () => {
  it('C02: one for another cookie name is rejected, under its own key id and under ours', async () => {
    const [app, other] = [new SealedApp(), new SealedApp({ cookie: { name: '__Host-admin' } })]
    const token = await other.sessions.createSession({ admin: true })
    expect(headerOf(token)).toMatchObject({ kid: kid(SECRET, 'admin') })
    expect(await opens(other, token)).toEqual({ admin: true })
    const byHand = { header: { ...HEADER, kid: kid(SECRET, 'admin') }, key: derive(SECRET, 'seal', 'admin') }
    expect(await opens(other, seal(JSON.stringify(record({ admin: true })), byHand))).toEqual({ admin: true })
    expect(await opens(app, token)).toBe('rejected: key')
    const renamed = seal(JSON.stringify(record({ admin: true })), { key: derive(SECRET, 'seal', 'admin') })
    expect(await opens(app, renamed)).toBe('rejected: signature')
  })

  it('C02: the prefix is no part of the name: a session survives the move from http to https', async () => {
    const [plain, secure] = [
      new SealedApp({ cookie: { name: 'sid' } }),
      new SealedApp({ cookie: { name: '__Host-sid' } }),
    ]
    expect(await opens(secure, await plain.sessions.createSession({ n: 1 }))).toEqual({ n: 1 })
  })

  it.each(['sign', 'kid', 'cache', ''])(
    'C02: one made with the key for the purpose "%s" is rejected',
    async (purpose) => {
      const app = new SealedApp()
      expect(await opens(app, seal(JSON.stringify(record()), { key: derive(SECRET, purpose) }))).toBe(
        'rejected: signature',
      )
    },
  )

  it('C03: a failed open falls back to no other decoder: not to plain JSON, base64, a bare record or a signed token', async () => {
    const app = new SealedApp()
    const text = JSON.stringify(record({ admin: true }))
    const encoded = Buffer.from(text).toString('base64url')
    const jwt = [{ alg: 'none' }, record()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const signed = await new SessionManager({ secret: SECRET }).createSession({ admin: true })
    const tokens = [text, encoded, encodeURIComponent(text), `s:${encoded}`, `${jwt.join('.')}.`, signed]
    for (const token of [...tokens, `a-public-id.${'v'.repeat(43)}`]) {
      expect(await opens(app, token)).toBe('rejected: malformed')
    }
  })

  it('C03: what a holder of the key sealed and is no record is a new session, not an error', async () => {
    const app = new SealedApp()
    const wrong = [
      { ...record(), id: 5 },
      { ...record(), endsAt: '2031' },
      { ...record(), expiresAt: null },
    ]
    const texts = ['', 'null', '[]', '{}', '"text"', '{', '\u{0}', ...wrong.map((one) => JSON.stringify(one))]
    for (const text of texts.filter(Boolean)) {
      app.plant(seal(text))
      expect((await app.visit((session) => expect(session.isNew).toBe(true))).status).toBe(200)
    }
    expect(await opens(app, seal(JSON.stringify({ ...record(), data: '{not json' })))).toBe('rejected: schema')
  })
})

describe('what could not be ours costs nothing', () => {
  const text = JSON.stringify(record({ admin: true }))
  const header = (more: object): string => seal(text, { header: { ...HEADER, ...more } })
  const [ours = '', , iv = '', ciphertext = '', tag = ''] = seal(text).split('.')

  it('the seals made by hand here open, so that what follows is refused for what it changes', async () => {
    expect(await opens(new SealedApp(), seal(text))).toEqual({ admin: true })
  })

  it.each([
    ['empty', ''],
    ['four dots', '....'],
    ['no dot', 'x'.repeat(400)],
    ['no header', ['', '', iv, ciphertext, tag].join('.')],
    ['four segments', [ours, '', iv, ciphertext].join('.')],
    ['six segments', [ours, '', iv, ciphertext, tag, ''].join('.')],
    ['an encrypted key', [ours, 'AAAA', iv, ciphertext, tag].join('.')],
    ['no initialization vector', [ours, '', '', ciphertext, tag].join('.')],
    ['a long initialization vector', [ours, '', iv + iv, ciphertext, tag].join('.')],
    ['no ciphertext', [ours, '', iv, '', tag].join('.')],
    ['no tag', [ours, '', iv, ciphertext, ''].join('.')],
    ['a truncated tag', [ours, '', iv, ciphertext, tag.slice(0, 16)].join('.')],
    ['cut in the middle', seal(text).slice(0, 200)],
    ['huge', seal(text + ' '.repeat(1_000_000))],
    ['a huge header', header({ kid: 'x'.repeat(1000) })],
    ['thousands of dots', '.'.repeat(12_000)],
    ['another alphabet', [ours, '', iv, `${ciphertext}+/`, tag].join('.')],
  ])('C07: %s → malformed, without a single call to Web Crypto', async (_, token) => {
    const app = new SealedApp()
    const crypto = countCrypto()
    expect(await opens(app, token)).toBe('rejected: malformed')
    expect(crypto()).toEqual({})
  })

  it.each([
    ['alg', header({ alg: 'A256GCMKW' })],
    ['alg none', header({ alg: 'none' })],
    ['alg in another case', header({ alg: 'DIR' })],
    ['alg PBES2 with a huge count', header({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, p2s: 'AAAA' })],
    [
      'enc A128GCM',
      seal(text, {
        header: { ...HEADER, enc: 'A128GCM' },
        key: derive(SECRET, 'seal').subarray(16),
        cipher: 'aes-128-gcm',
      }),
    ],
    ['enc A256CBC-HS512', header({ enc: 'A256CBC-HS512' })],
    ['zip', header({ zip: 'DEF' })],
    ['crit', header({ crit: ['exp'], exp: 1 })],
    ['an empty crit', header({ crit: [] })],
    ['typ', header({ typ: 'JWE' })],
    ['jwk', header({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['jku', header({ jku: 'https://evil.example' })],
    ['__proto__', seal(text, { header: `{"alg":"dir","enc":"A256GCM","kid":"${kid(SECRET)}","__proto__":{}}` })],
    ['another kid', header({ kid: kid('x'.repeat(32)) })],
    ['a kid of another type', header({ kid: [kid(SECRET)] })],
    ['no kid', header({ kid: undefined })],
    ['no alg', header({ alg: undefined })],
    ['null', seal(text, { header: 'null' })],
    ['a list', seal(text, { header: '[]' })],
    ['no JSON', seal(text, { header: '{{{{' })],
  ])('C07: a header with %s → rejected, without a single call to Web Crypto', async (_, token) => {
    const app = new SealedApp()
    await app.sessions.createSession()
    const crypto = countCrypto()
    expect(await opens(app, token)).toBe('rejected: key')
    expect(crypto()).toEqual({})
  })

  it('C07: a well-formed forgery under our key id costs one decryption', async () => {
    const app = new SealedApp()
    await app.sessions.createSession()
    const crypto = countCrypto()
    expect(await opens(app, [ours, '', iv, ciphertext, 'A'.repeat(22)].join('.'))).toBe('rejected: signature')
    expect(crypto()).toEqual({ decrypt: 1 })
  })
})

describe('what a seal opens to', () => {
  it('P19: is its own each time, however deep, also where it was opened before', async () => {
    const store = new CookieStore({ secret: SECRET })
    const sealed = { ...record({ n: 1 }), info: { device: 'a phone' } }
    const token = seal(JSON.stringify(sealed))
    for (let times = 0; times < 3; times++) {
      const opened = await store.open(token, { name: 'session' })
      expect(opened).toEqual(sealed)
      Object.assign(opened?.info ?? {}, { device: 'another' })
    }
  })
})
