/**
 * A certificate for the https servers of a test run, which no file and no other run knows. Node makes keys and reads
 * certificates but makes none, so this writes the DER of one (RFC 5280) by hand.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'

const NAMES = ['localhost', '*.test', '*.shop.test']
const DAY = 86_400_000

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts)
const integer = (...bytes: number[]): Buffer => der(0x02, Buffer.from(bytes))
const time = (at: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(0, 14)}Z`))

const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
const SUBJECT_ALT_NAME = der(0x06, Buffer.from('551d11', 'hex'))
const COMMON_NAME = der(0x06, Buffer.from('550403', 'hex'))

const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' })
const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('latchkey tests')))))
const alternatives = sequence(...NAMES.map((host) => der(0x82, Buffer.from(host))))
const content = sequence(
  der(0xa0, integer(2)),
  integer(1),
  ECDSA_WITH_SHA256,
  name,
  sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
  name,
  publicKey,
  der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, alternatives)))),
)
const signature = der(0x03, Buffer.from([0]), sign('sha256', content, keys.privateKey))
const certificate = sequence(content, ECDSA_WITH_SHA256, signature).toString('base64')

export const key: string = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
export const cert: string = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`

/** What a browser is told to trust: the hash of the public key. */
export const keyHash: string = createHash('sha256').update(publicKey).digest('base64')
