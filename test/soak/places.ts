/** Where figures are measured: each backend opened twice, as two instances of an app have it. */
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/d1'
import type { Store } from 'latchkey'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { temporaryDirectory, type OpenStores } from '../scale/stores.ts'

export interface Backend {
  name: string
  open(): Promise<OpenStores>
}

export const SECRET = 'a secret of the soak, of more than 32 bytes'

const worker = (): Miniflare =>
  new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default { fetch: () => new Response() }',
      compatibilityDate: '2026-10-01',
      d1Databases: ['DB'],
      kvNamespaces: ['KV'],
    }),
  )

export const MEMORY: Backend = { name: 'memory', open: async () => both(new MemoryStore()) }

export const LIBSQL: Backend = {
  name: 'libSQL file',
  async open() {
    const { directory, remove } = temporaryDirectory()
    const url = `file:${join(directory, 'sessions.db')}`
    const stores = [new LibsqlStore({ url }), new LibsqlStore({ url })] as const
    const close = (): void => {
      for (const store of stores) store.close()
      remove()
    }
    return { stores, close }
  },
}

export const D1: Backend = {
  name: 'D1 in workerd',
  async open() {
    const runtime = worker()
    const database = await runtime.getD1Database('DB')
    const stores = [new SqliteStore(drizzle(database)), new SqliteStore(drizzle(database))] as const
    await stores[0].migrate()
    return { stores, close: () => void runtime.dispose() }
  },
}

export const KV: Backend = {
  name: 'KV in workerd',
  async open() {
    const runtime = worker()
    const namespace = (await runtime.getKVNamespace('KV')) as never
    return {
      stores: [new CloudflareKVStore(namespace), new CloudflareKVStore(namespace)],
      close: () => void runtime.dispose(),
    }
  },
}

export const SEALED: Backend = { name: 'sealed cookie', open: async () => both(new CookieStore({ secret: SECRET })) }

/** The backends that compare and set for every process. */
export const STRONG: readonly Backend[] = [MEMORY, LIBSQL, D1]

function both(store: Store): OpenStores {
  return { stores: [store, store], close: () => {} }
}

/** Opens a backend for one figure, and closes it however that ends. */
export async function withStores<T>(
  backend: Backend,
  use: (stores: readonly [Store, Store]) => Promise<T>,
): Promise<T> {
  const opened = await backend.open()
  try {
    return await use(opened.stores)
  } finally {
    opened.close()
  }
}
