import { generateSecret, SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { parseSecrets } from '../../src/core/keys.ts'

afterEach(() => vi.restoreAllMocks())

describe('generateSecret', () => {
  it('is 256 bits of crypto.getRandomValues as 43 characters of base64url', () => {
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      new Uint8Array((array as Uint8Array).buffer).set(Array.from({ length: 32 }, (_, index) => 255 - index))
      return array
    })
    const secret = generateSecret()
    expect(Buffer.from(secret, 'base64url')).toEqual(Buffer.from(Array.from({ length: 32 }, (_, n) => 255 - n)))
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(random).toHaveBeenCalledTimes(1)
    expectTypeOf(generateSecret).returns.toBeString()
  })

  it('C12: never gives the same one twice, and every bit of it is drawn', () => {
    const secrets = Array.from({ length: 10_000 }, generateSecret)
    expect(new Set(secrets).size).toBe(10_000)
    const bytes = secrets.map((secret) => Buffer.from(secret, 'base64url'))
    const ever = Array.from({ length: 32 }, (_, at) => bytes.reduce((seen, all) => seen | (all[at] as number), 0))
    const always = Array.from({ length: 32 }, (_, at) => bytes.reduce((seen, all) => seen & (all[at] as number), 255))
    expect([new Set(ever), new Set(always)]).toEqual([new Set([255]), new Set([0])])
  })

  it('P20, C12: a random source that fails is the caller’s error, and no weaker secret', () => {
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw new Error('no entropy')
    })
    expect(generateSecret).toThrow('no entropy')
  })

  it('C14: is long enough wherever a secret is asked for', async () => {
    const secret = generateSecret()
    expect(parseSecrets(secret)).toHaveLength(1)
    const store = new EncryptedStore(new MemoryStore(), { secret: [secret, generateSecret()] })
    const sessions = new SessionManager({ secret, store })
    expect(await sessions.retrieveSession(await sessions.createSession({ n: 1 }))).toEqual({ n: 1 })
    const sealed = new SessionManager({ store: new CookieStore({ secret }) })
    expect(await sealed.retrieveSession(await sealed.createSession({ n: 1 }))).toEqual({ n: 1 })
  })
})
