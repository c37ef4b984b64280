/**
 * LibsqlStore: a SqliteStore that owns its client, for a libSQL file, for `:memory:`, or for a server (Turso, sqld). It
 * creates its table by itself, and waits for a locked file without blocking the process. After SQLITE_BUSY a connection
 * of the client is poisoned: later writes on it return rows and never reach the file. So calls to a file take turns, and
 * a failed one opens a new connection before the next begins; libsql-lock.ts keeps these few.
 */
import type { Client } from '@libsql/client'
import { drizzle } from 'drizzle-orm/libsql'
import { describe } from '../core/describe.ts'
import { DURATION_FORM, parseDuration, type Duration } from '../core/duration.ts'
import { SessionConfigError, StoreUnavailableError } from '../core/errors.ts'
import type { StoreCallOptions } from '../core/store.ts'
import { open, URL_FORM } from './libsql-client.ts'
import { isBusy, Lock, type Access } from './libsql-lock.ts'
import { createStatements, sessionsTable, tableProblems, type SessionsTable } from './sqlite-schema.ts'
import { SqliteStore } from './sqlite.ts'

export { sessionsTable, sessionsTableNamed, type SessionsTable } from './sqlite.ts'

export interface LibsqlStoreOptions {
  /** `'file:data/sessions.db'`, `':memory:'`, or a server: `'libsql://…'`, `'https://…'`, `'http://…'`. */
  url: string
  /** What a server asks for. Never printed. */
  authToken?: string | undefined
  /**
   * How long a call waits for a locked database before it is a `StoreUnavailableError`; 0 for not at all. At most the
   * manager's `storeTimeout`, which also bounds the wait for a server's answer. Default `'5s'`.
   */
  timeout?: Duration
  /** The table, from `sessionsTableNamed(name)`. Default: `sessionsTable`, named `sessions`. */
  table?: SessionsTable
}

const NAMES = ['url', 'authToken', 'timeout', 'table']
const DEFAULT_TIMEOUT = 5_000
/** The longest pause between two tries, in milliseconds. A longer one lets other processes overtake again and again. */
const LONGEST_PAUSE = 50

/**
 * Keeps sessions in libSQL. The table is created at first use.
 * @throws SessionConfigError naming every option that is wrong, and `url` when its file cannot be opened
 */
export class LibsqlStore extends SqliteStore {
  readonly #client: Client
  readonly #table: SessionsTable
  readonly #timeout: number
  readonly #isFile: boolean
  /** Of the file. In WAL mode a long write keeps no reader waiting, so these are two. */
  readonly #locks: Record<Access, Lock>
  #isReady = false
  /** Of the last call that waits for its turn, or has it; `undefined` where nobody does. */
  #turn: Promise<void> | undefined
  #reconnectDue = false
  #closed = false

  constructor(options: LibsqlStoreOptions) {
    const { url, authToken, timeout, table } = resolve(options)
    const client = open(url, authToken)
    super(drizzle({ client }), { table })
    this.#client = client
    this.#table = table
    this.#timeout = timeout
    this.#isFile = /^file:(?!:memory:)/i.test(url)
    this.#locks = { read: this.#newLock('read'), write: this.#newLock('write') }
  }

  /** Creates the table and its indexes where they are missing. The first call to the store does so by itself. */
  override async migrate(): Promise<void> {
    this.#isReady = false
    await this.#prepare()
    // Asks for every column, so that a table of another shape is noticed now.
    await this.get('')
  }

  /** Closes the database. Every call after it is a `StoreUnavailableError`. */
  close(): void {
    this.#closed = true
    this.#client.close()
  }

  protected override execute<T>(
    statement: () => T | PromiseLike<T>,
    options?: StoreCallOptions,
    access: Access = 'write',
  ): Promise<T> {
    if (this.#isReady) return this.#patiently(statement, access, options?.signal)
    return this.#prepare().then(() => this.#patiently(statement, access, options?.signal))
  }

  /**
   * Until it was done once, every call does it, and none waits for another's: in a Worker, what a cancelled request has
   * begun never ends.
   */
  async #prepare(): Promise<void> {
    const statements = createStatements(this.#table)
    // In WAL mode readers and a writer do not wait for each other; the file remembers it.
    if (this.#isFile) statements.unshift('PRAGMA journal_mode = WAL')
    await this.#patiently(
      () => (this.#isReady ? undefined : this.#client.executeMultiple(statements.join(';\n'))),
      'write',
    )
    this.#isReady = true
  }

  /**
   * Tries again while the database is locked: such a statement was certainly not executed (P14). Nothing else is repeated,
   * and nothing is begun that nobody waits for any more.
   */
  async #patiently<T>(statement: () => T | PromiseLike<T>, access: Access, signal?: AbortSignal): Promise<T> {
    const giveUpAt = performance.now() + this.#timeout
    // A server's lock is each call's own: it is asked again by all, in a step of their own, and costs no descriptor.
    const lock = this.#isFile ? this.#locks[access] : this.#newLock(access)
    for (;;) {
      try {
        return await (this.#isFile ? this.#inTurn(statement, lock, signal) : this.#once(statement, signal))
      } catch (error) {
        if (!isBusy(error)) throw error
        if (!this.#isFile) lock.found(error)
        if (lock.nextTryAt >= giveUpAt) {
          throw new StoreUnavailableError(
            `The database stayed locked for ${this.#timeout} ms. Look for a long transaction in another process, or raise \`timeout\`.`,
            { cause: error },
          )
        }
        await lock.pause
      }
    }
  }

  /** Its pauses let a short `timeout` have some tries, too. */
  #newLock(access: Access): Lock {
    return new Lock(access, Math.min(LONGEST_PAUSE, this.#timeout / 4))
  }

  /** One statement at a time, so that none begins on a connection that the one before it has poisoned. */
  #inTurn<T>(statement: () => T | PromiseLike<T>, lock: Lock, signal: AbortSignal | undefined): Promise<T> {
    const run = (): Promise<T> => this.#safely(statement, lock, signal)
    const turn = this.#turn ? this.#turn.then(run) : run()
    const done = (): void => {
      if (this.#turn === tail) this.#turn = undefined
    }
    const tail = (this.#turn = turn.then(done, done))
    return turn
  }

  /** Leaves a good connection behind, whatever happens. */
  async #safely<T>(statement: () => T | PromiseLike<T>, lock: Lock, signal: AbortSignal | undefined): Promise<T> {
    if (this.#reconnectDue) await this.#reconnect()
    this.#mayBegin(signal)
    if (lock.isSuspected) await this.#ask(lock)
    try {
      const result = await this.#once(statement, signal)
      lock.gone()
      return result
    } catch (error) {
      if (isBusy(error)) lock.found(error)
      this.#reconnectDue = !this.#closed
      if (this.#reconnectDue) await this.#reconnect()
      throw error
    }
  }

  /** Whether the lock is still there. A script of statements leaves a connection as it was, also when it fails. */
  async #ask(lock: Lock): Promise<void> {
    lock.throwIfEarly()
    try {
      await this.#client.executeMultiple(lock.question)
    } catch (error) {
      if (isBusy(error)) lock.found(error)
      else this.#reconnectDue = !this.#closed
      throw error
    }
  }

  async #reconnect(): Promise<void> {
    await this.#client.reconnect()
    this.#reconnectDue = false
  }

  #once<T>(statement: () => T | PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
    this.#mayBegin(signal)
    return super.execute(statement)
  }

  #mayBegin(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StoreUnavailableError('This store was closed by `close()`.')
  }
}

function resolve(options: unknown): {
  url: string
  authToken: string | undefined
  timeout: number
  table: SessionsTable
} {
  if (typeof options !== 'object' || options === null)
    throw new SessionConfigError(`The options are ${describe(options)}; they must be an object with \`url\`.`)
  const { url, authToken, timeout = DEFAULT_TIMEOUT, table = sessionsTable } = options as Record<string, unknown>
  const problems = Object.keys(options)
    .filter((name) => !NAMES.includes(name))
    .map((name) => `\`${name.slice(0, 40)}\` is no option; there are ${NAMES.join(', ')}.`)
  if (typeof url !== 'string' || !/^(?::memory:$|file:.|libsql:|https?:)/i.test(url))
    problems.push(`\`url\` is ${describe(url)}; it must be ${URL_FORM}.`)
  if (authToken !== undefined && (typeof authToken !== 'string' || authToken === ''))
    problems.push(
      `\`authToken\` is ${authToken === '' ? 'empty' : describe(authToken)}; it must be the server's token.`,
    )
  const wait = timeout === 0 ? 0 : parseDuration(timeout)
  if (wait === undefined) problems.push(`\`timeout\` is ${describe(timeout)}; it must be 0, or ${DURATION_FORM}.`)
  problems.push(...tableProblems(table))
  if (problems.length > 0) throw new SessionConfigError(problems)
  return { url, authToken, timeout: wait, table } as ReturnType<typeof resolve>
}
