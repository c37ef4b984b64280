/** What a runtime lends is used once it has shown to be right; some have functions that throw, or are not there. */
import nodeCrypto from 'node:crypto'
import { afterEach, expect, it, vi } from 'vitest'
import type * as BytesModule from '../../src/core/bytes.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

async function bytesWhere(lent: object | undefined): Promise<typeof BytesModule> {
  const real = process.getBuiltinModule.bind(process)
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((id: string) =>
    id === 'node:crypto' ? lent : real(id)) as never)
  vi.resetModules()
  return import('../../src/core/bytes.ts')
}

const never = (): never => {
  throw new Error('not implemented')
}
const KEY: BytesModule.Bytes = Uint8Array.from({ length: 32 }, (_, index) => index)
const TEXT = 'an id.and a secret, ü€😀'
const HASH = nodeCrypto.createHash('sha256').update(TEXT).digest('base64url')
const HMAC = nodeCrypto.createHmac('sha256', KEY).update(TEXT).digest('base64url')

it.each<[string, object | undefined, asked: { digest: number; sign: number }]>([
  ['lends all of it', nodeCrypto, { digest: 0, sign: 0 }],
  ['lends nothing', undefined, { digest: 1, sign: 1 }],
  ['has functions that throw', { hash: never, createHmac: never, createSecretKey: never }, { digest: 1, sign: 1 }],
  ['has no keys', { ...nodeCrypto, createSecretKey: never }, { digest: 1, sign: 1 }],
  ['hashes something else', { ...nodeCrypto, hash: () => 'x'.repeat(43) }, { digest: 1, sign: 1 }],
  [
    'signs something else',
    { ...nodeCrypto, createHmac: () => ({ update: () => ({ digest: () => 'x'.repeat(43) }) }) },
    { digest: 1, sign: 1 },
  ],
])('where the runtime %s, hashes and signatures are the same', async (_what, lent, asked) => {
  const { sha256, hmacUnder } = await bytesWhere(lent)
  const [digest, sign] = [vi.spyOn(crypto.subtle, 'digest'), vi.spyOn(crypto.subtle, 'sign')]
  expect(await sha256(TEXT)).toBe(HASH)
  expect(await (await hmacUnder(KEY))(TEXT)).toBe(HMAC)
  expect({ digest: digest.mock.calls.length, sign: sign.mock.calls.length }).toEqual(asked)
})

it.each([
  ['no `process`', undefined],
  ['a `process` that lends nothing', {}],
])('in a runtime with %s, hashes and signatures are the same', async (_what, process) => {
  vi.resetModules()
  vi.stubGlobal('process', process)
  const { sha256, hmacUnder } = await import('../../src/core/bytes.ts').finally(() => vi.unstubAllGlobals())
  expect(await sha256(TEXT)).toBe(HASH)
  expect(await (await hmacUnder(KEY))(TEXT)).toBe(HMAC)
})
