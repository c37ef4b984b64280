/**
 * The migrations that are shipped: what `migrate()` executes for the default table, as plain SQL for `sqlite3`, `wrangler d1
 * migrations apply`, `turso db shell` and their kind. Generated from the schema; a test holds that they are the same.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createStatements, sessionsTable } from '../src/stores/sqlite-schema.ts'

/** By path in the repository. */
export function migrations(): Record<string, string> {
  const statements = createStatements(sessionsTable).map((statement) => {
    const [, head, columns] = /^(CREATE TABLE .*?) \((.*)\)$/.exec(statement) ?? []
    return columns === undefined ? `${statement};` : `${head} (\n  ${columns.replaceAll(', ', ',\n  ')}\n);`
  })
  const comment = '-- The table of SqliteStore. Made by `npm run migrations` from src/stores/sqlite-schema.ts.'
  return { 'migrations/0001_sessions.sql': `${[comment, ...statements].join('\n')}\n` }
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(migrations())) {
    const file = join(import.meta.dirname, '..', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
