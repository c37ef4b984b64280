/**
 * The sessions table as Drizzle knows it, for `SqliteStore`, for the user's own schema and drizzle-kit, and the statements
 * that create it. Columns are plain text and integers: JSON is read by the store, so that a corrupt row is a missing
 * session and not an error in the middle of somebody's query.
 */
import { is, type BuildColumns, type IsPrimaryKey, type NotNull } from 'drizzle-orm'
import {
  SQLiteTable,
  getTableConfig,
  index,
  integer,
  sqliteTable,
  text,
  type SQLiteIntegerBuilderInitial,
  type SQLiteTableWithColumns,
  type SQLiteTextBuilderInitial,
} from 'drizzle-orm/sqlite-core'
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'

type Text<Column extends string> = SQLiteTextBuilderInitial<Column, [string, ...string[]], number | undefined>
type Integer<Column extends string> = SQLiteIntegerBuilderInitial<Column>

/** One column for each field of a record; the session's own lifetime, `info` and `previous` are JSON. */
export interface SessionsColumns {
  id: IsPrimaryKey<NotNull<Text<'id'>>>
  verifier: NotNull<Text<'verifier'>>
  data: NotNull<Text<'data'>>
  flash: Text<'flash'>
  version: NotNull<Integer<'version'>>
  createdAt: NotNull<Integer<'created_at'>>
  authenticatedAt: Integer<'authenticated_at'>
  rotatedAt: NotNull<Integer<'rotated_at'>>
  lastSeenAt: NotNull<Integer<'last_seen_at'>>
  expiresAt: NotNull<Integer<'expires_at'>>
  endsAt: Integer<'ends_at'>
  lifetime: Text<'lifetime'>
  subject: Text<'subject'>
  info: Text<'info'>
  previous: Text<'previous'>
}

/** A sessions table: use it in your own queries and relations like any other Drizzle table. Times are epoch milliseconds. */
export type SessionsTable<Name extends string = string> = SQLiteTableWithColumns<{
  name: Name
  schema: undefined
  columns: BuildColumns<Name, { [Column in keyof SessionsColumns]: SessionsColumns[Column] }, 'sqlite'>
  dialect: 'sqlite'
}>

/**
 * A sessions table of another name, for two kinds of sessions in one database.
 * @throws SessionConfigError when the name is not made of letters, digits and `_`, or is one that SQLite keeps for itself
 */
export function sessionsTableNamed<Name extends string>(name: Name): SessionsTable<Name> {
  if (typeof name !== 'string' || !/^[a-z_][a-z0-9_]{0,99}$/i.test(name)) {
    throw new SessionConfigError(
      `The table's name is ${describe(name)}; it must be 1 to 100 letters, digits and \`_\`, and not start with a digit.`,
    )
  }
  // `sqlite` alone names a table, and none of its indexes.
  if (/^sqlite(?:_|$)/i.test(name)) {
    throw new SessionConfigError(
      `The table's name is ${JSON.stringify(name)}; SQLite keeps names that begin with \`sqlite_\` for itself.`,
    )
  }
  return build(name) as unknown as SessionsTable<Name>
}

function build(name: string): SessionsTable {
  return sqliteTable(
    name,
    {
      id: text('id').primaryKey().notNull(),
      verifier: text('verifier').notNull(),
      data: text('data').notNull(),
      flash: text('flash'),
      version: integer('version').notNull(),
      createdAt: integer('created_at').notNull(),
      authenticatedAt: integer('authenticated_at'),
      rotatedAt: integer('rotated_at').notNull(),
      lastSeenAt: integer('last_seen_at').notNull(),
      expiresAt: integer('expires_at').notNull(),
      endsAt: integer('ends_at'),
      lifetime: text('lifetime'),
      subject: text('subject'),
      info: text('info'),
      previous: text('previous'),
    },
    (table) => [index(`${name}_expires_at`).on(table.expiresAt), index(`${name}_subject`).on(table.subject)],
  )
}

/** The table that `SqliteStore` uses unless told otherwise: `sessions`. Export it from your schema for drizzle-kit. */
export const sessionsTable: SessionsTable<'sessions'> = sessionsTableNamed('sessions')

/** What creates the table and its indexes where they are missing: the same that drizzle-kit makes of it. */
export function createStatements(table: SessionsTable): string[] {
  const { name, columns, indexes } = getTableConfig(table)
  const lines = columns.map(
    (column) =>
      `"${column.name}" ${column.getSQLType()}${column.primary ? ' PRIMARY KEY' : ''}${column.notNull ? ' NOT NULL' : ''}`,
  )
  return [
    `CREATE TABLE IF NOT EXISTS "${name}" (${lines.join(', ')})`,
    ...indexes.map(({ config }) => {
      const on = config.columns.map((column) => ('name' in column ? `"${column.name}"` : ''))
      return `CREATE INDEX IF NOT EXISTS "${config.name}" ON "${name}" (${on.join(', ')})`
    }),
  ]
}

/** What is wrong with a `table` option. */
export function tableProblems(table: unknown): string[] {
  if (is(table, SQLiteTable) && 'verifier' in table) return []
  return [`\`table\` is ${describe(table)}; it must come from \`sessionsTableNamed(name)\`.`]
}
