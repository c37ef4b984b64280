import { createHash, createHmac } from 'node:crypto'
import { MemoryStore } from 'latchkey/stores/memory'
import { SessionManager, type SessionRecord } from 'latchkey'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createId, createSecret, isId, nextSecret, parseToken, verifierOf } from '../../src/core/token.ts'
import { countCrypto } from '../stores/sealed.ts'

const WORD = 'w'.repeat(43)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const SECRET = 'a secret of more than 32 bytes for tests'

/** A MemoryStore that counts how often it is asked for anything. */
class CountingStore extends MemoryStore {
  calls = 0
  override get(id: string): SessionRecord | undefined {
    this.calls++
    return super.get(id)
  }
}

afterEach(() => vi.restoreAllMocks())

describe('parseToken', () => {
  it.each([
    [`a.${WORD}`, { id: 'a', secret: WORD }],
    [`${'x'.repeat(128)}.${WORD}`, { id: 'x'.repeat(128), secret: WORD }],
    [`A-Z_09.${WORD}`, { id: 'A-Z_09', secret: WORD }],
  ])('takes %j apart', (text, parts) => {
    expect(parseToken(text, false)).toEqual(parts)
    expect(parseToken(`${text}.${WORD}`, true)).toEqual({ ...parts, signature: WORD })
  })

  it('an unsigned token is malformed where tokens are signed, and a signed one where they are not', () => {
    expect(parseToken(`a.${WORD}`, true)).toBeUndefined()
    expect(parseToken(`a.${WORD}.${WORD}`, false)).toBeUndefined()
  })

  it.each([
    '',
    '.',
    '..',
    '....',
    'a',
    `.${WORD}`,
    `a.${WORD.slice(1)}`,
    `a.${WORD}w`,
    `a.${WORD}.`,
    `.a.${WORD}`,
    `a..${WORD}`,
    `${'x'.repeat(129)}.${WORD}`,
    `a.${WORD}\n`,
    `\na.${WORD}`,
    ` a.${WORD}`,
    `a.${WORD} `,
    `"a.${WORD}"`,
    `a.${WORD.slice(1)}=`,
    `a.${WORD.slice(1)}+`,
    `a.${WORD.slice(1)}é`,
    `a.${WORD.slice(1)}\u00a0`,
    `a.${WORD.slice(2)}🔑`,
    `../x.${WORD}`,
    `a%2e${WORD}`,
    `a:b.${WORD}`,
    `a\0.${WORD}`,
    'x'.repeat(1_000_000),
    `${'.'.repeat(300)}`,
  ])('C07, C11: has no parts for %j (%#)', (text) => {
    expect(parseToken(text, false)).toBeUndefined()
    expect(parseToken(`${text}.${WORD}`, true)).toBeUndefined()
  })
})

describe('parseToken, for any parts', () => {
  const unit = fc.constantFrom(...ALPHABET)
  const id = fc.string({ unit, minLength: 1, maxLength: 128 })
  const word = fc.string({ unit, minLength: 43, maxLength: 43 })

  it('takes apart what was put together, signed or not, and only as what it is', () => {
    fc.assert(
      fc.property(id, word, fc.option(word, { nil: undefined }), (name, secret, signature) => {
        const text = signature === undefined ? `${name}.${secret}` : `${name}.${secret}.${signature}`
        expect(parseToken(text, signature !== undefined)).toEqual({ id: name, secret, signature })
        expect(parseToken(text, signature === undefined)).toBeUndefined()
        expect(isId(name)).toBe(true)
      }),
    )
  })

  it('C01, C07: what it takes apart is that text and no other, to the character; the rest is none of ours', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(id, word, word).map((parts) => parts.join('.')),
    )
    const near = fc
      .tuple(anything, fc.nat(300), fc.string({ unit: 'binary', maxLength: 1 }))
      .map(([text, at, one]) => [text.slice(0, at), one, text.slice(at + 1)].join(''))
    fc.assert(
      fc.property(fc.oneof(anything, near), fc.boolean(), (text, signed) => {
        const parts = parseToken(text, signed)
        const again = parts && [parts.id, parts.secret, ...(signed ? [parts.signature] : [])].join('.')
        expect([undefined, text]).toContain(again)
        expect(parts === undefined || (isId(parts.id) && /^[A-Za-z0-9_.-]+$/.test(text))).toBe(true)
      }),
    )
  })
})

describe('nextSecret', () => {
  it('P7: follows from the secret before and the nonce together, and from neither alone', async () => {
    const [secret, handover] = [createSecret(), createSecret()]
    const next = await nextSecret(secret, handover)
    expect(parseToken(`a.${next}`, false)?.secret).toBe(next)
    expect(await nextSecret(secret, handover)).toBe(next)
    const others = [
      await nextSecret(secret, createSecret()),
      await nextSecret(createSecret(), handover),
      await nextSecret(await verifierOf(secret), handover),
    ]
    expect(new Set([secret, handover, next, ...others]).size).toBe(6)
  })

  it('is the HMAC under the secret of the purpose and the nonce', async () => {
    const expected = createHmac('sha256', WORD).update('latchkey/1 next nonce').digest('base64url')
    expect(await nextSecret(WORD, 'nonce')).toBe(expected)
  })
})

describe('isId', () => {
  it.each(['a', '0', '-', '_', 'x'.repeat(128)])('%j can be an id', (id) => {
    expect(isId(id)).toBe(true)
  })

  it.each(['', ' ', 'a ', 'a\n', 'a.b', 'a/b', 'x'.repeat(129), 'ä', '\u212a', 5, null, undefined, {}, ['a']])(
    'S10, S11: %j cannot',
    (id) => {
      expect(isId(id)).toBe(false)
    },
  )
})

describe('C12: randomness', () => {
  it('20,000 tokens hold no id and no secret twice', () => {
    const parts = new Set<string>()
    for (let index = 0; index < 20_000; index++) {
      parts.add(createId())
      parts.add(createSecret())
    }
    expect(parts.size).toBe(40_000)
  })

  it('an id has 128 random bits and a secret 256, and together they are a token', () => {
    expect(Buffer.from(createId(), 'base64url')).toHaveLength(16)
    expect(Buffer.from(createSecret(), 'base64url')).toHaveLength(32)
    expect(parseToken(`${createId()}.${createSecret()}`, false)).toBeDefined()
  })

  it('every bit of a secret is drawn: over 2,000 of them none is stuck', () => {
    const [ones, zeros] = [Buffer.alloc(32), Buffer.alloc(32)]
    for (let index = 0; index < 2_000; index++) {
      for (const [at, byte] of Buffer.from(createSecret(), 'base64url').entries()) {
        ones.writeUInt8(ones.readUInt8(at) | byte, at)
        zeros.writeUInt8(zeros.readUInt8(at) | (~byte & 0xff), at)
      }
    }
    expect([...ones, ...zeros].every((byte) => byte === 0xff)).toBe(true)
  })

  it('P20: a random source that throws is an error for every call that would need it, and nothing is stored', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager<{ n?: number }>({ store })
    const token = await sessions.createSession({ n: 1 })
    const row = (): SessionRecord | undefined => store.get(token.split('.')[0] ?? '')
    const before = row()

    const failure = new Error('no entropy')
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw failure
    })
    await expect(sessions.createSession()).rejects.toBe(failure)
    await expect(sessions.regenerateSession(token)).rejects.toBe(failure)
    const session = await sessions.load(new Request('https://example.com/'))
    session.data.n = 2
    await expect(session.save()).rejects.toBe(failure)
    await expect(session.csrfToken()).rejects.toBe(failure)
    await expect(sessions.commit(session, new Response())).rejects.toBe(failure)
    expect([store.length(), row()]).toEqual([1, before])
  })
})

describe('verifierOf', () => {
  it('is the SHA-256 of the 43 characters, so the store never holds the secret', async () => {
    expect(await verifierOf(WORD)).toBe(createHash('sha256').update(WORD).digest('base64url'))
    expect(await verifierOf(createSecret())).toMatch(/^[\w-]{43}$/)
  })
})

describe('C01: a signed token', () => {
  const store = new CountingStore()
  const rejected: (string | undefined)[] = []
  const sessions = new SessionManager({
    store,
    secret: SECRET,
    on: { rejected: ({ reason }) => rejected.push(reason) },
  })

  it('is rejected with any single character changed, left out, doubled or put in, and never reaches the store', async () => {
    const token = await sessions.createSession({ n: 1 })
    expect(await sessions.findSession(token)).toBeDefined()
    const variants = new Set<string>()
    for (let at = 0; at <= token.length; at++) {
      const [before, char, after] = [token.slice(0, at), token[at] ?? '', token.slice(at + 1)]
      for (const other of `${ALPHABET}.=~ "é`) variants.add(before + other + after).add(before + other + char + after)
      variants.add(before + after).add(before + char + char + after)
    }
    variants.delete(token)
    expect(variants.size).toBeGreaterThan(10_000)

    store.calls = rejected.length = 0
    for (const variant of variants) {
      if (await sessions.findSession(variant)) throw new Error(`accepted with a change`)
    }
    expect(store.calls).toBe(0)
    expect(new Set(rejected)).toEqual(new Set(['malformed', 'signature']))
    expect(rejected).toHaveLength(variants.size)
  })

  it('is rejected when only the unused bits of its last base64url character differ', async () => {
    const token = await sessions.createSession({ n: 1 })
    const bytes = (text: string): Buffer => Buffer.from(text.slice(-43), 'base64url')
    const twins = Array.from(ALPHABET, (last) => token.slice(0, -1) + last).filter(
      (twin) => twin !== token && bytes(twin).equals(bytes(token)),
    )
    expect(twins).toHaveLength(3)
    store.calls = 0
    for (const twin of twins) expect(await sessions.findSession(twin)).toBeUndefined()
    expect(store.calls).toBe(0)
  })

  it('is rejected when only the unused bits of the last character of its secret differ, signed or not', async () => {
    const unsigned = new SessionManager({ store })
    for (const manager of [sessions, unsigned]) {
      const [id = '', secret = '', ...signature] = (await manager.createSession()).split('.')
      const bytes = Buffer.from(secret, 'base64url')
      const twins = Array.from(ALPHABET, (last) => secret.slice(0, -1) + last).filter(
        (twin) => twin !== secret && Buffer.from(twin, 'base64url').equals(bytes),
      )
      expect(twins).toHaveLength(3)
      for (const twin of twins) expect(await manager.findSession([id, twin, ...signature].join('.'))).toBeUndefined()
    }
  })

  it('is rejected when the parts of two valid ones are mixed', async () => {
    const [a, b] = [(await sessions.createSession()).split('.'), (await sessions.createSession()).split('.')]
    store.calls = 0
    for (const mix of [1, 2, 3, 4, 5, 6]) {
      const parts = [0, 1, 2].map((part) => (mix & (1 << part) ? a : b)[part])
      expect(await sessions.findSession(parts.join('.'))).toBeUndefined()
    }
    expect(store.calls).toBe(0)
  })

  it('cannot be cut at another place: the signature covers where the id ends', async () => {
    const manager = new SessionManager({ store, secret: SECRET, genid: () => 'abc' })
    const token = await manager.createSession()
    store.calls = 0
    expect(await manager.findSession(token.replace('abc.', 'ab.c'))).toBeUndefined()
    expect(await manager.findSession(token.replace('abc.', 'a.bc'))).toBeUndefined()
    expect(store.calls).toBe(0)
  })
})

describe('C07: what cannot be ours is rejected before any cryptography', () => {
  it.each([
    ['five empty segments', '....'],
    ['a JWE', `eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..${'A'.repeat(16)}.${'B'.repeat(100)}.${'C'.repeat(22)}`],
    ['a JWT with alg none', `eyJhbGciOiJub25lIn0.${WORD}.`],
    ['an unsigned token', `abc.${WORD}`],
    ['a truncated one', `abc.${WORD}.${WORD.slice(1)}`],
    ['a huge one', `abc.${'w'.repeat(1_000_000)}.${WORD}`],
    ['a huge number of segments', 'a.'.repeat(100_000)],
    ['an id of another alphabet', `a/b.${WORD}.${WORD}`],
  ])('%s', async (_what, token) => {
    const store = new CountingStore()
    const sessions = new SessionManager({ store, secret: SECRET })
    const counted = countCrypto()
    expect(await sessions.findSession(token)).toBeUndefined()
    expect(counted()).toEqual({})
    expect(store.calls).toBe(0)
  })

  it('also what is no text', async () => {
    const sessions = new SessionManager({ store: new CountingStore(), secret: SECRET })
    for (const token of [undefined, null, 5, {}, [], true]) {
      expect(await sessions.findSession(token as never)).toBeUndefined()
      expect(await sessions.removeSession(token as never)).toBe(false)
    }
  })
})
