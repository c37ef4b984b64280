import { eq } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { DrizzleSqliteDODatabase } from 'drizzle-orm/durable-sqlite'
import { drizzle, type LibSQLDatabase } from 'drizzle-orm/libsql'
import { getTableConfig, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import { SessionConfigError } from 'latchkey'
import { sessionsTable, sessionsTableNamed, SqliteStore, type SqliteDatabase } from 'latchkey/stores/sqlite'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { DRIVERS, recordOf, temporaryFile } from './sqlite-databases.ts'

const users = sqliteTable('users', { id: text('id').primaryKey(), age: integer('age') })

describe('sessionsTable', () => {
  it('has typed columns for the user, in a schema of their own and in joins', async () => {
    expectTypeOf<(typeof sessionsTable)['$inferSelect']>().toExtend<{
      id: string
      expiresAt: number
      endsAt: number | null
      subject: string | null
    }>()
    expectTypeOf<(typeof sessionsTable)['$inferSelect']['subject']>().not.toBeAny()
    expectTypeOf<(typeof sessionsTable)['$inferInsert']>().toExtend<{ subject?: string | null | undefined }>()
    const db = drizzle(`file:${temporaryFile()}`, { schema: { users, sessionsTable } })
    const store = new SqliteStore(db)
    await store.migrate()
    await db.run('create table users (id text primary key, age integer)')
    await db.insert(users).values({ id: 'u_1', age: 30 })
    await store.create(recordOf({ subject: 'u_1' }))
    const rows = await db
      .select({ age: users.age, endsAt: sessionsTable.endsAt })
      .from(users)
      .innerJoin(sessionsTable, eq(users.id, sessionsTable.subject))
    expectTypeOf(rows).toEqualTypeOf<{ age: number | null; endsAt: number | null }[]>()
    expect(rows).toEqual([{ age: 30, endsAt: 20_000 }])
    const joined = await db.select().from(users).innerJoin(sessionsTable, eq(users.id, sessionsTable.subject))
    expectTypeOf(joined[0]!.sessions.id).toEqualTypeOf<string>()
    expect((await db.query.sessionsTable.findFirst())?.id).toBe('id')
    db.$client.close()
  })

  it('of another name has the same columns and indexes of its own', () => {
    const admins = sessionsTableNamed('admins')
    expectTypeOf<(typeof admins)['$inferSelect']>().toEqualTypeOf<(typeof sessionsTable)['$inferSelect']>()
    expect(admins.expiresAt.name).toBe('expires_at')
    expect(getTableConfig(admins).indexes.map(({ config }) => config.name)).toEqual([
      'admins_expires_at',
      'admins_subject',
    ])
  })

  it.each(['', '1st', 'a"b', 'a b', 'a;drop', 'é', 'x'.repeat(101), undefined, 7])('refuses the name %j', (name) => {
    expect(() => sessionsTableNamed(name as string)).toThrow(SessionConfigError)
  })

  it.each(['sqlite_x', 'SQLite_sessions', 'sqlite'])("refuses the name %s: SQLite's own begin like it", (name) => {
    expect(() => sessionsTableNamed(name)).toThrow(SessionConfigError)
    expect(() => sessionsTableNamed(name)).toThrow('`sqlite_`')
  })

  it('a name that only contains such a one is like any other', async () => {
    for (const name of ['sqlite3sessions', 'my_sqlite_sessions']) {
      const store = new SqliteStore(DRIVERS[0]!.open().db, { table: sessionsTableNamed(name) })
      await store.migrate()
      expect(await store.create(recordOf())).toBe(true)
    }
  })
})

describe('SqliteDatabase', () => {
  it('takes the database of every Drizzle SQLite driver, with a schema or without', () => {
    type Schema = { users: typeof users }
    expectTypeOf<LibSQLDatabase>().toExtend<SqliteDatabase>()
    expectTypeOf<LibSQLDatabase<Schema>>().toExtend<SqliteDatabase>()
    expectTypeOf<BetterSQLite3Database>().toExtend<SqliteDatabase>()
    expectTypeOf<BetterSQLite3Database<Schema>>().toExtend<SqliteDatabase>()
    expectTypeOf<BunSQLiteDatabase>().toExtend<SqliteDatabase>()
    expectTypeOf<BunSQLiteDatabase<Schema>>().toExtend<SqliteDatabase>()
    expectTypeOf<DrizzleD1Database>().toExtend<SqliteDatabase>()
    expectTypeOf<DrizzleD1Database<Schema>>().toExtend<SqliteDatabase>()
    expectTypeOf<DrizzleSqliteDODatabase>().toExtend<SqliteDatabase>()
    expectTypeOf<SqliteRemoteDatabase<Schema>>().toExtend<SqliteDatabase>()
    expectTypeOf<string>().not.toExtend<SqliteDatabase>()
  })
})

describe.each(DRIVERS)('migrate on $driver', ({ open }) => {
  it('creates the table with both indexes, and does nothing the second time', async () => {
    const { db, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    await store.create(recordOf())
    await store.migrate()
    await Promise.all([store.migrate(), store.migrate(), new SqliteStore(db).migrate()])
    expect(await store.length()).toBe(1)
    const made = await elsewhere(`select name from sqlite_schema where name like 'sessions%' order by name`)
    expect(made.map(({ name }) => name)).toEqual(['sessions', 'sessions_expires_at', 'sessions_subject'])
    const columns = await elsewhere(`select name, type, "notnull", pk from pragma_table_info('sessions')`)
    expect(columns.slice(0, 2)).toMatchObject([
      { name: 'id', type: 'TEXT', notnull: 1, pk: 1 },
      { name: 'verifier', type: 'TEXT', notnull: 1, pk: 0 },
    ])
    expect(columns.map(({ name }) => name)).toEqual(Object.values(columnNames()))
  })

  it('every statement uses an index, and none of them scans the table', async () => {
    const { db, queries, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    queries.length = 0
    await store.create(recordOf())
    await store.set('id', recordOf())
    await store.get('id')
    await store.update(recordOf(), { version: 9, verifier: '' })
    await store.touch('id', 1, 1, { version: 9, verifier: '' })
    await store.countExpired(1)
    await store.removeExpired(1, 10)
    await store.findBySubject('u')
    await store.removeBySubject('u', 'id')
    await store.length()
    await store.all().next()
    await store.destroy('id')
    await store.clear()
    expect(queries).toHaveLength(14)
    const plans = new Map<string, string[]>()
    for (const { sql } of queries) {
      const plan = await elsewhere(`explain query plan ${sql.replaceAll('?', '1')}`)
      plans.set(
        sql,
        plan.map(({ detail }) => String(detail)),
      )
    }
    // An insert looks nothing up but what its unique index refuses; clearing the table drops its pages.
    const without = [...plans].filter(([, details]) => !/USING (COVERING )?INDEX/.test(details.join('; ')))
    const [clearing, ...inserts] = without.map(([sql, details]) => [sql.slice(0, 22), ...details]).toSorted()
    expect(clearing).toEqual(['delete from "sessions"'])
    expect(inserts).toEqual([['insert into "sessions"'], ['insert into "sessions"']])
    const steps = [...plans.values()].flat()
    expect(steps.filter((step) => step.startsWith('SCAN') && !step.includes('COVERING INDEX'))).toEqual([])
    expect(steps.join('; ')).toContain('sessions_expires_at (expires_at<?)')
    expect(steps.join('; ')).toContain('sessions_subject (subject=?)')
  })
})

function columnNames(): string[] {
  const table: Record<string, unknown> = { ...sessionsTable }
  return Object.values(table).flatMap((column) => (column as { name?: string }).name ?? [])
}
