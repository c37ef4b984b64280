/**
 * JWE compact, `dir` and `A256GCM` (RFC 7516, RFC 7518 section 5.3), under one key, by one of two engines: the synchronous
 * AES-GCM that the runtime lends, once it has proved itself, on Node at a fifth of the price; `jose` where there is none.
 * Both write and read the same text. Which text is worth opening is for seal.ts to say.
 */
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'
import { base64url, fromBase64url, lent, randomBytes, utf8, type Bytes, type LentKey } from '../core/bytes.ts'
import type { MaybePromise } from '../core/store-model.ts'

export interface Jwe {
  /** The protected header as it stands in what is sealed here. */
  header: string
  seal(text: string): MaybePromise<string>
  /** What was sealed; throws or rejects unless all of it is authentic. Takes well-formed text only: five canonical segments. */
  open(text: string): MaybePromise<string>
}

const ALGORITHMS = { alg: 'dir', enc: 'A256GCM' } as const

/** Seals and opens under a key of 256 bits; `kid` is named in the header. */
export async function jweUnder(bytes: Bytes, kid: string): Promise<Jwe> {
  const protectedHeader = { ...ALGORITHMS, kid }
  const header = base64url(utf8(JSON.stringify(protectedHeader)))
  if ((works ??= isRight())) {
    // Raw bytes, since no `CryptoKey` fits in here; like one, the object they become shows them to nobody who only looks.
    const key = ciphers.createSecretKey(bytes)
    return { header, seal: (text) => seal(key, header, randomBytes(12), text), open: (text) => open(key, text) }
  }
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  return {
    header,
    seal: (text) => new CompactEncrypt(utf8(text)).setProtectedHeader(protectedHeader).encrypt(key),
    open: async (text) => UTF8.decode((await compactDecrypt(text, key, ALLOWED)).plaintext),
  }
}

/** Every character as it is, a first one that marks the byte order too: as the other engine has it. */
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })
const ALLOWED = { keyManagementAlgorithms: [ALGORITHMS.alg], contentEncryptionAlgorithms: [ALGORITHMS.enc] }

interface Cipher {
  setAAD(data: Bytes): unknown
  update(text: string, from: 'utf8' | 'base64url', to: 'base64url' | 'utf8'): string
  final(to: 'base64url' | 'utf8'): string
  getAuthTag(): Uint8Array
  setAuthTag(tag: Bytes): unknown
}
type MakeCipher = (algorithm: string, key: LentKey, iv: Bytes, options: { authTagLength: number }) => Cipher

/** Believed only once it `works`. */
const ciphers = lent as {
  createSecretKey: (key: Bytes) => LentKey
  createCipheriv: MakeCipher
  createDecipheriv: MakeCipher
}

/** A tag of any other length would be refused, also one that the runtime itself would take (RFC 7518 section 5.3). */
const AES = ['aes-256-gcm', { authTagLength: 16 }] as const

function seal(key: LentKey, header: string, iv: Bytes, text: string): string {
  const cipher = ciphers.createCipheriv(AES[0], key, iv, AES[1])
  cipher.setAAD(utf8(header))
  const ciphertext = cipher.update(text, 'utf8', 'base64url') + cipher.final('base64url')
  return `${header}..${base64url(iv)}.${ciphertext}.${base64url(cipher.getAuthTag())}`
}

/** Hands out nothing before `final` has found it authentic: what is not makes that throw. */
function open(key: LentKey, text: string): string {
  const [header = '', , iv = '', ciphertext = '', tag = ''] = text.split('.')
  const cipher = ciphers.createDecipheriv(AES[0], key, fromBase64url(iv) as Bytes, AES[1])
  cipher.setAAD(utf8(header))
  cipher.setAuthTag(fromBase64url(tag) as Bytes)
  return cipher.update(ciphertext, 'base64url', 'utf8') + cipher.final('utf8')
}

let works: boolean | undefined

/**
 * Whether the runtime has these functions (some have ones that throw), and they compute AES-GCM: test case 14 of its
 * specification (McGrew and Viega, 2005), both ways, and a refusal of the same under another header.
 */
function isRight(): boolean {
  let isOpen = false
  try {
    const key = ciphers.createSecretKey(new Uint8Array(32))
    const known = seal(key, '', new Uint8Array(12), '\0'.repeat(16))
    isOpen = open(key, known) === '\0'.repeat(16) && known === KNOWN
    // All is well only when this throws.
    if (isOpen) open(key, `x${known}`)
    return false
  } catch {
    return isOpen
  }
}

const KNOWN = `..${'A'.repeat(16)}.zqdAPU1ga24HTsXTuvOdGA.0NHIp5mZa_AmW5i11Iq5GQ`
