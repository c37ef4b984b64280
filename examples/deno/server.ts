/**
 * The shop on Deno: `npm run start:deno`, or `npx deno task start` here after a build. Sessions are kept in a libSQL file, or,
 * with STORE=cookie, sealed in the visitors' own cookies.
 *
 * From the environment: PORT, STORE, SESSION_SECRET (comma-separated: the first signs, all verify), TRUST_PROXY.
 */
import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { createApp } from '../app/app.ts'
import { shopOptions, type Notes, type Shop } from '../app/shop.ts'

const [port, trustProxy] = [Number(Deno.env.get('PORT') ?? 8787), Deno.env.get('TRUST_PROXY') === '1']
const secret = Deno.env.get('SESSION_SECRET')?.split(',')

const file = Deno.env.get('STORE') === 'cookie' ? undefined : openFile()
// Without the variable tokens in a file are not signed; a cookie cannot be sealed without it, and `CookieStore` says so.
const kept = file ? { store: file, ...(secret && { secret }) } : { store: new CookieStore({ secret }) }
const sessions = new SessionManager<Shop, Notes>({ ...shopOptions, ...kept, trustProxy })

const server = Deno.serve(
  {
    port,
    hostname: 'localhost',
    onListen: (address) => console.log(`Key & Latch is open on http://localhost:${address.port}`),
  },
  createApp(sessions).fetch,
)

// Expired sessions are refused with or without this; it only keeps the file small.
if (file && Deno.cron) void Deno.cron('remove expired sessions', '17 * * * *', sweep)
// Where deno.json does not say `"unstable": ["cron"]` there is none, and an interval does as well.
else if (file) Deno.unrefTimer(setInterval(sweep, 60 * 60 * 1000))

for (const signal of ['SIGINT', 'SIGTERM'] as const) Deno.addSignalListener(signal, stop)

function openFile(): LibsqlStore {
  Deno.mkdirSync('data', { recursive: true })
  return new LibsqlStore({ url: 'file:data/sessions.db' })
}

async function sweep(): Promise<void> {
  await sessions.removeExpiredSessions().catch((error: unknown) => console.error(error))
}

/** Takes no new connections, lets answers under way finish, and closes the file when the last one has. */
async function stop(): Promise<void> {
  await server.shutdown()
  file?.close()
  Deno.exit()
}
