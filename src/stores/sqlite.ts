/**
 * SqliteStore: sessions in any SQLite database that Drizzle drives, synchronous or not. Every method is one prepared
 * statement, made at first use; counting the rows it returns is the one way to know what a write did that all drivers
 * share. No transactions and no PRAGMA, which not every driver has.
 */
import {
  and,
  asc,
  count,
  eq,
  getTableColumns,
  gt,
  inArray,
  is,
  lte,
  sql,
  type Placeholder,
  type SQL,
} from 'drizzle-orm'
import { SQLiteTable, type BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import { describe } from '../core/describe.ts'
import { SessionConfigError, StoreUnavailableError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { Store, type Expected, type StoreCapabilities, type UpdateResult } from '../core/store.ts'
import { fromText, toRecord, toRow, toText, type Row } from './sqlite-rows.ts'
import { createStatements, sessionsTable, type SessionsTable } from './sqlite-schema.ts'

export { sessionsTable, sessionsTableNamed, type SessionsColumns, type SessionsTable } from './sqlite-schema.ts'

/** Any Drizzle SQLite database: libSQL, D1, better-sqlite3, bun:sqlite, Durable Objects, … */
export type SqliteDatabase = BaseSQLiteDatabase<'sync' | 'async', unknown, Record<string, unknown>>

export interface SqliteStoreOptions {
  /** The table, from `sessionsTableNamed(name)`. Default: `sessionsTable`, named `sessions`. */
  table?: SessionsTable
}

/** How many rows `all()` reads at a time. */
const PAGE = 100

/**
 * Keeps sessions in a table of your database. Create it once, with drizzle-kit or by `await store.migrate()`.
 * @throws SessionConfigError when `db` is no Drizzle SQLite database, or `table` no sessions table
 */
export class SqliteStore extends Store {
  readonly #db: SqliteDatabase
  readonly #table: SessionsTable

  readonly #get = lazily(() =>
    this.#db
      .select()
      .from(this.#table)
      .where(eq(this.#table.id, param('id')))
      .prepare(),
  )
  readonly #exists = lazily(() =>
    this.#db
      .select({ id: this.#table.id })
      .from(this.#table)
      .where(eq(this.#table.id, param('id')))
      .prepare(),
  )
  readonly #create = lazily(() =>
    this.#db.insert(this.#table).values(rowParams()).onConflictDoNothing().returning({ id: this.#table.id }).prepare(),
  )
  readonly #set = lazily(() => {
    const { id, ...rest } = rowParams()
    return this.#db
      .insert(this.#table)
      .values({ id, ...rest })
      .onConflictDoUpdate({ target: this.#table.id, set: rest })
      .returning({ id: this.#table.id })
      .prepare()
  })
  readonly #update = lazily(() => {
    const { id: _, expiresAt, ...rest } = rowParams()
    const later = sql`max(${this.#table.expiresAt}, ${expiresAt})`
    return this.#db
      .update(this.#table)
      .set({ ...rest, expiresAt: sql`case when ${param('exactExpiry')} then ${expiresAt} else ${later} end` })
      .where(this.#isExpected())
      .returning({ id: this.#table.id })
      .prepare()
  })
  readonly #touch = lazily(() => {
    const { endsAt, expiresAt, lastSeenAt } = this.#table
    const latest = sql`min(${param('expiresAt')}, coalesce(${endsAt}, ${param('expiresAt')}))`
    return this.#db
      .update(this.#table)
      .set({
        expiresAt: sql`max(${expiresAt}, ${latest})`,
        lastSeenAt: sql`max(${lastSeenAt}, ${param('lastSeenAt')})`,
      })
      .where(this.#isExpected())
      .returning({ id: this.#table.id })
      .prepare()
  })
  readonly #destroy = lazily(() =>
    this.#db
      .delete(this.#table)
      .where(eq(this.#table.id, param('id')))
      .returning({ id: this.#table.id })
      .prepare(),
  )
  readonly #removeExpired = lazily(() => {
    const { id, expiresAt } = this.#table
    const expired = this.#db
      .select({ id })
      .from(this.#table)
      .where(lte(expiresAt, param('now')))
      .limit(param('limit'))
    return this.#db.delete(this.#table).where(inArray(id, expired)).returning({ id }).prepare()
  })
  readonly #countExpired = lazily(() =>
    this.#db
      .select({ n: count() })
      .from(this.#table)
      .where(lte(this.#table.expiresAt, param('now')))
      .prepare(),
  )
  readonly #page = lazily(() => {
    const { id } = this.#table
    return this.#db
      .select()
      .from(this.#table)
      .where(gt(id, param('after')))
      .orderBy(asc(id))
      .limit(PAGE)
      .prepare()
  })
  readonly #length = lazily(() => this.#db.select({ n: count() }).from(this.#table).prepare())
  readonly #clear = lazily(() => this.#db.delete(this.#table).prepare())
  readonly #findBySubject = lazily(() =>
    this.#db
      .select()
      .from(this.#table)
      .where(eq(this.#table.subject, param('subject')))
      .prepare(),
  )
  readonly #removeBySubject = lazily(() => {
    const { id, subject } = this.#table
    const other = sql`${id} is not ${param('exceptId')}`
    return this.#db
      .delete(this.#table)
      .where(and(eq(subject, param('subject')), other))
      .returning({ id })
      .prepare()
  })

  constructor(db: SqliteDatabase, options: SqliteStoreOptions = {}) {
    super()
    this.#db = db
    this.#table = options.table ?? sessionsTable
    const problems: string[] = []
    const methods = ['select', 'insert', 'update', 'delete', 'run'] as const
    if (!methods.every((name) => typeof (db as SqliteDatabase | undefined)?.[name] === 'function'))
      problems.push(`\`db\` is ${describe(db)}; it must be a Drizzle SQLite database, such as \`drizzle(client)\`.`)
    if (!is(this.#table, SQLiteTable) || !this.#table.verifier)
      problems.push(`\`table\` is ${describe(options.table)}; it must come from \`sessionsTableNamed(name)\`.`)
    if (problems.length > 0) throw new SessionConfigError(problems)
  }

  /** One statement does it or does not: atomic for every process that shares the database. */
  override get capabilities(): StoreCapabilities {
    return { atomic: true, consistency: 'strong' }
  }

  /**
   * Creates the table and its indexes where they are missing. Safe to call at every start, by several processes at once.
   * @throws what the database reports, without parameters
   */
  async migrate(): Promise<void> {
    for (const statement of createStatements(this.#table)) {
      await this.execute(() => this.#db.run(sql.raw(statement)) as PromiseLike<unknown>)
    }
  }

  override async get(id: string): Promise<SessionRecord | undefined> {
    const [row] = await this.execute(() => this.#get().all({ id: toText(id) }))
    return row && toRecord(row)
  }

  override async set(id: string, record: SessionRecord): Promise<void> {
    await this.execute(() => this.#set().all({ ...toRow(id, record) }))
  }

  override async destroy(id: string): Promise<boolean> {
    const rows = await this.execute(() => this.#destroy().all({ id: toText(id) }))
    return rows.length > 0
  }

  override async create(record: SessionRecord): Promise<boolean> {
    const rows = await this.execute(() => this.#create().all({ ...toRow(record.id, record) }))
    return rows.length > 0
  }

  override async update(
    record: SessionRecord,
    expected: Expected,
    options?: { exactExpiry?: boolean },
  ): Promise<UpdateResult> {
    const exactExpiry = options?.exactExpiry ? 1 : 0
    const values = { ...toRow(record.id, record), ...expectedValues(expected), exactExpiry }
    const rows = await this.execute(() => this.#update().all(values))
    if (rows.length > 0) return 'ok'
    const others = await this.execute(() => this.#exists().all({ id: values.id }))
    return others.length > 0 ? 'conflict' : 'gone'
  }

  override async touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): Promise<boolean> {
    const values = { id: toText(id), expiresAt, lastSeenAt, ...expectedValues(expected) }
    const rows = await this.execute(() => this.#touch().all(values))
    return rows.length > 0
  }

  override async removeExpired(now: number, limit: number): Promise<number> {
    // To SQLite a negative limit is none, and Infinity does not bind.
    const bounded = Math.min(Math.max(Math.floor(limit), 0), Number.MAX_SAFE_INTEGER)
    const rows = await this.execute(() => this.#removeExpired().all({ now, limit: bounded }))
    return rows.length
  }

  override async countExpired(now: number): Promise<number> {
    const [row] = await this.execute(() => this.#countExpired().all({ now }))
    return Number(row?.n)
  }

  /** Reads page by page in the order of ids, so that writes can go on in between. */
  override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
    for (let after = '', full = true; full;) {
      const rows = await this.execute(() => this.#page().all({ after }))
      for (const row of rows) {
        after = row.id
        const record = toRecord(row)
        if (record) yield record
      }
      full = rows.length === PAGE
    }
  }

  override async length(): Promise<number> {
    const [row] = await this.execute(() => this.#length().all())
    return Number(row?.n)
  }

  override async clear(): Promise<void> {
    await this.execute(() => this.#clear().run() as PromiseLike<unknown>)
  }

  override async findBySubject(subject: string): Promise<SessionRecord[]> {
    const rows = await this.execute(() => this.#findBySubject().all({ subject: toText(subject) }))
    return rows.flatMap((row) => toRecord(row) ?? [])
  }

  override async removeBySubject(subject: string, exceptId?: string): Promise<string[]> {
    const values = { subject: toText(subject), exceptId: toText(exceptId) }
    const rows = await this.execute(() => this.#removeBySubject().all(values))
    return rows.map(({ id }) => fromText(id) as string)
  }

  /**
   * Every statement passes here; extend it to wait, retry or measure. Drizzle's own errors carry the statement's
   * parameters, that is session data, and never leave: what leaves is the driver's error underneath (P13, F25).
   */
  protected async execute<T>(statement: () => T | PromiseLike<T>): Promise<T> {
    try {
      return await statement()
    } catch (error) {
      const cause = withoutParameters(error)
      if (!(cause instanceof Error && /no such table/i.test(cause.message))) throw cause
      throw new StoreUnavailableError(
        'The sessions table is missing. Create it with `await store.migrate()`, once at start, or with drizzle-kit.',
        { cause },
      )
    }
  }

  #isExpected(): SQL | undefined {
    const { id, version, verifier } = this.#table
    return and(eq(id, param('id')), eq(version, param('expectedVersion')), eq(verifier, param('expectedVerifier')))
  }
}

function expectedValues({ version, verifier }: Expected): { expectedVersion: number; expectedVerifier: string | null } {
  return { expectedVersion: version, expectedVerifier: toText(verifier) }
}

/** Makes the statement at first use, when the table exists; an attempt that failed is not kept. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

function param(name: string): Placeholder {
  return sql.placeholder(name)
}

/** A whole row, to be bound. */
function rowParams(): Record<keyof Row, SQL> {
  const names = Object.keys(getTableColumns(sessionsTable)) as (keyof Row)[]
  return Object.fromEntries(names.map((name) => [name, sql`${param(name)}`])) as Record<keyof Row, SQL>
}

/** The driver's error below Drizzle's. */
function withoutParameters(error: unknown): unknown {
  let source = error
  while (source instanceof Error && ('params' in source || source.name === 'DrizzleError')) {
    source = source.cause ?? new Error('The database reported no reason.')
  }
  return source
}
