/**
 * The shop on Bun: `npm run start:bun`, or `npx bun examples/bun/server.ts` after a build. Sessions are kept in a SQLite file by
 * Bun's own driver, so nothing is installed for it but Drizzle.
 *
 * From the environment: PORT, DATA_DIR, SESSION_SECRET (comma-separated: the first signs, all verify), TRUST_PROXY.
 */
import { Database } from 'bun:sqlite'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import { SessionManager } from 'latchkey'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createApp } from '../app/app.ts'
import { shopOptions, type Notes, type Shop } from '../app/shop.ts'

const { PORT = '8787', DATA_DIR = './data', SESSION_SECRET, TRUST_PROXY } = process.env

mkdirSync(DATA_DIR, { recursive: true })
const client = new Database(join(DATA_DIR, 'sessions.db'))
// Readers and a writer do not wait for each other; two writers, such as two processes, do.
client.run('PRAGMA journal_mode = WAL')
client.run('PRAGMA busy_timeout = 5000')
const store = new SqliteStore(drizzle({ client }))
await store.migrate()

// Without the variable there is no `secret` at all: one that is present but undefined would be an error.
const secret = SESSION_SECRET ? { secret: SESSION_SECRET.split(',') } : {}
const sessions = new SessionManager<Shop, Notes>({ ...shopOptions, store, ...secret, trustProxy: TRUST_PROXY === '1' })
const app = createApp(sessions)

const server = Bun.serve({
  port: Number(PORT),
  hostname: 'localhost',
  fetch: (request) => app.fetch(request),
})
console.log(`Key & Latch is open on http://localhost:${server.port}`)

// Expired sessions are refused with or without this; it only keeps the file small.
const sweeping = setInterval(
  () => void sessions.removeExpiredSessions().catch((error: unknown) => console.error(error)),
  60 * 60 * 1000,
)
sweeping.unref()

process.once('SIGINT', stop)
process.once('SIGTERM', stop)

/** Takes no new connections, lets answers under way finish, and closes the file when the last one has. */
async function stop(): Promise<void> {
  clearInterval(sweeping)
  await server.stop()
  client.close()
}
