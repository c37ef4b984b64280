/** The stores inside a Worker, over its KV namespace, its D1 database, and libSQL servers; answers with a line for each. */
import { drizzle, type AnyD1Database } from 'drizzle-orm/d1'
import { CloudflareKVStore, type KVNamespaceLike } from '../../src/stores/cloudflare-kv.ts'
import { measure, portable, subject, type Task } from './conformance.ts'
import { onServers, onTables } from './sqlite.ts'

interface Env {
  SESSIONS: KVNamespaceLike
  DB: AnyD1Database & { exec(sql: string): Promise<unknown> }
  TASK: Task
  RUNTIME: string
}

export default {
  async fetch(_request: Request, env: Env): Promise<Response> {
    let prefixes = 0
    const onKV = (): CloudflareKVStore => new CloudflareKVStore(env.SESSIONS, { prefix: `kit${prefixes++}:` })
    const subjects = [
      ...portable,
      subject('CloudflareKVStore', onKV, { otherNamespace: onKV }),
      onTables('SqliteStore, D1', () => ({ db: drizzle(env.DB), run: (sql) => env.DB.exec(sql), close: () => {} })),
      ...onServers(env.TASK),
    ]
    const lines: string[] = []
    for await (const report of measure(env.RUNTIME, subjects)) lines.push(JSON.stringify(report))
    return new Response(lines.join('\n'))
  },
}
