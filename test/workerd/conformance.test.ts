/** The conformance kit, inside of a Worker: over its own KV namespace and D1 database, each store with a name of its own. */
import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/d1'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { sessionsTableNamed, SqliteStore, type SessionsTable } from 'latchkey/stores/sqlite'
import { conforms } from '../testing/conforms.ts'

let made = 0

const ofMemory = () => new MemoryStore()
await conforms(
  'MemoryStore in workerd',
  ofMemory,
  { otherNamespace: ofMemory },
  {
    'the option `lock` was not given': 'S17',
    'the option `peer` was not given': 'R01 R02 R03 R04 R05 R06 R10',
  },
)

await conforms(
  'CookieStore in workerd',
  () => new CookieStore({ secret: 'x'.repeat(32) }),
  {},
  {
    'the record lives in the token: the store keeps no row':
      'S01 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 R01 R02 R03 R04 R05 R06 R10 I01 I02 I03',
  },
)

const tables = new WeakMap<SqliteStore, SessionsTable>()
async function onD1(table: SessionsTable = sessionsTableNamed(`sessions_${made++}` as string)): Promise<SqliteStore> {
  const store = new SqliteStore(drizzle(env.DB), { table })
  tables.set(store, table)
  await store.migrate()
  return store
}
await conforms(
  'SqliteStore on D1',
  () => onD1(),
  { peer: (store) => onD1(tables.get(store)), otherNamespace: () => onD1() },
  {
    'the option `lock` was not given': 'S17',
  },
)

const onKV = () => new CloudflareKVStore(env.SESSIONS, { prefix: `store${made++}:` })
await conforms(
  'CloudflareKVStore',
  onKV,
  { otherNamespace: onKV },
  {
    "the store claims `consistency: 'eventual'`": 'S04 S05 S08 S17 R01 R02 R03 R04 R05 R06 R10',
    'the store has no `removeExpired`': 'S20 S23',
  },
)

const secret = 'x'.repeat(32)
const beneath = new WeakMap<EncryptedStore, SqliteStore>()
async function encryptedOnD1(store: SqliteStore | Promise<SqliteStore> = onD1()): Promise<EncryptedStore> {
  const inner = await store
  const outer = new EncryptedStore(inner, { secret })
  beneath.set(outer, inner)
  return outer
}
await conforms(
  'EncryptedStore over a SqliteStore on D1',
  () => encryptedOnD1(),
  {
    peer: (store) => encryptedOnD1(onD1(tables.get(beneath.get(store) as SqliteStore))),
    otherNamespace: () => encryptedOnD1(),
  },
  {
    'the option `lock` was not given': 'S17',
  },
)

const encryptedOnKV = () => new EncryptedStore(onKV(), { secret })
await conforms(
  'EncryptedStore over a CloudflareKVStore',
  encryptedOnKV,
  { otherNamespace: encryptedOnKV },
  {
    "the store claims `consistency: 'eventual'`": 'S04 S05 S08 S17 R01 R02 R03 R04 R05 R06 R10',
    'the store has no `removeExpired`': 'S20 S23',
  },
)
