/**
 * The floors of a sealed cookie: JWE compact (`dir`, `A256GCM`) with a key that was imported once, by `jose`, by Web Crypto alone,
 * and by the synchronous `node:crypto`. All three make and open the same bytes.
 */
import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'
import { SECRET, type Contestant, type Data } from '../contestant.ts'
import { byHand, type Keeping } from './by-hand.ts'

const RAW = new TextEncoder().encode(SECRET).slice(0, 32)
const HEADER = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM' })).toString('base64url')
const AAD = new TextEncoder().encode(HEADER)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface Sealer {
  seal: (text: string) => Promise<string> | string
  /** Throws when it is not ours. */
  open: (token: string) => Promise<string> | string
}

function keeping({ seal, open }: Sealer): Keeping {
  const keep = (data: Data): Promise<string> | string => seal(JSON.stringify(data))
  return {
    find: async (token) => {
      try {
        return JSON.parse(await open(token)) as Data
      } catch {
        return undefined
      }
    },
    create: keep,
    update: (_token, data) => keep(data),
    rotate: (_token, data) => keep(data),
  }
}

function withJose(key: CryptoKey): Sealer {
  return {
    seal: (text) =>
      new CompactEncrypt(encoder.encode(text)).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key),
    open: async (token) => decoder.decode((await compactDecrypt(token, key)).plaintext),
  }
}

function withWebCrypto(key: CryptoKey): Sealer {
  return {
    seal: async (text) => {
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv, additionalData: AAD },
        key,
        encoder.encode(text),
      )
      const bytes = Buffer.from(sealed)
      const [text64, tag64] = [bytes.subarray(0, -16).toString('base64url'), bytes.subarray(-16).toString('base64url')]
      return `${HEADER}..${Buffer.from(iv).toString('base64url')}.${text64}.${tag64}`
    },
    open: async (token) => {
      const [header = '', , iv = '', ciphertext = '', tag = ''] = token.split('.')
      const sealed = Buffer.concat([Buffer.from(ciphertext, 'base64url'), Buffer.from(tag, 'base64url')])
      const algorithm = {
        name: 'AES-GCM',
        iv: Buffer.from(iv, 'base64url'),
        additionalData: encoder.encode(header),
      }
      return decoder.decode(await crypto.subtle.decrypt(algorithm, key, sealed))
    },
  }
}

const withNodeCrypto: Sealer = {
  seal: (text) => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', RAW, iv).setAAD(AAD)
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64url')
    return `${HEADER}..${iv.toString('base64url')}.${ciphertext}.${cipher.getAuthTag().toString('base64url')}`
  },
  open: (token) => {
    const [header = '', , iv = '', ciphertext = '', tag = ''] = token.split('.')
    const decipher = createDecipheriv('aes-256-gcm', RAW, Buffer.from(iv, 'base64url'))
    decipher.setAAD(encoder.encode(header)).setAuthTag(Buffer.from(tag, 'base64url'))
    return decipher.update(ciphertext, 'base64url', 'utf8') + decipher.final('utf8')
  },
}

function floor(name: string, sealer: (key: CryptoKey) => Sealer): Contestant {
  return {
    name,
    role: 'floor',
    kind: 'sealed',
    open: async (payload) => {
      const key = await crypto.subtle.importKey('raw', RAW, 'AES-GCM', false, ['encrypt', 'decrypt'])
      return { app: () => byHand(keeping(sealer(key)), payload) }
    },
  }
}

export const joseCompact: Contestant = floor('jose compact, imported key', withJose)
export const rawWebCrypto: Contestant = floor('raw Web Crypto', withWebCrypto)
export const nodeCrypto: Contestant = floor('node:crypto', () => withNodeCrypto)
