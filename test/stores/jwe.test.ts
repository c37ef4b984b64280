import nodeCrypto from 'node:crypto'
import * as fc from 'fast-check'
import { compactDecrypt, CompactEncrypt } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { base64url, type Bytes } from '../../src/core/bytes.ts'
import type { Jwe } from '../../src/stores/jwe.ts'
import { countCrypto } from './sealed.ts'

const KEY: Bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const HEADER = { alg: 'dir', enc: 'A256GCM', kid: 'the-key' }

afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

/** The JWE of a runtime that lends this in the place of `node:crypto`. */
async function jweOf(lent: object | undefined): Promise<Jwe> {
  const real = process.getBuiltinModule.bind(process)
  const lending = (id: string): unknown => (id === 'node:crypto' ? lent : real(id))
  const spy = vi.spyOn(process, 'getBuiltinModule').mockImplementation(lending as never)
  vi.resetModules()
  const { jweUnder } = await import('../../src/stores/jwe.ts')
  const jwe = await jweUnder(KEY, HEADER.kid)
  spy.mockRestore()
  return jwe
}

const ENGINES = [
  ['what the runtime lends', nodeCrypto],
  ['jose', undefined],
] as const

const josesKey = (): Promise<CryptoKey> => crypto.subtle.importKey('raw', KEY, 'AES-GCM', false, ['encrypt', 'decrypt'])

async function josesText(jwe: string): Promise<string> {
  return new TextDecoder().decode((await compactDecrypt(jwe, await josesKey())).plaintext)
}

async function isRefused(jwe: Jwe, text: string): Promise<boolean> {
  try {
    await jwe.open(text)
    return false
  } catch {
    return true
  }
}

const texts = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ text })),
  fc.string({ unit: 'binary', maxLength: 3000 }).map((text) => text.toWellFormed()),
)

describe.each(ENGINES)('by %s', (_, lent) => {
  it('C15: `jose` opens what is sealed here, whatever it is, under the header that was asked for', async () => {
    const jwe = await jweOf(lent)
    const sealed = fc.asyncProperty(texts.filter(Boolean), async (text) => {
      const { plaintext, protectedHeader } = await compactDecrypt(await jwe.seal(text), await josesKey())
      expect([Buffer.from(plaintext).toString(), protectedHeader]).toEqual([text, HEADER])
    })
    await fc.assert(sealed)
  })

  it('C15: what `jose` sealed opens here, whatever it is, in the order of members that its header has', async () => {
    const jwe = await jweOf(lent)
    const { alg, enc, kid } = HEADER
    const opened = fc.asyncProperty(texts.filter(Boolean), fc.boolean(), async (text, other) => {
      const header = other ? { kid, enc, alg } : HEADER
      const seal = new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header)
      expect(await jwe.open(await seal.encrypt(KEY))).toBe(text)
    })
    await fc.assert(opened, { examples: [['\ufeff{}', false]] })
  })

  it('opens what the other engine sealed, and the other way round', async () => {
    const [one, other] = [await jweOf(lent), await jweOf(lent ? undefined : nodeCrypto)]
    expect(one.header).toBe(other.header)
    expect(await one.open(await other.seal('a record'))).toBe('a record')
    expect(await other.open(await one.seal('a record'))).toBe('a record')
  })

  it('C01: every change of one bit is refused, in the header, the nonce, the ciphertext and the tag', async () => {
    const jwe = await jweOf(lent)
    const parts = (await jwe.seal('{"id":"a record"}')).split('.')
    let changes = 0
    for (const at of [0, 2, 3, 4]) {
      const bytes = Buffer.from(parts[at] as string, 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Uint8Array.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
        if (!(await isRefused(jwe, parts.with(at, base64url(changed)).join('.')))) throw new Error(`${at}: ${bit}`)
        changes++
      }
    }
    expect(changes).toBeGreaterThan(8 * (40 + 12 + 17 + 15))
    expect(await jwe.open(parts.join('.'))).toBe('{"id":"a record"}')
  })

  it('a tag of any other length is refused, also one that AES-GCM itself would take', async () => {
    const jwe = await jweOf(lent)
    const parts = (await jwe.seal('text')).split('.')
    const tag = Buffer.from(parts[4] as string, 'base64url')
    for (const length of [0, 1, 4, 8, 12, 13, 14, 15]) {
      const shorter = parts.with(4, tag.subarray(0, length).toString('base64url')).join('.')
      expect(await isRefused(jwe, shorter), `${length} bytes`).toBe(true)
    }
    expect(await isRefused(jwe, parts.with(4, base64url(Uint8Array.from([...tag, 0]))).join('.'))).toBe(true)
  })

  it('P20: every nonce comes from crypto.getRandomValues, and its failure is an error', async () => {
    const jwe = await jweOf(lent)
    const counted = countCrypto()
    const nonces = new Set<string>()
    for (let n = 0; n < 100; n++) nonces.add((await jwe.seal('text')).split('.')[2] as string)
    expect([nonces.size, counted()['getRandomValues']]).toEqual([100, 100])
    const failure = new Error('no entropy')
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw failure
    })
    await expect((async () => jwe.seal('text'))()).rejects.toBe(failure)
  })
})

describe('which engine', () => {
  it('is what the runtime lends, at once, on Node: Web Crypto is not asked, neither to seal nor to open', async () => {
    const jwe = await jweOf(nodeCrypto)
    const subtle = (['encrypt', 'decrypt', 'importKey'] as const).map((name) => vi.spyOn(crypto.subtle, name))
    const sealed = jwe.seal('text')
    expect(jwe.open(sealed as string)).toBe('text')
    for (const spy of subtle) expect(spy).not.toHaveBeenCalled()
  })

  it('is `jose` where nothing is lent, with a key that cannot be read back', async () => {
    const imported = vi.spyOn(crypto.subtle, 'importKey')
    const lent = (['createCipheriv', 'createDecipheriv', 'createSecretKey'] as const).map((name) =>
      vi.spyOn(nodeCrypto, name),
    )
    const jwe = await jweOf(undefined)
    expect(await jwe.open(await jwe.seal('text'))).toBe('text')
    for (const spy of lent) expect(spy).not.toHaveBeenCalled()
    expect(imported.mock.calls.map(([, , , extractable]) => extractable)).toEqual([false])
  })

  const { createCipheriv, createDecipheriv } = nodeCrypto
  const never = (): never => {
    throw new Error('not implemented')
  }
  /** Node's own ciphers, with some members changed. */
  const changed = (members: object): object => {
    const like = (make: (...args: never[]) => object) =>
      function (...args: never[]): object {
        return Object.assign(make(...args), members)
      }
    return { ...nodeCrypto, createCipheriv: like(createCipheriv), createDecipheriv: like(createDecipheriv) }
  }

  it.each<[string, object]>([
    ['has only hashes', { hash: nodeCrypto.hash, createHmac: nodeCrypto.createHmac }],
    ['makes no keys', { ...nodeCrypto, createSecretKey: never }],
    ['cannot encrypt', { ...nodeCrypto, createCipheriv: never }],
    ['cannot decrypt', { ...nodeCrypto, createDecipheriv: never }],
    ['leaves out what is only authenticated', changed({ setAAD: () => undefined })],
    ['finds everything authentic', changed({ final: () => '' })],
    ['gives another tag', changed({ getAuthTag: () => new Uint8Array(16) })],
    ['does not encrypt', changed({ update: (text: string) => text })],
  ])('is `jose` with a runtime that %s', async (_what, lent) => {
    const jwe = await jweOf(lent)
    const counted = countCrypto()
    const sealed = jwe.seal('text')
    expect(sealed).toBeInstanceOf(Promise)
    expect(await josesText(await sealed)).toBe('text')
    expect(counted()).toMatchObject({ encrypt: 1, decrypt: 1 })
    const text = await sealed
    const other = text.at(-3) === 'A' ? 'B' : 'A'
    expect(await isRefused(jwe, text.slice(0, -3) + other + text.slice(-2))).toBe(true)
  })
})
