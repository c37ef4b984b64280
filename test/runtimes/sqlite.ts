/** SQLite databases as the kit wants them: a fresh one for each case, a second connection, a lock held from outside. */
import { createClient } from '@libsql/client/web'
import { drizzle } from 'drizzle-orm/libsql/web'
import { LibsqlStore } from '../../src/stores/libsql.ts'
import { sessionsTableNamed, SqliteStore, type SqliteDatabase } from '../../src/stores/sqlite.ts'
import type { StoreCaseOptions } from '../../src/testing/index.ts'
import { subject, type Subject, type Task } from './conformance.ts'

/** A connection to a file. */
export interface Connection {
  db: SqliteDatabase
  run(sql: string): unknown
  close(): unknown
}

/** Drivers of SQLite files: each store has a file of its own, and its peers connections of their own. */
export function onFiles(
  name: string,
  { directory }: Task,
  open: (file: string) => Connection,
  options: StoreCaseOptions<SqliteStore> = {},
): Subject {
  const opened = new WeakMap<SqliteStore, { file: string; connection: Connection }>()
  const prefix = name.replaceAll(/\W+/g, '-')
  let files = 0
  const storeOn = async (file: string, table = 'sessions'): Promise<SqliteStore> => {
    const connection = open(file)
    const store = new SqliteStore(connection.db, { table: sessionsTableNamed(table) })
    opened.set(store, { file, connection })
    await store.migrate()
    return store
  }
  const fileOf = (store: SqliteStore): string => opened.get(store)?.file ?? ''
  return subject(name, () => storeOn(`${directory}/${prefix}-${files++}.db`), {
    ...options,
    peer: (store) => storeOn(fileOf(store)),
    otherNamespace: (store) => storeOn(fileOf(store), 'other_sessions'),
    async lock(store) {
      const { run, close } = open(fileOf(store))
      await run('begin immediate')
      return async () => {
        await run('rollback')
        await close()
      }
    },
    dispose: async (store) => void (await opened.get(store)?.connection.close()),
  })
}

/** A database that is shared by all: each store has a table of its own. */
export function onTables(name: string, connect: () => Connection): Subject {
  const opened = new WeakMap<SqliteStore, { table: string; connection: Connection }>()
  // Two runs at the same time, on the same server, do not meet.
  const prefix = `kit_${Math.random().toString(36).slice(2)}`
  let tables = 0
  const storeOn = async (table: string): Promise<SqliteStore> => {
    const connection = connect()
    const store = new SqliteStore(connection.db, { table: sessionsTableNamed(table) })
    opened.set(store, { table, connection })
    await store.migrate()
    return store
  }
  return subject(name, () => storeOn(`${prefix}_${tables++}`), {
    peer: (store) => storeOn(opened.get(store)?.table ?? ''),
    otherNamespace: () => storeOn(`${prefix}_${tables++}`),
    async dispose(store) {
      const { table, connection } = opened.get(store) ?? {}
      await connection?.run(`drop table if exists "${table}"`)
      await connection?.close()
    },
  })
}

/** libSQL over HTTP: through `LibsqlStore`, and through a client of the web that an application made itself. */
export function onServers({ servers }: Task): Subject[] {
  return servers.flatMap(({ name, ...server }) => {
    const connect = (): Connection => {
      const client = createClient(server)
      return { db: drizzle({ client }), run: (sql) => client.execute(sql), close: () => client.close() }
    }
    let tables = 0
    const prefix = `own_${Math.random().toString(36).slice(2)}`
    const tableOf = new WeakMap<LibsqlStore, string>()
    const open = (table: string): LibsqlStore => {
      const store = new LibsqlStore({ ...server, table: sessionsTableNamed(table) })
      tableOf.set(store, table)
      return store
    }
    return [
      onTables(`SqliteStore, libSQL over HTTP${name}`, connect),
      subject(`LibsqlStore over HTTP${name}`, () => open(`${prefix}_${tables++}`), {
        peer: (store) => open(tableOf.get(store) ?? ''),
        otherNamespace: () => open(`${prefix}_${tables++}`),
        async dispose(store) {
          store.close()
          const { run, close } = connect()
          await run(`drop table if exists "${tableOf.get(store)}"`)
          await close()
        },
      }),
    ]
  })
}
