import { hkdfSync } from 'node:crypto'
import { SessionConfigError, SessionManager } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { utf8, type Bytes } from '../../src/core/bytes.ts'
import { deriveKey, keysOf, parseSecrets, SECRET_BYTES, Signer } from '../../src/core/keys.ts'

const OLD = 'the old secret, of more than 32 bytes'
const NEW = 'the new secret, of more than 32 bytes'
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('deriveKey', () => {
  it.each([256, 512])('is HKDF-SHA-256 as Node computes it, %d bits', async (bits) => {
    const node = hkdfSync('sha256', utf8(OLD), new Uint8Array(0), 'latchkey/1 seal session', bits / 8)
    expect(hex(await deriveKey(utf8(OLD), 'seal', 'session', bits))).toBe(hex(new Uint8Array(node)))
  })

  it('C02: every purpose, cookie name and secret has a key of its own', async () => {
    const keys = new Set<string>()
    for (const secret of [OLD, NEW]) {
      for (const purpose of ['sign', 'seal', 'kid'] as const) {
        for (const name of ['session', 'admin', '', ' ', 'session ']) {
          keys.add(hex(await deriveKey(utf8(secret), purpose, name)))
        }
      }
    }
    expect(keys.size).toBe(2 * 3 * 5)
  })
})

describe('keysOf', () => {
  it('derives once per name, for all that ask meanwhile, and answers at once from then on', async () => {
    const asked: string[] = []
    const keys = keysOf([utf8(OLD), utf8(NEW)], async (secret, name) => `${asked.push(name)} ${name} ${secret.length}`)
    const [one, two] = [keys('a'), keys('a')]
    expect(await one).toEqual(await two)
    expect(keys('a')).toEqual(['1 a 37', '2 a 37'])
    expect(keys('b')).toBeInstanceOf(Promise)
    expect(asked).toEqual(['a', 'a', 'b', 'b'])
  })

  it('tries a derivation that failed again', async () => {
    const failure = new Error('no crypto')
    let fails = true
    const keys = keysOf([utf8(OLD)], async () => {
      if (fails) throw failure
      return 'key'
    })
    await expect(keys('a')).rejects.toBe(failure)
    fails = false
    expect(await keys('a')).toEqual(['key'])
  })
})

describe('Signer', () => {
  const signer = (name: string, ...secrets: string[]): Signer => new Signer(secrets.map(utf8), name)

  it('signs with 43 characters, and verifies what it signed', async () => {
    const signature = await signer('session', OLD).sign('id.secret')
    expect(signature).toMatch(/^[\w-]{43}$/)
    expect(await signer('session', OLD).verify('id.secret', signature)).toBe(true)
    expect(await signer('session', OLD).verify('id.secreT', signature)).toBe(false)
    expect(await signer('session', OLD).verify('id.secret', '')).toBe(false)
    expect(await signer('session', OLD).verify('id.secret', `${signature}=`)).toBe(false)
  })

  it('C02: refuses a signature made for another cookie name', async () => {
    const signature = await signer('session', OLD).sign('id.secret')
    expect(await signer('admin', OLD).verify('id.secret', signature)).toBe(false)
  })

  it('C04: an older secret verifies, the first signs, and a removed one is rejected', async () => {
    const signature = await signer('session', OLD).sign('id.secret')
    expect(await signer('session', NEW, OLD).verify('id.secret', signature)).toBe(true)
    expect(await signer('session', NEW, NEW, OLD).verify('id.secret', signature)).toBe(true)
    expect(await signer('session', NEW).verify('id.secret', signature)).toBe(false)
    expect(await signer('session', NEW, OLD).sign('id.secret')).toBe(await signer('session', NEW).sign('id.secret'))
  })
})

describe('a manager with secrets', () => {
  const store = new MemoryStore()
  const manager = (secret: string | string[], cookie = {}): SessionManager =>
    new SessionManager({ store, secret, cookie })

  it('C04: rotates its secret without signing anybody out, until the old one is removed', async () => {
    const token = await manager(OLD).createSession({ n: 1 })
    expect(await manager([NEW, OLD]).retrieveSession(token)).toEqual({ n: 1 })
    expect(await manager(NEW).findSession(token)).toBeUndefined()

    const renewed = await manager([NEW, OLD]).regenerateSession(token)
    expect(await manager(NEW).retrieveSession(renewed)).toEqual({ n: 1 })
    expect(await manager(OLD).findSession(renewed)).toBeUndefined()
  })

  it('C02: refuses a token that was signed for another cookie', async () => {
    const token = await manager(OLD, { name: 'a' }).createSession()
    expect(await manager(OLD, { name: 'a' }).findSession(token)).toBeDefined()
    expect(await manager(OLD, { name: 'b' }).findSession(token)).toBeUndefined()
    expect(await manager(OLD).findSession(token)).toBeUndefined()
  })

  it('the same cookie on loopback and over https has the same key', async () => {
    const sessions = manager(OLD)
    const token = await sessions.createSession({ n: 1 })
    for (const [url, name] of [
      ['http://localhost/', 'session'],
      ['https://example.com/', '__Host-session'],
    ] as const) {
      const session = await sessions.load(new Request(url, { headers: { cookie: `${name}=${token}` } }))
      expect(session.isNew).toBe(false)
    }
  })

  it('a signed token is refused without the secret, and an unsigned one with it', async () => {
    const signed = await manager(OLD).createSession()
    const unsigned = await new SessionManager({ store }).createSession()
    expect(await new SessionManager({ store }).findSession(signed)).toBeUndefined()
    expect(await manager(OLD).findSession(unsigned)).toBeUndefined()
  })
})

describe('C14: secrets', () => {
  const bytesOf = (value: unknown): Bytes[] => {
    const secrets = parseSecrets(value)
    if (typeof secrets === 'string') throw new Error(secrets)
    return secrets
  }

  it('may be text or bytes of at least 32 bytes, or a list of both', () => {
    expect(bytesOf('x'.repeat(32))).toEqual([utf8('x'.repeat(32))])
    expect(bytesOf(new Uint8Array(32).fill(3))).toEqual([new Uint8Array(32).fill(3)])
    expect(bytesOf(Buffer.alloc(40, 7))[0]).toEqual(new Uint8Array(40).fill(7))
    expect(bytesOf([OLD, new Uint8Array(32)])).toHaveLength(2)
  })

  it('bytes are copied: changing them afterwards changes no key', () => {
    const mine = new Uint8Array(32).fill(1)
    const [kept] = bytesOf(mine)
    mine.fill(2)
    expect(kept).toEqual(new Uint8Array(32).fill(1))
  })

  it('a view into a larger buffer counts and keeps its own bytes only', () => {
    const whole = new Uint8Array(64).map((_, index) => index)
    expect(bytesOf(whole.subarray(8, 40))[0]).toEqual(Uint8Array.from({ length: 32 }, (_, index) => index + 8))
    expect(parseSecrets(whole.subarray(0, 31))).toContain('has 31 bytes')
  })

  it('non-Latin text counts in UTF-8 and keeps all its bits', async () => {
    expect(bytesOf('ключ'.repeat(4))[0]).toHaveLength(32)
    expect(parseSecrets('ключ'.repeat(3))).toContain('has 24 bytes')
    // The two have the same low bytes, so a lossy conversion to Latin-1 would make one key of them.
    const [a, b] = ['\u0141'.repeat(32), '\u0241'.repeat(32)]
    const text = 'id.secret'
    const signature = await new Signer(bytesOf(a), 's').sign(text)
    expect(await new Signer(bytesOf(a), 's').verify(text, signature)).toBe(true)
    expect(await new Signer(bytesOf(b), 's').verify(text, signature)).toBe(false)
    expect(await new Signer(bytesOf('A'.repeat(32)), 's').verify(text, signature)).toBe(false)
  })

  it('text that UTF-8 cannot hold is refused, since it would lose bits: its halves of pairs all become one character', () => {
    expect(parseSecrets('\ud800'.repeat(32))).toBeTypeOf('string')
    expect(parseSecrets(`${OLD}\udc00`)).toBeTypeOf('string')
  })

  it.each([
    ['undefined', undefined, /`secret` is there but undefined \(is SESSION_SECRET set\?\)/],
    ['null', null, /`secret` is null/],
    ['empty text', '', /`secret` has 0 bytes/],
    ['31 bytes of text', 'x'.repeat(31), /`secret` has 31 bytes/],
    ['31 bytes', new Uint8Array(31), /`secret` has 31 bytes/],
    ['no bytes', new Uint8Array(0), /`secret` has 0 bytes/],
    ['a number', 12_345, /`secret` is a number/],
    ['an ArrayBuffer', new ArrayBuffer(32), /`secret` is an object/],
    ['a list of numbers', [1, 2, 3], /`secret\[0\]` is a number/],
    ['an empty list', [], /`secret` is an empty list/],
    ['a list with a missing variable', [OLD, undefined], /`secret\[1\]` is undefined \(is the variable set\?\)/],
    ['a list with a short one', [OLD, NEW, 'short'], /`secret\[2\]` has 5 bytes/],
    ['a list in a list', [[OLD]], /`secret\[0\]` is an object/],
  ])('%s is refused: what is wrong, what is allowed, and a command that makes a good one', (_what, value, message) => {
    const problem = parseSecrets(value)
    expect(problem).toMatch(message)
    expect(problem).toContain(`at least ${SECRET_BYTES} bytes`)
    expect(problem).toContain('npx latchkey secret')
    const options = { secret: value } as { secret: string }
    expect(() => new SessionManager(options)).toThrow(SessionConfigError)
  })

  it('P13: no message holds any of a secret', () => {
    for (const value of ['CANARY', ['CANARY'], [OLD, 'CANARY'], new TextEncoder().encode('CANARY')]) {
      expect(parseSecrets(value)).not.toMatch(/CANARY|old secret/)
    }
  })
})
