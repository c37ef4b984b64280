/** The stores on Node. */
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { portable, type Subject, type Task } from '../conformance.ts'
import { libsqlFiles, zones } from '../files.ts'
import { onFiles, onServers, type Connection } from '../sqlite.ts'

function open(file: string): Connection {
  // It waits without letting anything else happen: for a lock held in this same process, in vain.
  const client = new Database(file, { timeout: 50 })
  client.pragma('journal_mode = WAL')
  return { db: drizzle({ client }), run: (sql) => client.exec(sql), close: () => client.close() }
}

export const runtime: string = `Node ${process.versions.node}`

export const stores = (task: Task): Subject[] => [
  ...portable,
  onFiles('SqliteStore, better-sqlite3', task, open, zones),
  ...libsqlFiles(task, zones),
  ...onServers(task),
]
