/** The stores inside a Worker: over its KV namespace, its D1 database, and libSQL servers. */
import { drizzle, type AnyD1Database } from 'drizzle-orm/d1'
import { CloudflareKVStore, type KVNamespaceLike } from '../../../src/stores/cloudflare-kv.ts'
import { portable, subject, type Making, type Subject, type Task } from '../conformance.ts'
import { onServers, onTables } from '../sqlite.ts'

export interface Env {
  SESSIONS: KVNamespaceLike
  DB: AnyD1Database & { exec(sql: string): Promise<unknown> }
  TASK: Task
  RUNTIME: string
}

export function stores(env: Env): Subject[] {
  let prefixes = 0
  const onKV = ({ now = Date.now }: Making = {}): CloudflareKVStore =>
    new CloudflareKVStore(env.SESSIONS, { prefix: `kit${prefixes++}:`, now })
  return [
    ...portable,
    subject('CloudflareKVStore', onKV, { otherNamespace: () => onKV() }),
    onTables('SqliteStore, D1', () => ({ db: drizzle(env.DB), run: (sql) => env.DB.exec(sql), close: () => {} })),
    ...onServers(env.TASK),
  ]
}
