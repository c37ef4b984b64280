/** The stores on Bun: `bun test/runtimes/bun.ts '{"directory":"…","servers":[]}'`. */
import { Database } from 'bun:sqlite'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import { portable, print, type Task } from './conformance.ts'
import { libsqlFiles, zones } from './files.ts'
import { onFiles, onServers, type Connection } from './sqlite.ts'

const task = JSON.parse(process.argv[2] ?? '') as Task

function open(file: string): Connection {
  const client = new Database(file)
  client.run('PRAGMA journal_mode = WAL')
  return { db: drizzle({ client }), run: (sql) => client.run(sql), close: () => client.close() }
}

await print(`Bun ${Bun.version}`, [
  ...portable,
  onFiles('SqliteStore, bun:sqlite', task, open, zones),
  ...libsqlFiles(task, zones),
  ...onServers(task),
])
