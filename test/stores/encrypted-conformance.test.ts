/** The conformance kit over an EncryptedStore: what the store underneath keeps it keeps, what that lacks it lacks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { LibsqlStore, sessionsTableNamed } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterAll } from 'vitest'
import { conforms } from '../testing/conforms.ts'
import { ThreeMethodStore } from '../testing/three-methods.ts'
import { OLDER, SECRET } from './encrypted.ts'

const RACES = 'R01 R02 R03 R04 R05 R06 R10'

await conforms(
  'EncryptedStore over a MemoryStore',
  () => new EncryptedStore(new MemoryStore(), { secret: SECRET }),
  { otherNamespace: () => new EncryptedStore(new MemoryStore(), { secret: SECRET }) },
  { 'the option `peer` was not given': RACES, 'the option `lock` was not given': 'S17' },
)

await conforms(
  'EncryptedStore with a list of secrets',
  () => new EncryptedStore(new MemoryStore(), { secret: [SECRET, OLDER] }),
  {},
  {
    'the option `peer` was not given': RACES,
    'the option `otherNamespace` was not given': 'S22',
    'the option `lock` was not given': 'S17',
  },
)

await conforms(
  'CookieCache over an EncryptedStore',
  () => new CookieCache(new EncryptedStore(new MemoryStore(), { secret: SECRET }), { secret: OLDER }),
  {},
  {
    'the option `peer` was not given': RACES,
    'the option `otherNamespace` was not given': 'S22',
    'the option `lock` was not given': 'S17',
  },
)

await conforms(
  'EncryptedStore over three methods',
  () => new EncryptedStore(new ThreeMethodStore(), { secret: SECRET }),
  {},
  {
    'the option `otherNamespace` was not given': 'S22',
    'the option `lock` was not given': 'S17',
    'the store does not claim `atomic`: what it promises holds within one process': RACES,
    'the store has no `all`': 'S21',
    'the store has no `clear`': 'S21',
    'the store has no `findBySubject`': 'S23 I01 I03',
    'the store has no `length`': 'S21',
    'the store has no `removeBySubject`': 'S23 I02',
    'the store has no `removeExpired`': 'S20 R10',
  },
)

const directory = mkdtempSync(join(tmpdir(), 'latchkey-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** On one file: the sides of a rollout, each of which seals under another secret and knows both. */
const files = new WeakMap<EncryptedStore, { url: string; inner: LibsqlStore }>()
let made = 0
function onFile(url = `file:${directory}/${made}.db`, table = 'sessions'): EncryptedStore {
  const inner = new LibsqlStore({ url, table: sessionsTableNamed(table) })
  const store = new EncryptedStore(inner, { secret: made++ % 2 ? [SECRET, OLDER] : [OLDER, SECRET] })
  files.set(store, { url, inner })
  return store
}
const urlOf = (store: EncryptedStore): string => files.get(store)?.url ?? ''

await conforms(
  'EncryptedStore over a LibsqlStore, halfway through a change of secrets',
  () => onFile(),
  {
    peer: (store) => onFile(urlOf(store)),
    otherNamespace: (store) => onFile(urlOf(store), 'other_sessions'),
    async lock(store) {
      const client = createClient({ url: urlOf(store) })
      const transaction = await client.transaction('write')
      return async () => {
        await transaction.rollback()
        client.close()
      }
    },
    dispose: (store) => files.get(store)?.inner.close(),
  },
  {},
)
