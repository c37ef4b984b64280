/**
 * The databases that the SQLite tests run on: two drivers that share no code, one asynchronous and one synchronous, each
 * with a second connection to the same file, from which every write is proved.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClient } from '@libsql/client'
import type { Logger } from 'drizzle-orm'
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { drizzle } from 'drizzle-orm/libsql'
import { BaseSQLiteDatabase, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import type { SessionRecord } from 'latchkey'
import type { SqliteDatabase } from 'latchkey/stores/sqlite'
import { onTestFinished } from 'vitest'

export type Query = { sql: string; params: unknown[] }

export interface TestDatabase {
  db: SqliteDatabase
  /** Runs on another connection than `db`. */
  elsewhere(sql: string): Promise<Record<string, unknown>[]>
  /** The queries that `db` ran. */
  queries: Query[]
}

/** A file's path in a directory that goes with the test. */
export function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'sessions.db')
}

/**
 * Runs SQL on a file by a connection of its own. Of the same library as the store's: two copies of SQLite in one process
 * drop each other's file locks.
 */
export function secondConnection(file: string): TestDatabase['elsewhere'] {
  return async (sql) => {
    const client = createClient({ url: `file:${file}` })
    try {
      return (await client.execute(sql)).rows
    } finally {
      client.close()
    }
  }
}

export const DRIVERS: { driver: string; open: () => TestDatabase }[] = [
  {
    driver: 'libsql, asynchronous',
    open() {
      const file = temporaryFile()
      const client = createClient({ url: `file:${file}` })
      onTestFinished(() => client.close())
      const queries: Query[] = []
      const logger = { logQuery: (sql: string, params: unknown[]) => void queries.push({ sql, params }) }
      return { db: drizzle({ client, logger }), queries, elsewhere: secondConnection(file) }
    },
  },
  {
    driver: 'node:sqlite, synchronous',
    open() {
      const file = temporaryFile()
      const connection = new DatabaseSync(file)
      onTestFinished(() => connection.close())
      const queries: Query[] = []
      const logger = { logQuery: (sql: string, params: unknown[]) => void queries.push({ sql, params }) }
      const elsewhere: TestDatabase['elsewhere'] = async (sql) => {
        const other = new DatabaseSync(file)
        try {
          return other.prepare(sql).all()
        } finally {
          other.close()
        }
      }
      return { db: throughNodeSqlite(connection, logger), queries, elsewhere }
    },
  },
]

/** A Drizzle database over Node's own SQLite, which Drizzle has no driver for. */
export function throughNodeSqlite(connection: DatabaseSync, logger?: Logger): SqliteDatabase {
  const dialect = new SQLiteSyncDialect()
  const session = new BetterSQLiteSession(likeBetterSqlite(connection), dialect, undefined, {
    ...(logger && { logger }),
  })
  return new BaseSQLiteDatabase('sync', dialect, session, undefined)
}

/** Node's own SQLite with the face of better-sqlite3. */
function likeBetterSqlite(connection: DatabaseSync): any {
  return {
    prepare(sql: string) {
      const statement = connection.prepare(sql)
      const rows = connection.prepare(sql)
      rows.setReturnArrays(true)
      return {
        run: (...values: any[]) => statement.run(...values),
        all: (...values: any[]) => statement.all(...values),
        raw: () => ({ all: (...values: any[]) => rows.all(...values) }),
      }
    },
  }
}

/** A record with nothing optional in it, and what is given. */
export function recordOf(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: 'id',
    verifier: 'verifier',
    data: '{}',
    version: 1,
    createdAt: 1_000,
    rotatedAt: 1_000,
    lastSeenAt: 1_000,
    expiresAt: 10_000,
    endsAt: 20_000,
    ...fields,
  }
}
