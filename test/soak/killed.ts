/**
 * The process that is killed: it writes, or rotates tokens, as fast as it can, and says what was acknowledged the moment it
 * was. Its output is written synchronously, so that nothing acknowledged is lost with it.
 *
 *     killed.ts <url> <token> write | rotate <clock>
 */
import { writeSync } from 'node:fs'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { Client, type Sessions } from './client.ts'
import { ROTATION } from './figures/kills.ts'

const [url = '', token = '', task = '', clock = '0'] = process.argv.slice(2)
const store = new LibsqlStore({ url })
let now = Number(clock)
const sessions: Sessions = new SessionManager({ store, ...(task === 'rotate' && { ...ROTATION, now: () => now }) })
const client = new Client(token)
const say = (text: string | number): void => void writeSync(1, `${text}\n`)

await sessions.retrieveSession(token)
say('ready')
for (let n = 1; ; n++) {
  if (task === 'write') {
    const { n: stored } = await sessions.updateSession(token, (data) => ({
      ...data,
      n: (data.n ?? 0) + 1,
      a: 'x'.repeat(n % 900),
    }))
    say(stored ?? -1)
  } else {
    // Old enough for the next rotation, and long after the grace of the last.
    now += ROTATION.rotateEvery
    await client.visit(sessions, (session) => session.subject)
    say(`${client.token} ${now}`)
    await client.visit(sessions, (session) => session.subject)
  }
}
