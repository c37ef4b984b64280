/** latchkey over libSQL through Drizzle; apart, because a Worker has no files. */
import { join } from 'node:path'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import type { Contestant, Data } from '../contestant.ts'
import { underHono } from './latchkey.ts'

export const latchkeyLibsql: Contestant = {
  name: 'latchkey, libSQL',
  role: 'latchkey',
  kind: 'libsql',
  open: async (payload, directory) => {
    const store = new LibsqlStore({ url: `file:${join(directory, `latchkey-${crypto.randomUUID()}.db`)}` })
    await store.migrate()
    const app = () => underHono(new SessionManager<Partial<Data>>({ store }), payload)
    return { app, close: () => store.close() }
  },
}
