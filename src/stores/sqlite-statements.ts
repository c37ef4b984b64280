/**
 * The SQL of `SqliteStore`: one statement a method, prepared by Drizzle at first use, every value bound. All of them
 * return rows, for counting rows is the one way to know what a write did that all drivers share. No transactions and no
 * PRAGMA, which not every driver has.
 */
import {
  and,
  asc,
  count,
  entityKind,
  eq,
  getTableColumns,
  getTableName,
  gt,
  inArray,
  lte,
  sql,
  type Placeholder,
  type SQL,
} from 'drizzle-orm'
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import { PACKED, type PackedRow, type Row } from './sqlite-rows.ts'
import { sessionsTable, type SessionsTable } from './sqlite-schema.ts'

/** Any Drizzle SQLite database: libSQL, D1, better-sqlite3, bun:sqlite, Durable Objects, … */
export type SqliteDatabase = BaseSQLiteDatabase<'sync' | 'async', unknown, Record<string, unknown>>

/** Runs with these values; synchronous drivers answer at once. */
export type Statement<Result> = (values?: Record<string, unknown>) => Result[] | PromiseLike<Result[]>

/** What Drizzle prepares, as far as it is used here. */
interface Prepared {
  all: Statement<object>
  values: (values?: Record<string, unknown>) => unknown
}

type StoredRow = SessionsTable['$inferSelect']
type IdRow = ArrayLike<unknown> & { readonly 0: unknown }

/** How many rows a page of `all()` has. */
export const PAGE = 100

export class SqliteStatements {
  readonly #db: SqliteDatabase
  readonly #table: SessionsTable
  readonly #id: { id: SessionsTable['id'] }
  readonly #row: { [Column in keyof StoredRow]: SQL<StoredRow[Column]> }

  constructor(db: SqliteDatabase, table: SessionsTable) {
    this.#db = db
    this.#table = table
    this.#id = { id: table.id }
    this.#row = qualified(table)
  }

  readonly get: Statement<StoredRow> = lazily(() =>
    this.#db.select(this.#row).from(this.#table).where(this.#hasId()).prepare(),
  )

  /**
   * The same in two columns: libSQL's client needs longer for each column than SQLite for the row. Fails where a value is a
   * BLOB, which JSON does not hold, and where SQLite was built without JSON.
   */
  readonly getPacked: Statement<PackedRow> = unmapped(() => {
    const rest = sql.join(
      PACKED.map((name) => this.#row[name]),
      sql`, `,
    )
    const columns = { data: this.#row.data, rest: sql`json_array(${rest})` }
    return this.#db.select(columns).from(this.#table).where(this.#hasId()).prepare()
  })

  readonly exists: Statement<IdRow> = unmapped(() =>
    this.#db.select(this.#id).from(this.#table).where(this.#hasId()).prepare(),
  )

  readonly create: Statement<IdRow> = unmapped(() =>
    this.#db
      .insert(this.#table)
      .values(rowParams())
      // Named, so that a table whose id is not unique is an error, and not a second row.
      .onConflictDoNothing({ target: this.#table.id })
      .returning(this.#id)
      .prepare(),
  )

  readonly set: Statement<IdRow> = unmapped(() => {
    const { id, ...rest } = rowParams()
    return this.#db
      .insert(this.#table)
      .values({ id, ...rest })
      .onConflictDoUpdate({ target: this.#table.id, set: rest })
      .returning(this.#id)
      .prepare()
  })

  /** Compare-and-set. The later expiry is kept, unless `exactExpiry`. */
  readonly update: Statement<IdRow> = unmapped(() => {
    const { id: _, expiresAt, ...rest } = rowParams()
    const later = sql`max(${this.#table.expiresAt}, ${expiresAt})`
    return this.#db
      .update(this.#table)
      .set({ ...rest, expiresAt: sql`case when ${param('exactExpiry')} then ${expiresAt} else ${later} end` })
      .where(this.#isExpected())
      .returning(this.#id)
      .prepare()
  })

  /** Forward only, and never past the hard end. */
  readonly touch: Statement<IdRow> = unmapped(() => {
    const { endsAt, expiresAt, lastSeenAt } = this.#table
    const latest = sql`min(${param('expiresAt')}, coalesce(${endsAt}, ${param('expiresAt')}))`
    return this.#db
      .update(this.#table)
      .set({
        expiresAt: sql`max(${expiresAt}, ${latest})`,
        lastSeenAt: sql`max(${lastSeenAt}, ${param('lastSeenAt')})`,
      })
      .where(this.#isExpected())
      .returning(this.#id)
      .prepare()
  })

  readonly destroy: Statement<IdRow> = unmapped(() =>
    this.#db.delete(this.#table).where(this.#hasId()).returning(this.#id).prepare(),
  )

  readonly removeExpired: Statement<IdRow> = unmapped(() => {
    const { id, expiresAt } = this.#table
    const expired = this.#db
      .select(this.#id)
      .from(this.#table)
      .where(lte(expiresAt, param('now')))
      .limit(param('limit'))
    return this.#db.delete(this.#table).where(inArray(id, expired)).returning(this.#id).prepare()
  })

  readonly countExpired: Statement<{ n: number }> = lazily(() =>
    this.#db
      .select({ n: count() })
      .from(this.#table)
      .where(lte(this.#table.expiresAt, param('now')))
      .prepare(),
  )

  /** The rows whose id comes after `after`. */
  readonly page: Statement<StoredRow> = lazily(() => {
    const { id } = this.#table
    return this.#db
      .select(this.#row)
      .from(this.#table)
      .where(gt(id, param('after')))
      .orderBy(asc(id))
      .limit(PAGE)
      .prepare()
  })

  readonly length: Statement<{ n: number }> = lazily(() => this.#db.select({ n: count() }).from(this.#table).prepare())

  /** The one that tells nothing: nobody asks how many, and there may be a million. */
  readonly clear: Statement<never> = lazily(() => {
    const prepared = this.#db.delete(this.#table).prepare()
    return {
      all: async () => {
        await prepared.run()
        return []
      },
    }
  })

  readonly findBySubject: Statement<StoredRow> = lazily(() =>
    this.#db.select(this.#row).from(this.#table).where(this.#hasSubject()).prepare(),
  )

  readonly removeBySubject: Statement<IdRow> = unmapped(() => {
    const other = sql`${this.#table.id} is not ${param('exceptId')}`
    return this.#db.delete(this.#table).where(and(this.#hasSubject(), other)).returning(this.#id).prepare()
  })

  #hasId(): SQL {
    return eq(this.#table.id, param('id'))
  }

  #hasSubject(): SQL {
    return eq(this.#table.subject, param('subject'))
  }

  #isExpected(): SQL | undefined {
    const { version, verifier } = this.#table
    return and(this.#hasId(), eq(version, param('expectedVersion')), eq(verifier, param('expectedVerifier')))
  }
}

/** Prepares at first use, when the table exists; an attempt that failed is not kept. */
function lazily<Result>(prepare: () => { all: Statement<Result> }): Statement<Result> {
  let prepared: { all: Statement<Result> } | undefined
  return (values) => (prepared ??= prepare()).all(values)
}

/** The same, with each row as its bare values: to map rows by name takes Drizzle longer than all the rest it does. */
function unmapped<Values extends ArrayLike<unknown>>(prepare: () => Prepared): Statement<Values> {
  return lazily(() => {
    const prepared = prepare()
    // What Drizzle has users write for a proxy knows `all`, and not `values`.
    const isProxy = (prepared.constructor as { [entityKind]?: unknown })[entityKind] === 'SQLiteProxyPreparedQuery'
    const all: (values?: Record<string, unknown>) => unknown = isProxy
      ? async (values) => (await prepared.all(values)).map((row) => Object.values(row))
      : (values) => prepared.values(values)
    return { all: all as Statement<Values> }
  })
}

function param(name: string): Placeholder {
  return sql.placeholder(name)
}

/**
 * The columns of a row by table and name. By name alone, as Drizzle writes them, a column that is missing is to some SQLite
 * (D1, bun:sqlite) the text of its name: everybody's subject would be `subject`.
 */
function qualified(table: SessionsTable): { [Column in keyof StoredRow]: SQL<StoredRow[Column]> } {
  const columns = Object.entries(getTableColumns(table)).map(([name, column]) => [
    name,
    sql`${sql.identifier(getTableName(table))}.${sql.identifier(column.name)}`,
  ])
  return Object.fromEntries(columns)
}

/** A whole row, to be bound. */
function rowParams(): Record<keyof Row, SQL> {
  const names = Object.keys(getTableColumns(sessionsTable)) as (keyof Row)[]
  return Object.fromEntries(names.map((name) => [name, sql`${param(name)}`])) as Record<keyof Row, SQL>
}
