/** The seal in workerd, by what it lends where it does, beside `jose` in the same process. */
import { compactDecrypt, CompactEncrypt } from 'jose'
import { describe, expect, it } from 'vitest'
import { base64url, fromBase64url, hmacUnder, lent, utf8, type Bytes } from '../../src/core/bytes.ts'
import { jweUnder } from '../../src/stores/jwe.ts'

const KEY: Bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const TEXT = JSON.stringify({ id: 'a record', data: 'ü€😀'.repeat(100) })

describe('a seal in workerd', () => {
  it('is made by what the runtime lends, at once', async () => {
    expect(lent).toBeDefined()
    expect(typeof (await jweUnder(KEY, 'kid')).seal(TEXT)).toBe('string')
    expect(typeof (await hmacUnder(KEY))('text')).toBe('string')
  })

  it('C15: is opened by `jose`, and what `jose` sealed is opened', async () => {
    const jwe = await jweUnder(KEY, 'kid')
    const { plaintext, protectedHeader } = await compactDecrypt(await jwe.seal(TEXT), KEY)
    expect(new TextDecoder().decode(plaintext)).toBe(TEXT)
    expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'kid' })
    const seal = new CompactEncrypt(utf8(TEXT)).setProtectedHeader(protectedHeader)
    expect(await jwe.open(await seal.encrypt(KEY))).toBe(TEXT)
  })

  it('C01: is refused with any bit changed', async () => {
    const jwe = await jweUnder(KEY, 'kid')
    const parts = (await jwe.seal('a record')).split('.')
    for (const at of [0, 2, 3, 4]) {
      const bytes = fromBase64url(parts[at] as string) as Bytes
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Uint8Array.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
        const opened = (async () => jwe.open(parts.with(at, base64url(changed)).join('.')))()
        const isOpen = await opened.then(
          () => true,
          () => false,
        )
        expect(isOpen, `${at}: ${bit}`).toBe(false)
      }
    }
  })

  it('an HMAC is what Web Crypto computes', async () => {
    const key = await crypto.subtle.importKey('raw', KEY, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const expected = base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8('latchkey ✓'))))
    expect(await (await hmacUnder(KEY))('latchkey ✓')).toBe(expected)
  })
})
