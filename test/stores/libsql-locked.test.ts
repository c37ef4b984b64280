/**
 * What a file that stays locked costs. A connection that met the lock is replaced, and the old one keeps its descriptors
 * until its statements are garbage: so a process with many waiting writes must not replace one for each of their tries.
 */
import { readdirSync } from 'node:fs'
import { createClient, type Client } from '@libsql/client'
import { StoreUnavailableError } from 'latchkey'
import { LibsqlStore, type LibsqlStoreOptions } from 'latchkey/stores/libsql'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { recordOf, secondConnection, temporaryFile } from './sqlite-databases.ts'

const SECOND = 1_000

async function openedAndLocked(options: Partial<LibsqlStoreOptions> = {}) {
  const file = temporaryFile()
  const store = new LibsqlStore({ url: `file:${file}`, timeout: '10s', ...options })
  onTestFinished(() => store.close())
  await store.create(recordOf({ id: 'before' }))
  const client = createClient({ url: `file:${file}` })
  onTestFinished(() => client.close())
  const transaction = await client.transaction('write')
  const elsewhere = secondConnection(file)
  return { store, client, unlock: () => transaction.rollback(), elsewhere, ...watched(client) }
}

/** Counts what all clients in this process do from here on. */
function watched(client: Client) {
  const prototype = Object.getPrototypeOf(client) as Client
  const [reconnect, ...tries] = (['reconnect', 'execute', 'executeMultiple'] as const).map((name) => {
    const spy = vi.spyOn(prototype, name)
    onTestFinished(() => spy.mockRestore())
    return spy
  })
  return {
    reconnects: () => reconnect!.mock.calls.length,
    tries: () => tries.reduce((sum, { mock }) => sum + mock.calls.length, 0),
    clients: () => tries.flatMap(({ mock }) => mock.contexts as Client[]),
  }
}

/** How many files this process has open; 0 where the system does not say. */
function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}

/** Moves the clock on until it is settled: how many tries that takes is up to the machine. */
async function settled<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => void (isOver = true)
  work.then(over, over)
  for (let tries = 0; tries < 600 && !isOver; tries++) await pass(50)
  return work
}

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

describe('a LibsqlStore whose file stays locked', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([1, 8, 200])('S17 with %i writes waiting replaces one connection, not one for each try', async (count) => {
    const { store, unlock, elsewhere, reconnects } = await openedAndLocked()
    const open = descriptors()
    const ids = Array.from({ length: count }, (_, n) => `waited-${n}`)
    const writes = ids.map((id) => store.create(recordOf({ id })))
    for (let seconds = 0; seconds < 4; seconds++) {
      await pass(SECOND)
      // As other requests do meanwhile.
      expect(await store.get('before')).toBeDefined()
    }
    expect(reconnects()).toBe(1)
    expect(descriptors()).toBeLessThanOrEqual(open + 10)
    await unlock()
    expect(await settled(Promise.all(writes))).toEqual(ids.map(() => true))
    expect(reconnects()).toBe(1)
    // In the order of the calls: nobody is overtaken for ever.
    expect(await elsewhere('select id from sessions order by rowid')).toMatchObject(
      ['before', ...ids].map((id) => ({ id })),
    )
  })

  it.each([1, 200])('asks at most 40 times a second whether it still is, for %i writes waiting', async (count) => {
    const { store, unlock, tries } = await openedAndLocked()
    const writes = Array.from({ length: count }, (_, n) => store.create(recordOf({ id: `waited-${n}` })))
    await pass(SECOND)
    const before = tries()
    await pass(5 * SECOND)
    expect(tries() - before).toBeLessThanOrEqual(5 * 40)
    expect(tries() - before).toBeGreaterThan(5 * 10)
    await unlock()
    await settled(Promise.all(writes))
  })

  it('lets reads by at once, however long the writes wait', async () => {
    const { store, unlock } = await openedAndLocked()
    const write = store.create(recordOf())
    await pass(3 * SECOND)
    expect(await store.get('before')).toBeDefined()
    expect(await store.length()).toBe(1)
    expect(await store.findBySubject('nobody')).toEqual([])
    await unlock()
    expect(await settled(write)).toBe(true)
  })

  it('where it keeps readers out too, as on a file system that has no WAL, they wait together as well', async () => {
    const file = temporaryFile()
    const store = new LibsqlStore({ url: `file:${file}`, timeout: '10s' })
    onTestFinished(() => store.close())
    const holder = createClient({ url: `file:${file}`, concurrency: 1 })
    onTestFinished(() => holder.close())
    const { reconnects, clients } = watched(holder)
    await store.create(recordOf())
    await clients()[0]!.executeMultiple('pragma journal_mode = delete')
    await holder.executeMultiple('pragma locking_mode = exclusive; create table other (n)')
    const open = descriptors()
    const reads = Array.from({ length: 100 }, () => store.get('id'))
    await pass(4 * SECOND)
    expect(reconnects()).toBe(1)
    expect(descriptors()).toBeLessThanOrEqual(open + 10)
    // Closed, it would hold the lock until its statements are garbage.
    await holder.executeMultiple('pragma locking_mode = normal; select count(*) from sqlite_schema')
    expect(await settled(Promise.all(reads))).toEqual(reads.map(() => recordOf()))
  })

  it('each waiting write gives up after its own `timeout`', async () => {
    const { store, unlock, elsewhere } = await openedAndLocked()
    const first = store.create(recordOf({ id: 'first' })).catch((error: unknown) => error)
    await pass(6 * SECOND)
    const second = store.create(recordOf({ id: 'second' }))
    await pass(4 * SECOND)
    expect(await first).toBeInstanceOf(StoreUnavailableError)
    expect(await first).toHaveProperty('message', expect.stringContaining('locked for 10000 ms'))
    expect(await first).toHaveProperty('cause.code', 'SQLITE_BUSY')
    await unlock()
    expect(await settled(second)).toBe(true)
    expect(await elsewhere(`select id from sessions where id <> 'before'`)).toMatchObject([{ id: 'second' }])
  })

  it('a waiting write that nobody waits for any more is not made', async () => {
    const { store, unlock, elsewhere } = await openedAndLocked()
    const abandoned = new AbortController()
    const first = store.create(recordOf({ id: 'first' }), { signal: abandoned.signal }).catch((error: unknown) => error)
    const second = store.create(recordOf({ id: 'second' }))
    await pass(SECOND)
    abandoned.abort()
    await unlock()
    expect(await settled(first)).toHaveProperty('name', 'AbortError')
    expect(await settled(second)).toBe(true)
    expect(await elsewhere(`select id from sessions where id <> 'before'`)).toMatchObject([{ id: 'second' }])
  })

  it.each([0, 20])('with a `timeout` of %i ms tries each write, and replaces no connection for it', async (timeout) => {
    const { store, unlock, reconnects, elsewhere } = await openedAndLocked({ timeout })
    for (let n = 0; n < 50; n++) {
      const refused = store.create(recordOf({ id: `refused-${n}` })).catch((error: unknown) => error)
      await pass(100)
      expect(await refused).toBeInstanceOf(StoreUnavailableError)
    }
    expect(reconnects()).toBe(1)
    await unlock()
    const written = store.create(recordOf())
    await pass(timeout)
    expect(await written).toBe(true)
    expect(await elsewhere('select id from sessions')).toHaveLength(2)
  })
})
