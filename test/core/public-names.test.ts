/**
 * The public names, entry by entry. A name that is added, lost or renamed shows up here, and in the changelog.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type {
  CommitOptions,
  CookieOptions,
  CreateOptions,
  Duration,
  Expected,
  Lifetime,
  ManagerSource,
  OnConflict,
  SchemaOptions,
  Secret,
  Serializer,
  Session,
  SessionErrorCode,
  SessionEvent,
  SessionEventName,
  SessionHooks,
  SessionInfo,
  SessionManager,
  SessionOptions,
  SessionRecord,
  StandardIssue,
  StandardResult,
  StandardSchema,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoreModel,
  SweepOptions,
  Transport,
  UpdateOptions,
  UpdateResult,
} from 'latchkey'
import { describe, expect, expectTypeOf, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

/** The run-time exports of every entry. */
const NAMES: Record<string, string[]> = {
  '.': [
    'Session',
    'SessionConfigError',
    'SessionConflictError',
    'SessionDataError',
    'SessionError',
    'SessionExpiredError',
    'SessionManager',
    'SessionNotFoundError',
    'SessionStateError',
    'SessionTooLargeError',
    'SessionUnsupportedError',
    'Store',
    'StoreUnavailableError',
    'generateSecret',
    'perEnv',
  ],
  './fetch': ['withSession'],
  './hono': ['requireSubject', 'session'],
  './stores/memory': ['MemoryStore'],
  './stores/sqlite': ['SqliteStore', 'sessionsTable', 'sessionsTableNamed'],
  './stores/libsql': ['LibsqlStore', 'sessionsTable', 'sessionsTableNamed'],
  './stores/cloudflare-kv': ['CloudflareKVStore'],
  './stores/cookie': ['CookieStore'],
  './stores/cookie-cache': ['CookieCache'],
  './stores/encrypted': ['EncryptedStore'],
  './testing': ['FaultyStore', 'faulty', 'loginAs', 'storeCases', 'testClock'],
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
}

/** Every entry with code, and the file in src that it is built from. */
const ENTRIES = Object.entries(manifest.exports).flatMap(([entry, target]) => {
  if (typeof target === 'string') return []
  const source = target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
  return existsSync(join(ROOT, source)) ? [{ entry, target, source }] : []
})

describe('public names', () => {
  it.each(ENTRIES)('of $entry', async ({ entry, source }) => {
    const names = Object.keys((await import(join(ROOT, source))) as object).toSorted()
    expect(names).toEqual(NAMES[entry])
  })

  it.each(ENTRIES)('$entry is one file with its types, and has no default export', async ({ target, source }) => {
    expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'))
    expect(Object.keys((await import(join(ROOT, source))) as object)).not.toContain('default')
  })

  it('package.json offers itself and nothing that is not named', () => {
    expect(manifest.exports['./package.json']).toBe('./package.json')
    expect(Object.keys(manifest.exports).filter((entry) => entry.includes('*'))).toEqual([])
  })

  it('the types of the design are exported', () => {
    expectTypeOf<SessionErrorCode>().toExtend<string>()
    expectTypeOf<SessionEventName>().toExtend<keyof SessionHooks>()
    expectTypeOf<SessionRecord['version']>().toBeNumber()
    expectTypeOf<SessionEvent['id']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Parameters<SessionManager['commit']>[2]>().toEqualTypeOf<CommitOptions | undefined>()
    expectTypeOf<Parameters<SessionManager['createSession']>[1]>().toEqualTypeOf<CreateOptions | undefined>()
    expectTypeOf<Parameters<SessionManager['removeExpiredSessions']>[0]>().toEqualTypeOf<SweepOptions | undefined>()
    expectTypeOf<Awaited<ReturnType<SessionManager['listSessions']>>>().toEqualTypeOf<SessionInfo[]>()
    expectTypeOf<SessionManager>().toExtend<ManagerSource<Record<string, unknown>, Record<string, unknown>>>()
    expectTypeOf<Session['lifetime']>().toEqualTypeOf<Lifetime>()
    expectTypeOf<Session['transport']>().toEqualTypeOf<Transport>()
    expectTypeOf<SessionOptions['cookie']>().toEqualTypeOf<CookieOptions | undefined>()
    expectTypeOf<SessionOptions['ttl']>().toEqualTypeOf<Duration | undefined>()
    expectTypeOf<SessionOptions['secret']>().toEqualTypeOf<Secret | readonly Secret[] | undefined>()
    expectTypeOf<SessionOptions['serializer']>().toEqualTypeOf<Serializer | undefined>()
    expectTypeOf<SessionOptions['onConflict']>().toEqualTypeOf<OnConflict<Record<string, unknown>> | undefined>()
    expectTypeOf<SchemaOptions<{ n: number }>['schema']>().toEqualTypeOf<StandardSchema<{ n: number }>>()
    expectTypeOf<StandardResult<string>['issues']>().toEqualTypeOf<readonly StandardIssue[] | undefined>()
    expectTypeOf<Store>().toExtend<StoreModel>()
    expectTypeOf<Parameters<Store['get']>[1]>().toEqualTypeOf<StoreCallOptions | undefined>()
    expectTypeOf<Parameters<Store['update']>[2]>().toEqualTypeOf<UpdateOptions | undefined>()
    expectTypeOf<Store['capabilities']>().toEqualTypeOf<StoreCapabilities>()
    expectTypeOf<Awaited<ReturnType<Store['update']>>>().toEqualTypeOf<UpdateResult>()
    expectTypeOf<Parameters<Store['update']>[1]>().toEqualTypeOf<Expected>()
  })
})
