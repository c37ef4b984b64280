/**
 * The shop on Node: `npm start`, or `npx node examples/node/server.ts` after a build. Sessions are kept in a libSQL file, which
 * is an ordinary SQLite file, so they outlive a restart.
 *
 * From the environment: PORT, HOST, DATA_DIR, SESSION_SECRET (comma-separated: the first signs, all verify), TRUST_PROXY.
 */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { createApp } from '../app/app.ts'
import { shopOptions, type Notes, type Shop } from '../app/shop.ts'

const { PORT = '8787', HOST = 'localhost', DATA_DIR = './data', SESSION_SECRET, TRUST_PROXY } = process.env
const SWEEP_EVERY = 10 * 60_000
/** How long answers under way may take to finish after a signal. */
const PATIENCE = 5_000

if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65_535) fail('PORT must be a number from 0 to 65535.')

const { store, sessions } = openShop()

const server = serve({ fetch: createApp(sessions).fetch, port: Number(PORT), hostname: HOST }, ({ port }) => {
  console.log(`Key & Latch is open on http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`)
})
server.on('error', (error: NodeJS.ErrnoException) => {
  fail(error.code === 'EADDRINUSE' ? `Port ${PORT} is taken. Choose another: PORT=8788 npm start` : error.message)
})

// Expired sessions are refused with or without this; it only keeps the file small.
const sweeping = setInterval(() => {
  sessions.removeExpiredSessions().catch((error: unknown) => console.error(error))
}, SWEEP_EVERY)
sweeping.unref()

process.once('SIGINT', stop)
process.once('SIGTERM', stop)

function openShop(): { store: LibsqlStore; sessions: SessionManager<Shop, Notes> } {
  try {
    mkdirSync(DATA_DIR, { recursive: true })
    const file = new LibsqlStore({ url: pathToFileURL(resolve(DATA_DIR, 'sessions.db')).href })
    // Without the variable there is no `secret` at all: one that is present but undefined would be an error.
    const secret = SESSION_SECRET ? { secret: SESSION_SECRET.split(',') } : {}
    const options = { ...shopOptions, store: file, ...secret, trustProxy: TRUST_PROXY === '1' }
    return { store: file, sessions: new SessionManager<Shop, Notes>(options) }
  } catch (error) {
    return fail(`Cannot open with this DATA_DIR and SESSION_SECRET. ${error instanceof Error ? error.message : error}`)
  }
}

/** Takes no new connections, lets answers under way finish, and closes the store when the last one has. */
function stop(): void {
  clearInterval(sweeping)
  server.close(() => store.close())
  if ('closeAllConnections' in server) setTimeout(() => server.closeAllConnections(), PATIENCE).unref()
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
