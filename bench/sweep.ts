/** The sweep of expired sessions in libSQL, beside the raw client's delete of as many rows. */
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { createClient } from '@libsql/client'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { seedData } from './contestant.ts'
import { temporary } from './runtimes/run.ts'
import { spreadOf } from './stats.ts'
import { digits, tableOf } from './table.ts'

const BATCH = 100
const DAY = 86_400_000
/** What `removeExpiredSessions` is to reach: milliseconds for a batch, microseconds a row. */
const [MOST_A_BATCH, MOST_A_ROW] = [3, 50]

interface Sweep {
  /** Milliseconds of each batch: how long the file is kept from others. */
  batches: number[]
  /** Milliseconds of all of it, with the pauses that let others in. */
  whole: number
}

async function ours(directory: string, count: number): Promise<Sweep> {
  let time = Date.now()
  const store = new LibsqlStore({ url: `file:${join(directory, 'ours.db')}` })
  const sessions = new SessionManager({ store, now: () => time })
  for (let made = 0; made < count; made++) await sessions.createSession({ ...seedData(200) })
  time += 2 * DAY
  const batches: number[] = []
  const remove = store.removeExpired.bind(store)
  store.removeExpired = async (...args) => {
    const before = performance.now()
    const removed = await remove(...args)
    if (removed === BATCH) batches.push(performance.now() - before)
    return removed
  }
  // What ten thousand calls left to the event loop is not the sweep's.
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = performance.now()
  const removed = await sessions.removeExpiredSessions({ batch: BATCH })
  const whole = performance.now() - before
  store.close()
  if (removed !== count) throw new Error(`${removed} of ${count} were removed`)
  return { batches, whole }
}

async function raw(directory: string, count: number): Promise<Sweep> {
  const client = createClient({ url: `file:${join(directory, 'raw.db')}`, concurrency: 1 })
  await client.executeMultiple(
    'PRAGMA journal_mode = WAL; create table floor (id text primary key, data text, ends integer); create index ends on floor (ends)',
  )
  const data = JSON.stringify(seedData(200))
  for (let made = 0; made < count; made++)
    await client.execute({ sql: 'insert into floor values (?, ?, 1)', args: [crypto.randomUUID(), data] })
  const batches: number[] = []
  const start = performance.now()
  for (let removed = 0; removed < count;) {
    const before = performance.now()
    const sql = 'delete from floor where id in (select id from floor where ends <= ? limit ?)'
    removed += (await client.execute({ sql, args: [Date.now(), BATCH] })).rowsAffected
    batches.push(performance.now() - before)
  }
  const whole = performance.now() - start
  client.close()
  return { batches, whole }
}

/** In bold where it is missed. */
function marked(value: number, most: number): string {
  return value > most ? `**${digits(value)}**` : digits(value)
}

export async function sweeps(quick: boolean): Promise<string[]> {
  const directory = temporary()
  const count = quick ? 500 : 10_000
  try {
    const rows = [
      ['raw libSQL client', await raw(directory, count), Infinity, Infinity] as const,
      ['`removeExpiredSessions`', await ours(directory, count), MOST_A_BATCH, MOST_A_ROW] as const,
    ].map(([name, { batches, whole }, mostABatch, mostARow]) => {
      const { q1, median, q3 } = spreadOf(batches)
      const aRow = (whole * 1000) / count
      return [
        name,
        `${marked(median, mostABatch)} (${digits(q1)}–${digits(q3)})`,
        marked(aRow, mostARow),
        mostABatch === Infinity ? '–' : `≤ ${mostABatch} ms, ≤ ${mostARow} µs`,
      ]
    })
    return [
      tableOf([`a sweep of ${count} rows`, `ms for a batch of ${BATCH}`, 'µs a row, pauses included', 'at most'], rows),
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
