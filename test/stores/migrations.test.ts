import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { drizzle } from 'drizzle-orm/libsql'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../scripts/migrations.ts'
import { DRIVERS, recordOf, secondConnection, temporaryFile } from './sqlite-databases.ts'

const root = join(import.meta.dirname, '../..')
const shipped = Object.fromEntries(
  globSync('migrations/*.sql', { cwd: root }).map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)
const sql = Object.values(shipped).join('\n')

/** Without what only makes it readable. */
const plain = (text: string): string =>
  text
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([()]) ?/g, '$1')
    .trim()

const SCHEMA = `select name, tbl_name, sql from sqlite_schema where name like '%sessions%' order by name`

describe('the SQL in migrations/', () => {
  it('is what the schema makes: `npm run migrations` would change nothing', () => {
    expect(shipped).toEqual(migrations())
  })

  it.each(DRIVERS)('is what migrate() executes, statement for statement, on $driver', async ({ open }) => {
    const { db, queries } = open()
    await new SqliteStore(db).migrate()
    const executed = queries.map((query) => query.sql).filter((text) => /^create /i.test(text))
    expect(executed.map(plain)).toEqual(plain(sql).split(';').filter(Boolean).map(plain))
  })

  it('makes the very table and indexes that migrate() makes, and each leaves the work of the other alone', async () => {
    const schemas = []
    for (const order of ['sql first', 'migrate first']) {
      const file = temporaryFile()
      const client = createClient({ url: `file:${file}` })
      const store = new SqliteStore(drizzle({ client }))
      if (order === 'migrate first') await store.migrate()
      await client.executeMultiple(sql)
      schemas.push(
        (await secondConnection(file)(SCHEMA)).map((row) => ({ ...row, sql: row['sql'] && plain(String(row['sql'])) })),
      )
      expect(await store.create(recordOf())).toBe(true)
      await client.executeMultiple(sql)
      await store.migrate()
      expect(await store.length()).toBe(1)
      client.close()
    }
    expect(schemas[0]).toEqual(schemas[1])
    expect(schemas[0]?.map((row) => row['name' as never])).toEqual([
      'sessions',
      'sessions_expires_at',
      'sessions_subject',
      'sqlite_autoindex_sessions_1',
    ])
  })
})

/** Ten processes that have loaded everything, and are let go at the same moment; how each of them ended. */
async function tenProcesses(module: string): Promise<string[]> {
  const children = Array.from({ length: 10 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', module], { cwd: root })
    let output = ''
    child.stderr.on('data', (chunk) => (output += String(chunk)))
    const ready = new Promise((resolve) => child.stdout.once('data', resolve))
    const over = new Promise<string>((resolve) =>
      child.on('close', (code) => resolve(code === 0 ? 'migrated' : `${code}: ${output}`)),
    )
    return { child, over, ready: Promise.race([ready, over]) }
  })
  await Promise.all(children.map(({ ready }) => ready))
  for (const { child } of children) child.stdin.end('go')
  return Promise.all(children.map(({ over }) => over))
}

const WAIT = `
  process.stdout.write('ready')
  await new Promise((go) => process.stdin.once('data', go))
  await store.migrate()
  const created = await store.create({ ...${JSON.stringify(recordOf())}, id: String(process.pid) })
  if (!created) throw new Error('not created')
  await store.migrate()
  process.exit(0)`

describe('migrate() by ten processes at once, on one new file', () => {
  it('LibsqlStore: all of them succeed, and every row they then write is there', async () => {
    const file = temporaryFile()
    const ended = await tenProcesses(`
      const { LibsqlStore } = await import('${root}/src/stores/libsql.ts')
      const store = new LibsqlStore({ url: 'file:${file}', timeout: '60s' })${WAIT}`)
    expect(ended).toEqual(Array(10).fill('migrated'))
    expect(await secondConnection(file)('select count(*) as n from sessions')).toMatchObject([{ n: 10 }])
  }, 90_000)

  it('SqliteStore on better-sqlite3, which waits for a lock by itself: the same', async () => {
    const file = temporaryFile()
    const ended = await tenProcesses(`
      const { default: Database } = await import('better-sqlite3')
      const { drizzle } = await import('drizzle-orm/better-sqlite3')
      const { SqliteStore } = await import('${root}/src/stores/sqlite.ts')
      const client = new Database('${file}', { timeout: 60_000 })
      const store = new SqliteStore(drizzle({ client }))${WAIT}`)
    expect(ended).toEqual(Array(10).fill('migrated'))
    expect(await secondConnection(file)('select count(*) as n from sessions')).toMatchObject([{ n: 10 }])
  }, 90_000)

  it('SqliteStore on a libSQL client that was told to wait: the same', async () => {
    const file = temporaryFile()
    const ended = await tenProcesses(`
      const { createClient } = await import('@libsql/client')
      const { drizzle } = await import('drizzle-orm/libsql')
      const { SqliteStore } = await import('${root}/src/stores/sqlite.ts')
      const store = new SqliteStore(drizzle({ client: createClient({ url: 'file:${file}', timeout: 60_000 }) }))${WAIT}`)
    expect(ended).toEqual(Array(10).fill('migrated'))
    expect(await secondConnection(file)('select count(*) as n from sessions')).toMatchObject([{ n: 10 }])
  }, 90_000)
})
