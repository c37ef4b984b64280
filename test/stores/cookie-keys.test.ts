import { inspect } from 'node:util'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { SessionConfigError, SessionExpiredError, SessionNotFoundError } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  countCrypto,
  DAY,
  derive,
  headerOf,
  HOUR,
  kid,
  OLDER,
  opens,
  record,
  seal,
  SealedApp,
  SECRET,
  START,
} from './sealed.ts'

const HEADER = { alg: 'dir', enc: 'A256GCM', kid: kid(SECRET) }

afterEach(() => vi.restoreAllMocks())

describe('keys', () => {
  const both = [SECRET, OLDER]

  it('C04: an older key still opens; a read leaves the cookie, and the next write re-seals with the first key', async () => {
    const before = new SealedApp({ secret: OLDER })
    await before.visit((session) => session.set('n', 1))
    const old = before.token()
    expect(headerOf(old)).toEqual({ ...HEADER, kid: kid(OLDER) })

    const rolled = new SealedApp({ secret: both })
    rolled.plant(old)
    expect(await rolled.see((session) => session.data['n'])).toBe(1)
    expect(rolled.token()).toBe(old)
    await rolled.visit((session) => session.set('n', 2))
    expect(headerOf(rolled.token())).toEqual(HEADER)
    expect(await opens(new SealedApp(), rolled.token())).toEqual({ n: 2 })
  })

  it('C04: what a removed key sealed is rejected, and the cookie is left alone', async () => {
    const app = new SealedApp()
    const token = await new SealedApp({ secret: OLDER }).sessions.createSession({ n: 1 })
    app.plant(token)
    const response = await app.visit((session) => expect(session.isNew).toBe(true))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(app.takeEvents()).toEqual(['rejected: key'])
    expect(app.token()).toBe(token)
  })

  it('C04: the key id alone picks the key: a seal of the older key under the first key id is not tried with another', async () => {
    const app = new SealedApp({ secret: both })
    await opens(app, seal('{}'))
    const crypto = countCrypto()
    const crossed = seal(JSON.stringify(record()), { key: derive(OLDER, 'seal') })
    expect(await opens(app, crossed)).toBe('rejected: signature')
    expect(crypto()).toEqual({ decrypt: 1 })
  })

  it('derives its keys once, not at construction and not per request', async () => {
    const crypto = countCrypto()
    const app = new SealedApp({ secret: both })
    expect(crypto()).toEqual({})
    await app.sessions.createSession({ n: 1 })
    const { importKey } = crypto()
    for (let n = 0; n < 5; n++) await app.visit((session) => session.set('n', n))
    expect(crypto()['importKey']).toBe(importKey)
  })

  it('C14: a missing, short or empty secret is a SessionConfigError that says what to do and not what it was', () => {
    const wrong = [
      undefined,
      null,
      '',
      'short',
      'x'.repeat(31),
      new Uint8Array(31),
      [],
      [SECRET, 'short'],
      [undefined],
      5,
      {},
    ]
    for (const secret of wrong) {
      const make = (): unknown => new CookieStore({ secret } as never)
      expect(make).toThrow(SessionConfigError)
      expect(make).toThrow(/at least 32 bytes.*npx latchkey secret/s)
      expect(make).not.toThrow(/short|xxx/)
    }
    expect(() => new CookieStore({ secret: undefined })).toThrow('is SESSION_SECRET set?')
    expect(() => new CookieStore(undefined as never)).toThrow(SessionConfigError)
    expect(() => new CookieStore({ secret: [SECRET, 'short'] })).toThrow('secret[1]')
  })

  it('an option of another name is refused: `revocation` would be no revocations at all', () => {
    const options = { secret: SECRET, revocation: new MemoryStore() }
    expect(() => new CookieStore(options)).toThrow(/`revocation` is no option; there are secret, revocations\./)
    expect(() => new CookieStore(SECRET as never)).toThrow(/options are a string.*an object with `secret`/)
  })

  it('C14: text counts in UTF-8 and keeps all its bits, and bytes are copied', async () => {
    expect(() => new CookieStore({ secret: 'ж'.repeat(16) })).not.toThrow()
    // U+0436 and U+0136 are the same in their low bytes.
    const [one, two] = ['ж', 'Ķ'].map((char) => new SealedApp({ secret: char.repeat(32) })) as [SealedApp, SealedApp]
    expect(await opens(two, await one.sessions.createSession({ n: 1 }))).toBe('rejected: key')

    const bytes = new TextEncoder().encode(SECRET)
    const app = new SealedApp({ secret: bytes })
    bytes.fill(0)
    expect(await opens(new SealedApp(), await app.sessions.createSession({ n: 1 }))).toEqual({ n: 1 })
  })

  it('P13: no secret and no key is in what the store prints', async () => {
    const store = new CookieStore({ secret: SECRET })
    await store.seal(record(), { name: 'session' })
    const printed = inspect(store, { showHidden: true, depth: 9 }) + JSON.stringify(store)
    expect(printed).not.toContain(SECRET)
    expect(printed).not.toContain(derive(SECRET, 'seal').toString('base64url'))
  })
})

describe('time', () => {
  it('C05, P9: a seal is good to the millisecond before it expires, then a new session, not an error', async () => {
    const app = new SealedApp({ ttl: '1h' })
    await app.visit((session) => session.set('n', 1))
    const token = app.token()
    app.clock.now += HOUR - 1
    expect(await app.see((session) => session.data['n'])).toBe(1)
    app.clock.now += 1
    app.takeEvents()
    const response = await app.visit((session) => expect(session.data).toEqual({}))
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(app.takeEvents()).toEqual(['expired'])
    await expect(app.sessions.retrieveSession(token)).rejects.toThrow(SessionExpiredError)
    await expect(app.sessions.retrieveSession(`${token}x`)).rejects.toThrow(SessionNotFoundError)
  })

  it('P9: the hard end is judged by the server too, whatever the seal says of its sliding end', async () => {
    const app = new SealedApp()
    const token = seal(JSON.stringify({ ...record(), expiresAt: START + 99 * DAY }))
    app.clock.now = START + 30 * DAY - 1
    expect(await opens(app, token)).toEqual({})
    app.clock.now += 1
    expect(await opens(app, token)).toBe('expired')
  })
})

describe('any JOSE library', () => {
  it('C15: opens our cookie with the derived key, and finds the whole record in it', async () => {
    const app = new SealedApp()
    await app.visit((session) => {
      session.subject = 'u_42'
      session.data['cart'] = ['apples']
    })
    const { plaintext, protectedHeader } = await compactDecrypt(app.token(), derive(SECRET, 'seal'))
    expect(protectedHeader).toEqual(HEADER)
    const inside = JSON.parse(new TextDecoder().decode(plaintext))
    expect(inside).toMatchObject({ subject: 'u_42', version: 1, createdAt: START, expiresAt: START + DAY })
    expect(JSON.parse(inside.data)).toEqual({ cart: ['apples'] })
  })

  it('C15: its seal opens here, in whatever order its header names the members', async () => {
    const app = new SealedApp()
    const { alg, enc } = HEADER
    for (const protectedHeader of [HEADER, { kid: HEADER.kid, enc, alg }, { enc, kid: HEADER.kid, alg }]) {
      const token = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(record({ from: 'jose' }))))
        .setProtectedHeader(protectedHeader)
        .encrypt(derive(SECRET, 'seal'))
      app.plant(token)
      expect(await app.see((session) => [session.id, session.data])).toEqual(['a-public-id', { from: 'jose' }])
    }
  })
})
