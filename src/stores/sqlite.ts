/**
 * SqliteStore: sessions in any SQLite database that Drizzle drives, synchronous or not. Every method is one statement
 * (sqlite-statements.ts), atomic by itself, over the table of sqlite-schema.ts; sqlite-rows.ts turns records into rows.
 */
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { describe } from '../core/describe.ts'
import { describeFailure, SessionConfigError, StoreUnavailableError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import {
  Store,
  type Expected,
  type StoreCallOptions,
  type StoreCapabilities,
  type UpdateOptions,
  type UpdateResult,
} from '../core/store.ts'
import { toId, toRecord, toRow, toText, unpack } from './sqlite-rows.ts'
import { createStatements, sessionsTable, tableProblems, type SessionsTable } from './sqlite-schema.ts'
import { PAGE, SqliteStatements, type SqliteDatabase } from './sqlite-statements.ts'

export { sessionsTable, sessionsTableNamed, type SessionsColumns, type SessionsTable } from './sqlite-schema.ts'
export type { SqliteDatabase } from './sqlite-statements.ts'

export interface SqliteStoreOptions {
  /** The table, from `sessionsTableNamed(name)`. Default: `sessionsTable`, named `sessions`. */
  table?: SessionsTable
}

/**
 * Keeps sessions in a table of your database. Create it once, with drizzle-kit or by `await store.migrate()`.
 * @throws SessionConfigError when `db` is no Drizzle SQLite database, or `table` no sessions table
 */
export class SqliteStore extends Store {
  readonly #db: SqliteDatabase
  readonly #table: SessionsTable
  readonly #statements: SqliteStatements

  constructor(db: SqliteDatabase, options: SqliteStoreOptions = {}) {
    super()
    const { table = sessionsTable } = options
    const problems: string[] = []
    const methods = ['select', 'insert', 'update', 'delete', 'run'] as const
    if (!methods.every((name) => typeof (db as SqliteDatabase | undefined)?.[name] === 'function'))
      problems.push(`\`db\` is ${describe(db)}; it must be a Drizzle SQLite database, such as \`drizzle(client)\`.`)
    problems.push(...tableProblems(table))
    if (problems.length > 0) throw new SessionConfigError(problems)
    this.#db = db
    this.#table = table
    this.#statements = new SqliteStatements(db, table)
  }

  /** One statement does it or does not: atomic for every process that shares the database. */
  override get capabilities(): StoreCapabilities {
    return { atomic: true, consistency: 'strong' }
  }

  /**
   * Creates the table and its indexes where they are missing. Safe at every start, by several processes at once.
   * @throws StoreUnavailableError when there is a table of that name and another shape, naming the column
   */
  async migrate(): Promise<void> {
    const [table = '', ...indexes] = createStatements(this.#table)
    await this.execute(async () => void (await this.#db.run(sql.raw(table))))
    // Asks for every column: to some SQLite, an index on a missing one is an index on the text of its name.
    await this.get('')
    for (const index of indexes) await this.execute(async () => void (await this.#db.run(sql.raw(index))))
  }

  override async get(id: string, options?: StoreCallOptions): Promise<SessionRecord | undefined> {
    const values = { id: toText(id) }
    // A row that JSON cannot hold exactly is asked for once more, by columns: it may be corrupt, and then it is missing.
    try {
      const [packed] = await this.execute(() => this.#statements.getPacked(values), options, 'read')
      const record = packed && unpack(packed)
      if (!packed || record) return record
    } catch (error) {
      if (!isOfJson(error)) throw error
    }
    const [row] = await this.execute(() => this.#statements.get(values), options, 'read')
    return row && toRecord(row)
  }

  override async set(id: string, record: SessionRecord, options?: StoreCallOptions): Promise<void> {
    await this.execute(() => this.#statements.set(toRow(id, record)), options)
  }

  override async destroy(id: string, options?: StoreCallOptions): Promise<boolean> {
    const rows = await this.execute(() => this.#statements.destroy({ id: toText(id) }), options)
    return rows.length > 0
  }

  override async create(record: SessionRecord, options?: StoreCallOptions): Promise<boolean> {
    const rows = await this.execute(() => this.#statements.create(toRow(record.id, record)), options)
    return rows.length > 0
  }

  override async update(record: SessionRecord, expected: Expected, options?: UpdateOptions): Promise<UpdateResult> {
    const row = toRow(record.id, record)
    const values = { ...row, ...expectedValues(expected), exactExpiry: options?.exactExpiry ? 1 : 0 }
    const updated = await this.execute(() => this.#statements.update(values), options)
    if (updated.length > 0) return 'ok'
    const others = await this.execute(() => this.#statements.exists({ id: row.id }), options, 'read')
    return others.length > 0 ? 'conflict' : 'gone'
  }

  override async touch(
    id: string,
    expiresAt: number,
    lastSeenAt: number,
    expected: Expected,
    options?: StoreCallOptions,
  ): Promise<boolean> {
    const values = { id: toText(id), expiresAt, lastSeenAt, ...expectedValues(expected) }
    const rows = await this.execute(() => this.#statements.touch(values), options)
    return rows.length > 0
  }

  override async removeExpired(now: number, limit: number, options?: StoreCallOptions): Promise<number> {
    // To SQLite a negative limit is none at all, and Infinity does not bind.
    const bounded = Math.min(Math.max(Math.floor(limit), 0), Number.MAX_SAFE_INTEGER)
    const rows = await this.execute(() => this.#statements.removeExpired({ now, limit: bounded }), options)
    return rows.length
  }

  override async countExpired(now: number, options?: StoreCallOptions): Promise<number> {
    const [row] = await this.execute(() => this.#statements.countExpired({ now }), options, 'read')
    return Number(row?.n)
  }

  /** Reads page by page in the order of ids, so that writes can go on in between. */
  override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
    for (let after = '', full = true; full;) {
      const from = after
      const rows = await this.execute(() => this.#statements.page({ after: from }), undefined, 'read')
      for (const row of rows) {
        after = row.id
        const record = toRecord(row)
        if (record) yield record
      }
      full = rows.length === PAGE
    }
  }

  override async length(): Promise<number> {
    const [row] = await this.execute(() => this.#statements.length(), undefined, 'read')
    return Number(row?.n)
  }

  override async clear(): Promise<void> {
    await this.execute(() => this.#statements.clear())
  }

  override async findBySubject(subject: string, options?: StoreCallOptions): Promise<SessionRecord[]> {
    const rows = await this.execute(() => this.#statements.findBySubject({ subject: toText(subject) }), options, 'read')
    return rows.flatMap((row) => toRecord(row) ?? [])
  }

  override async removeBySubject(subject: string, exceptId?: string, options?: StoreCallOptions): Promise<string[]> {
    const values = { subject: toText(subject), exceptId: toText(exceptId) }
    const rows = await this.execute(() => this.#statements.removeBySubject(values), options)
    return rows.flatMap((row) => toId(row[0]) ?? [])
  }

  /**
   * Every statement passes here, a `'read'` if it changes nothing; override it to wait, retry or measure, until
   * `options.signal` aborts. Drizzle's own errors carry the statement's parameters, that is session data, and never leave:
   * what leaves is the driver's error underneath (P13, F25).
   */
  protected async execute<T>(
    statement: () => T | PromiseLike<T>,
    _options?: StoreCallOptions,
    _access?: 'read' | 'write',
  ): Promise<T> {
    try {
      return await statement()
    } catch (error) {
      const cause = withoutParameters(error)
      const problem = cause instanceof Error ? shapeProblem(cause.message, this.#table) : undefined
      throw problem === undefined ? cause : new StoreUnavailableError(problem, { cause: describeFailure(cause) })
    }
  }
}

/** What a database's message says of the table, `undefined` when it is about something else. */
function shapeProblem(message: string, table: SessionsTable): string | undefined {
  const name = getTableName(table)
  // Of another name, it is one that a trigger or a view of the user's wants.
  const gone = /no such table: "?(?:\w+"?\."?)?(\w+)/i.exec(message)?.[1]
  if (gone?.toLowerCase() === name.toLowerCase())
    return 'The sessions table is missing. Create it with `await store.migrate()`, once at start, or with drizzle-kit.'
  const columns = Object.values(getTableColumns(table)).map((column) => column.name)
  const missing = /(?:no such column: "?(?:\w+"?\."?)?|has no column named "?)(\w+)/i.exec(message)?.[1]
  const [, owner, required = ''] = /NOT NULL constraint failed: (\w+)\.(\w+)/i.exec(message) ?? []
  let what: string | undefined
  if (missing !== undefined && columns.includes(missing)) what = `it has no column \`${missing}\``
  else if (owner === name && !columns.includes(required))
    what = `its column \`${required}\`, which is none of ours, is NOT NULL`
  else if (/ON CONFLICT clause does not match/i.test(message)) what = 'its column `id` is not the primary key'
  if (what === undefined) return undefined
  return (
    `The table \`${name}\` is no sessions table of this version: ${what}. Bring it up to \`sessionsTable\` with drizzle-kit, ` +
    'or give sessions a table of their own: `sessionsTableNamed(name)`, then `await store.migrate()`.'
  )
}

/** Whether SQLite could not make JSON of a row: a value in it is a BLOB, or there is no JSON in this SQLite. */
function isOfJson(error: unknown): boolean {
  return error instanceof Error && !(error instanceof StoreUnavailableError) && /json/i.test(error.message)
}

function expectedValues({ version, verifier }: Expected): { expectedVersion: number; expectedVerifier: string | null } {
  return { expectedVersion: version, expectedVerifier: toText(verifier) }
}

/** The driver's error below Drizzle's. */
function withoutParameters(error: unknown): unknown {
  let source = error
  while (source instanceof Error && ('params' in source || source.name === 'DrizzleError')) {
    source = source.cause ?? new Error('The database reported no reason.')
  }
  return source
}
