/** libSQL files, and libSQL in memory, in the runtimes that load native code. */
import { createClient } from '@libsql/client'
import { drizzle } from 'drizzle-orm/libsql'
import { LibsqlStore, sessionsTableNamed } from '../../src/stores/libsql.ts'
import { SqliteStore } from '../../src/stores/sqlite.ts'
import type { StoreCaseOptions } from '../../src/testing/index.ts'
import { subject, type Subject, type Task } from './conformance.ts'

type Zones = Pick<StoreCaseOptions, 'inTimeZone'>

export function libsqlFiles({ directory }: Task, zones: Zones = {}): Subject[] {
  const files = new WeakMap<LibsqlStore, string>()
  let made = 0
  const open = (file: string, table = 'sessions'): LibsqlStore => {
    const store = new LibsqlStore({ url: `file:${file}`, table: sessionsTableNamed(table) })
    files.set(store, file)
    return store
  }
  return [
    subject('LibsqlStore on a file', () => open(`${directory}/libsql-${made++}.db`), {
      ...zones,
      peer: (store) => open(files.get(store) ?? ''),
      otherNamespace: (store) => open(files.get(store) ?? '', 'other_sessions'),
      async lock(store) {
        const client = createClient({ url: `file:${files.get(store)}` })
        const transaction = await client.transaction('write')
        return async () => {
          await transaction.rollback()
          client.close()
        }
      },
      dispose: (store) => store.close(),
    }),
    subject('LibsqlStore in memory', () => new LibsqlStore({ url: ':memory:' }), {
      ...zones,
      dispose: (store) => store.close(),
    }),
    subject(
      'SqliteStore, libSQL in memory',
      async () => {
        const store = new SqliteStore(drizzle({ client: createClient({ url: ':memory:' }) }))
        await store.migrate()
        return store
      },
      zones,
    ),
  ]
}

/** Where a process can change its own time zone. */
export const zones: Zones = {
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
}
