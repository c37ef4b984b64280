/**
 * What the EncryptedStore tests share: records worth hiding, rows and seals made by hand. The key derivation is Node's own,
 * so that it checks what is documented and not what the code under test does.
 */
import { createHmac } from 'node:crypto'
import type { SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { EncryptedStore, type EncryptedStoreOptions } from 'latchkey/stores/encrypted'
import { derive, OLDER, record, SECRET } from './sealed.ts'

export { OLDER, SECRET }
export const NEXT = 'the next secret, of 32 bytes or more'

export const CANARY = 'canary-7f3a'

/** A record with a canary in everything a session says. */
export function secretive(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    ...record({ data: `${CANARY} data` }),
    flash: JSON.stringify({ notice: `${CANARY} flash` }),
    subject: `${CANARY} subject`,
    info: { device: `${CANARY} info`, [`${CANARY} key`]: '' },
    authenticatedAt: 1_234_567_890_123,
    ttl: 7_654_321,
    absolute: 87_654_321,
    persistent: false,
    ...fields,
  }
}

/** An EncryptedStore, and the store under it, as the database's own administrator sees it. */
export function encrypted(options: Partial<EncryptedStoreOptions> = {}, inner: MemoryStore = new MemoryStore()) {
  return { store: new EncryptedStore(inner, { secret: SECRET, ...options }), inner }
}

/** The row as it lies in the database. */
export function rowOf(inner: MemoryStore, id: string): SessionRecord {
  const row = inner.get(id)
  if (!row) throw new Error('there is no row')
  return row
}

/** What the subject's column holds: HMAC-SHA-256 of the subject as JSON, under a key of its own. */
export function hashOf(subject: string, secret = SECRET, name = 'sessions'): string {
  const key = derive(secret, 'sign', `subjects of ${name}`)
  return createHmac('sha256', key).update(JSON.stringify(subject)).digest('base64url')
}
