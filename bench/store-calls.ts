/**
 * What `LibsqlStore` adds to its database: each call of it, beside the raw client executing the very same SQL with the same
 * values, on a file of the same kind. In turn, call by call, so that whatever else the machine does falls on both.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, type Client } from '@libsql/client'
import type { Logger } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import type { SessionRecord } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { SqliteStore, type SqliteDatabase } from 'latchkey/stores/sqlite'
import { seedData } from './contestant.ts'
import { temporary } from './runtimes/run.ts'
import { spreadOf } from './stats.ts'
import { digits, tableOf } from './table.ts'

const BATCH = 100
const DAY = 86_400_000
/** How many of the samples come before those that count. */
const WARM_UP = 0.2

type Statement = { sql: string; args: (string | number | null)[] }
type Task = () => Promise<unknown>

interface Case {
  name: string
  call: (store: SqliteStore, record: SessionRecord) => Promise<unknown>
  /** What the ratio to the raw client may be, with one call in flight. */
  most?: number
  /** Calls for each record that there is. */
  every?: number
  /** The records are not there yet. */
  isNew?: boolean
  /** What the raw client executes where it is not what the store does. */
  sql?: string
}

const expected = { version: 1, verifier: 'v'.repeat(43) }
const CASES: readonly Case[] = [
  { name: '`get`', call: (store, { id }) => store.get(id), most: 1.1 },
  {
    name: '`get`, beside `select *`',
    call: (store, { id }) => store.get(id),
    most: 1.1,
    sql: 'select * from sessions where id = ?',
  },
  { name: '`create`', call: (store, record) => store.create(record), most: 1.2, isNew: true },
  { name: '`update`', call: (store, record) => store.update(record, expected), most: 1.2 },
  {
    name: '`touch`',
    call: (store, { id, expiresAt, lastSeenAt }) => store.touch(id, expiresAt, lastSeenAt, expected),
    most: 1.2,
  },
  {
    name: `\`removeExpired\` of ${BATCH}`,
    call: (store, { expiresAt }) => store.removeExpired(expiresAt, BATCH),
    every: BATCH,
  },
]

function records(count: number): SessionRecord[] {
  const now = Date.now()
  const data = JSON.stringify(seedData(1000))
  const times = { createdAt: now, rotatedAt: now, lastSeenAt: now, expiresAt: now + DAY, endsAt: now + 30 * DAY }
  return Array.from({ length: count }, () => ({ ...expected, ...times, id: crypto.randomUUID(), data }))
}

/** Drizzle is installed here as well as where the library is, and each copy has types of its own. */
function storeOver(client: Client, logger?: Logger): SqliteStore {
  return new SqliteStore(drizzle({ client, ...(logger && { logger }) }) as unknown as SqliteDatabase)
}

/** What a store has its client execute for calls on these. */
async function statementsOf(call: Case['call'], given: readonly SessionRecord[]): Promise<Statement[]> {
  const client = createClient({ url: ':memory:' })
  const statements: Statement[] = []
  const logQuery = (sql: string, args: unknown[]): void =>
    void statements.push({ sql, args: args as Statement['args'] })
  const store = storeOver(client, { logQuery })
  await store.migrate()
  for (const record of given) await store.set(record.id, record)
  statements.length = 0
  for (const record of given) await call(store, record)
  client.close()
  if (statements.length !== given.length) throw new Error('a call of the store is more than one statement')
  return statements
}

/** Microseconds a call of each, in turn. */
async function inTurn(both: readonly [ours: Task[], raw: Task[]], inFlight: number): Promise<[number[], number[]]> {
  const samples: [number[], number[]] = [[], []]
  for (let at = 0; at < both[0].length; at += inFlight) {
    for (const [who, tasks] of both.entries()) {
      const some = tasks.slice(at, at + inFlight)
      const before = performance.now()
      await (some.length === 1 ? some[0]?.() : Promise.all(some.map((task) => task())))
      samples[who]?.push(((performance.now() - before) * 1000) / some.length)
    }
  }
  return samples.map((list) => list.slice(Math.floor(list.length * WARM_UP))) as [number[], number[]]
}

async function rowOf(
  one: Case,
  store: LibsqlStore,
  client: Client,
  calls: number,
  inFlight: number,
): Promise<string[]> {
  const { name, call, most = Infinity, every = 1, isNew = false, sql } = one
  const all = records(calls * every)
  await store.clear()
  await client.execute('delete from sessions')
  if (!isNew) {
    for (const record of all) await store.create(record)
    for (const made of await statementsOf((to, record) => to.create(record), all)) await client.execute(made)
  }
  const called = all.filter((_, at) => at % every === 0)
  const statements = await statementsOf(call, called)
  const ours = called.map((record) => () => call(store, record))
  const raw = statements.map((statement) => () => client.execute({ ...statement, ...(sql && { sql }) }))
  const [above, beneath] = (await inTurn([ours, raw], inFlight)).map(spreadOf)
  if (!above || !beneath) throw new Error('nothing was measured')
  const found = above.median / beneath.median
  const limit = inFlight === 1 ? most : Infinity
  return [
    `${name}, ${inFlight} in flight`,
    ...[above, beneath].map(({ q1, median, q3 }) => `${digits(median)} (${digits(q1)}–${digits(q3)})`),
    found > limit ? `**${digits(found)}**` : digits(found),
    limit === Infinity ? '–' : `≤ ${digits(limit)}`,
  ]
}

export async function storeCalls(quick: boolean): Promise<string[]> {
  const directory = temporary()
  const [url, rawUrl] = ['ours.db', 'raw.db'].map((name) => `file:${join(directory, name)}`) as [string, string]
  const store = new LibsqlStore({ url })
  await store.migrate()
  // As the store opens its own.
  const client = createClient({ url: rawUrl, concurrency: 1, intMode: 'bigint' })
  await client.execute('PRAGMA journal_mode = WAL')
  await storeOver(client).migrate()
  try {
    const rows: string[][] = []
    for (const one of CASES) {
      const calls = (quick ? 640 : 12_800) / (one.every === undefined ? 1 : 32)
      for (const inFlight of one.every === undefined ? [1, 16] : [1])
        rows.push(await rowOf(one, store, client, calls, inFlight))
    }
    return [tableOf(['libSQL, 1 kB', 'store, µs a call', 'raw client, µs', 'ratio', 'at most'], rows)]
  } finally {
    store.close()
    client.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
