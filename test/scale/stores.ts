/** The stores that keep every promise, each opened twice on one backend, as two instances of an app have it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import type { Store } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { ThreeMethodStore } from '../testing/three-methods.ts'

export interface OpenStores {
  stores: readonly [Store, Store]
  close(): void
}

export const STRONG_STORES: { name: string; open: () => Promise<OpenStores> }[] = [
  { name: 'MemoryStore', open: async () => shared(new MemoryStore()) },
  { name: 'a store of three methods', open: async () => shared(new ThreeMethodStore()) },
  {
    name: 'LibsqlStore, two clients of one file',
    async open() {
      const { directory, remove } = temporaryDirectory()
      const url = `file:${join(directory, 'sessions.db')}`
      const stores = [new LibsqlStore({ url }), new LibsqlStore({ url })] as const
      return { stores, close: () => [...stores.map((store) => () => store.close()), remove].forEach((end) => end()) }
    },
  },
  {
    name: 'SqliteStore, two connections of better-sqlite3',
    async open() {
      const { directory, remove } = temporaryDirectory()
      const file = join(directory, 'sessions.db')
      const databases = [drizzle(file), drizzle(file)] as const
      for (const { $client } of databases) $client.pragma('journal_mode = WAL')
      const stores = [new SqliteStore(databases[0]), new SqliteStore(databases[1])] as const
      await stores[0].migrate()
      return {
        stores,
        close: () =>
          [
            ...databases.map(
              ({ $client }) =>
                () =>
                  $client.close(),
            ),
            remove,
          ].forEach((end) => end()),
      }
    },
  },
]

/** One store that both instances share. */
function shared(store: Store): OpenStores {
  return { stores: [store, store], close: () => {} }
}

export function temporaryDirectory(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-scale-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
