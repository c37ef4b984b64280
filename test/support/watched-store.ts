/** A `MemoryStore` behind a counter: which calls reached it, in order, and a switch to make some of them fail. */
import { Store, type Expected, type SessionRecord, type StoreCapabilities, type UpdateResult } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'

type Method =
  | 'get'
  | 'set'
  | 'destroy'
  | 'create'
  | 'update'
  | 'touch'
  | 'removeExpired'
  | 'countExpired'
  | 'findBySubject'
  | 'removeBySubject'

export class WatchedStore extends Store {
  readonly inner = new MemoryStore()
  /** The record methods called, in order. */
  calls: string[] = []
  /** These throw `failure`. */
  failing = new Set<Method>()
  /** These take effect and then throw `failure`: a write whose outcome the caller cannot know. */
  failingAfter = new Set<Method>()
  /** These never answer; what they were to do is not done. */
  hanging = new Set<Method>()
  /** These take effect and never answer. */
  hangingAfter = new Set<Method>()
  failure: (record?: SessionRecord) => unknown = () => new Error('connection reset by peer')
  /** Awaited before each call, to hold one back. */
  before: (method: Method) => unknown = () => undefined

  async #run<T>(method: Method, call: () => T | Promise<T>, record?: SessionRecord): Promise<T> {
    this.calls.push(method)
    await this.before(method)
    if (this.failing.has(method)) throw this.failure(record)
    if (this.hanging.has(method)) await new Promise(() => {})
    const result = await call()
    if (this.failingAfter.has(method)) throw this.failure(record)
    if (this.hangingAfter.has(method)) await new Promise(() => {})
    return result
  }

  /** Everything fails, or works again. */
  down(is: boolean): void {
    const all: Method[] = ['get', 'set', 'destroy', 'create', 'update', 'touch', 'findBySubject', 'removeBySubject']
    this.failing = new Set(is ? all : [])
  }

  /** The calls since the last time this was asked. */
  take(): string[] {
    const calls = this.calls
    this.calls = []
    return calls
  }

  /** The rows, past the counter. */
  async rows(): Promise<SessionRecord[]> {
    const rows: SessionRecord[] = []
    for await (const record of this.inner.all()) rows.push(record)
    return rows
  }

  /** The one row there is. */
  async row(): Promise<SessionRecord> {
    const rows = await this.rows()
    if (rows.length !== 1 || !rows[0]) throw new Error(`expected one row, found ${rows.length}`)
    return rows[0]
  }

  override get capabilities(): StoreCapabilities {
    return this.inner.capabilities
  }
  override get(id: string): Promise<SessionRecord | undefined> {
    return this.#run('get', () => this.inner.get(id))
  }
  override set(id: string, record: SessionRecord): Promise<void> {
    return this.#run('set', () => this.inner.set(id, record), record)
  }
  override destroy(id: string): Promise<boolean> {
    return this.#run('destroy', () => this.inner.destroy(id))
  }
  override create(record: SessionRecord): Promise<boolean> {
    return this.#run('create', () => this.inner.create(record), record)
  }
  override update(
    record: SessionRecord,
    expected: Expected,
    options?: { exactExpiry?: boolean },
  ): Promise<UpdateResult> {
    return this.#run('update', () => this.inner.update(record, expected, options), record)
  }
  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): Promise<boolean> {
    return this.#run('touch', () => this.inner.touch(id, expiresAt, lastSeenAt, expected))
  }
  override removeExpired(now: number, limit: number): Promise<number> {
    return this.#run('removeExpired', () => this.inner.removeExpired(now, limit))
  }
  override countExpired(now: number): Promise<number> {
    return this.#run('countExpired', () => this.inner.countExpired(now))
  }
  override findBySubject(subject: string): Promise<SessionRecord[]> {
    return this.#run('findBySubject', () => this.inner.findBySubject(subject))
  }
  override removeBySubject(subject: string, exceptId?: string): Promise<string[]> {
    return this.#run('removeBySubject', () => this.inner.removeBySubject(subject, exceptId))
  }
}
