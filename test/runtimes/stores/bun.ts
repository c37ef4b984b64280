/** The stores on Bun. */
import { Database } from 'bun:sqlite'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import { portable, type Subject, type Task } from '../conformance.ts'
import { libsqlFiles, zones } from '../files.ts'
import { onFiles, onServers, type Connection } from '../sqlite.ts'

function open(file: string): Connection {
  const client = new Database(file)
  client.run('PRAGMA journal_mode = WAL')
  return { db: drizzle({ client }), run: (sql) => client.run(sql), close: () => client.close() }
}

export const runtime: string = `Bun ${Bun.version}`

export const stores = (task: Task): Subject[] => [
  ...portable,
  onFiles('SqliteStore, bun:sqlite', task, open, zones),
  ...libsqlFiles(task, zones),
  ...onServers(task),
]
