/** The conformance kit is green on stores that keep their promises, whatever they are made of. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { CookieStore } from 'latchkey/stores/cookie'
import { LibsqlStore, sessionsTableNamed } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { drizzle } from 'drizzle-orm/libsql'
import { afterAll } from 'vitest'
import { conforms } from './conforms.ts'
import { bareModel, ExpiringStore, ThreeMethodStore } from './three-methods.ts'

const NO_OPTIONS = {
  'the option `peer` was not given': 'R01 R02 R03 R04 R05 R06 R10',
  'the option `otherNamespace` was not given': 'S22',
  'the option `lock` was not given': 'S17',
}

const { 'the option `peer` was not given': _, ...FEWER_OPTIONS } = NO_OPTIONS

const THREE_METHODS = {
  ...FEWER_OPTIONS,
  'the store does not claim `atomic`: what it promises holds within one process': 'R01 R02 R03 R04 R05 R06 R10',
  'the store has no `removeExpired`': 'S20 R10',
  'the store has no `all`': 'S21',
  'the store has no `length`': 'S21',
  'the store has no `clear`': 'S21',
  'the store has no `findBySubject`': 'S23 I01 I03',
  'the store has no `removeBySubject`': 'S23 I02',
}

await conforms('MemoryStore', () => new MemoryStore(), {}, NO_OPTIONS)
await conforms('a store of three methods', () => new ThreeMethodStore(), {}, THREE_METHODS)
await conforms('a plain object of three methods', bareModel, {}, THREE_METHODS)
await conforms(
  'a store that expires records by itself',
  () => new ExpiringStore(),
  { otherNamespace: () => new ExpiringStore() },
  {
    'the store does not claim `atomic`: what it promises holds within one process': 'R01 R02 R03 R04 R05 R06 R10',
    'the option `lock` was not given': 'S17',
    'the store has no `removeExpired`': 'S20 R10',
    'the store has no `clear`': 'S21',
    'the store has no `findBySubject`': 'S23 I01 I03',
    'the store has no `removeBySubject`': 'S23 I02',
  },
)
await conforms(
  'CookieStore',
  () => new CookieStore({ secret: 'a secret of more than thirty-two bytes' }),
  {},
  {
    'the record lives in the token: the store keeps no row':
      'S01 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 ' +
      'R01 R02 R03 R04 R05 R06 R10 I01 I02 I03',
  },
)

await conforms(
  'LibsqlStore in memory',
  () => new LibsqlStore({ url: ':memory:' }),
  { dispose: (store) => store.close() },
  NO_OPTIONS,
)

await conforms(
  'SqliteStore on a Drizzle database',
  async () => {
    const store = new SqliteStore(drizzle({ client: createClient({ url: ':memory:' }) }))
    await store.migrate()
    return store
  },
  {},
  NO_OPTIONS,
)

const directory = mkdtempSync(join(tmpdir(), 'latchkey-kit-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const files = new WeakMap<LibsqlStore, string>()
let made = 0
function openFile(file: string, table?: string): LibsqlStore {
  const store = new LibsqlStore({ url: `file:${file}`, ...(table && { table: sessionsTableNamed(table) }) })
  files.set(store, file)
  return store
}

await conforms(
  'LibsqlStore on a file',
  () => openFile(join(directory, `${made++}.db`)),
  {
    peer: (store) => openFile(files.get(store) ?? ''),
    otherNamespace: (store) => openFile(files.get(store) ?? '', 'other_sessions'),
    async lock(store) {
      // By the same SQLite library: file locks of two libraries in one process do not see each other.
      const client = createClient({ url: `file:${files.get(store)}` })
      const transaction = await client.transaction('write')
      return async () => {
        await transaction.rollback()
        client.close()
      }
    },
    async inTimeZone(zone, run) {
      const before = process.env['TZ']
      process.env['TZ'] = zone
      try {
        await run()
      } finally {
        if (before === undefined) delete process.env['TZ']
        else process.env['TZ'] = before
      }
    },
    dispose: (store) => store.close(),
  },
  {},
)
