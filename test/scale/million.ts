/**
 * A libSQL file of a million sessions, a tenth of them expired: read by id, update, and the sweep of what is expired, each
 * beside the same by the raw client on the same file in the same run; and while the sweep runs, reads go on.
 *
 *     npm run million               1,000,000 rows
 *     npm run million -- 100000     fewer
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient, type Client, type InArgs } from '@libsql/client'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { temporaryDirectory } from './stores.ts'

type Shop = { cart: string[]; n: number }
type Manager = SessionManager<Shop>

/** How long single calls took, in milliseconds. */
export interface Timing {
  what: string
  calls: number
  median: number
  p99: number
  longest: number
}

export interface Sweep {
  what: string
  removed: number
  seconds: number
}

export interface Figures {
  fill: { rows: number; seconds: number; megabytes: number }
  timings: Timing[]
  sweeps: Sweep[]
  /** Rows left in the end, and how many should be. */
  left: number
  expected: number
}

const HOUR = 3_600_000

/** Fills a file with `rows` sessions, and measures `samples` calls of each kind. */
export async function million(rows: number, samples: number): Promise<Figures> {
  const { directory, remove } = temporaryDirectory()
  const url = `file:${join(directory, 'sessions.db')}`
  const stores = [new LibsqlStore({ url }), new LibsqlStore({ url })] as const
  const client = createClient({ url, intMode: 'bigint', concurrency: 1 })
  const run = async (sql: string, args: InArgs = []) => (await client.execute({ sql, args })).rows
  try {
    const [sessions, reader] = stores.map(managerOver) as [Manager, Manager]
    await stores[0].migrate()
    const expired = Math.floor(rows / 10)
    const start = performance.now()
    await fill(client, 'live', rows - expired, HOUR * 24)
    await fill(client, 'expired', expired, -HOUR)
    const seconds = (performance.now() - start) / 1000
    const [size] = await run('select page_count * page_size as bytes from pragma_page_count, pragma_page_size')
    const megabytes = Math.round(Number(size?.['bytes']) / 2 ** 20)

    const tokens: string[] = []
    for (let n = 0; n < samples; n++) tokens.push(await sessions.createSession())
    // Far from each other, as visitors are.
    const ids = Array.from({ length: samples }, (_, n) => `live-${(n * 7_919_333) % (rows - expired)}`)
    const increment = (data: Shop): void => void data.n++
    const touch = 'update sessions set data = ?, version = version + 1 where id = ? and version = ? returning id'
    const timings = [
      await time('read by id: raw client', ids, (id) => run('select * from sessions where id = ?', [id])),
      await time('read by id: LibsqlStore', ids, (id) => stores[0].get(id)),
      await time('read by token: retrieveSession', tokens, (token) => sessions.retrieveSession(token)),
      await time('update: raw client', ids, (id) => run(touch, ['{"cart":[],"n":2}', id, 1])),
      await time('update (read, compare and set): updateSession', tokens, (token) =>
        sessions.updateSession(token, increment),
      ),
    ]

    const sweeps: Sweep[] = []
    const batched =
      'delete from sessions where id in (select id from sessions where expires_at <= ? limit 100) returning id'
    const raw = async (sql: string): Promise<number> => {
      let removed = 0
      for (let rowsOfOne = [null] as unknown[]; rowsOfOne.length > 0; removed += rowsOfOne.length) {
        rowsOfOne = await run(sql, [Date.now()])
      }
      return removed
    }
    const sweep = async (what: string, removing: () => Promise<number>): Promise<void> => {
      if (sweeps.length > 0) await fill(client, 'expired', expired, -HOUR)
      const since = performance.now()
      const removed = await removing()
      sweeps.push({ what, removed, seconds: (performance.now() - since) / 1000 })
    }
    await sweep('removeExpiredSessions, batches of 100, reads going on', async () => {
      let done = false
      const sweeping = sessions.removeExpiredSessions().finally(() => (done = true))
      timings.push(
        await timeUntil(
          'read by token while it sweeps',
          tokens,
          (token) => reader.retrieveSession(token),
          () => done,
        ),
      )
      return sweeping
    })
    await sweep('removeExpiredSessions, batches of 100', () => sessions.removeExpiredSessions())
    await sweep('raw client, batches of 100', () => raw(batched))
    await sweep('removeExpiredSessions, batches of 1,000', () => sessions.removeExpiredSessions({ batch: 1_000 }))
    await sweep('raw client, batches of 1,000', () => raw(batched.replace('limit 100', 'limit 1000')))
    const left = Number((await run('select count(*) as n from sessions'))[0]?.['n'])
    return { fill: { rows, seconds, megabytes }, timings, sweeps, left, expected: rows - expired + samples }
  } finally {
    client.close()
    for (const store of stores) store.close()
    remove()
  }
}

function managerOver(store: LibsqlStore): Manager {
  return new SessionManager<Shop>({ store, initial: () => ({ cart: ['mug', 'pen', 'notebook A5'], n: 1 }) })
}

/** Rows as sessions have them, made by SQLite itself; ids in an order that is not the order of their times. */
async function fill(client: Client, kind: string, count: number, expiresIn: number): Promise<void> {
  const now = Date.now()
  await client.execute({
    sql: `insert into sessions (id, verifier, data, version, created_at, rotated_at, last_seen_at, expires_at, ends_at, subject)
      with recursive counted (n) as (select 0 union all select n + 1 from counted where n + 1 < ?1)
      select ?2 || '-' || n, 'v' || substr(hex(randomblob(32)), 1, 42), '{"cart":["mug","pen","notebook A5"],"n":1}', 1,
        ?3, ?3, ?3, ?3 + ?4 + (n * 7919) % 1000000, ?3 + 30 * 86400000, 'u_' || (n % 300000)
      from counted`,
    args: [count, kind, now, expiresIn],
  })
}

async function time<T>(what: string, items: readonly T[], call: (item: T) => unknown): Promise<Timing> {
  let index = 0
  return timeUntil(what, items, call, () => index++ >= items.length)
}

async function timeUntil<T>(
  what: string,
  items: readonly T[],
  call: (item: T) => unknown,
  isDone: () => boolean,
): Promise<Timing> {
  const times: number[] = []
  while (!isDone()) {
    const start = performance.now()
    await call(items[times.length % items.length] as T)
    times.push(performance.now() - start)
    // As between two requests: a file answers at once, and a loop of such answers lets no timer run.
    await new Promise((resolve) => setImmediate(resolve))
  }
  times.sort((a, b) => a - b)
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN
  return { what, calls: times.length, median: at(0.5), p99: at(0.99), longest: at(1) }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { fill: filled, timings, sweeps, left, expected } = await million(Number(process.argv[2] ?? 1_000_000), 5_000)
  console.log(`${filled.rows} rows in ${filled.seconds.toFixed(1)} s, ${filled.megabytes} MB`)
  console.table(
    Object.fromEntries(
      timings.map(({ what, calls, ...times }) => [
        what,
        { calls, ...Object.fromEntries(Object.entries(times).map(([name, ms]) => [`${name} (ms)`, ms.toFixed(2)])) },
      ]),
    ),
  )
  console.table(
    Object.fromEntries(sweeps.map(({ what, removed, seconds }) => [what, { removed, seconds: seconds.toFixed(1) }])),
  )
  console.log(`${left} sessions left, ${expected} expected`)
  if (left !== expected) process.exitCode = 1
}
