/** What every case of the conformance kit works with: a fresh store, a clock, records, managers and visitors. */
import { SessionExpiredError, SessionNotFoundError } from '../core/errors.ts'
import { SessionManager } from '../core/manager.ts'
import type { SessionOptions } from '../core/options.ts'
import type { SessionRecord } from '../core/record.ts'
import { completeStore, type Expected, type Store, type StoreModel } from '../core/store.ts'
import { createId, createSecret } from '../core/token.ts'
import { check, rejects } from './assert.ts'
import type { StoreCaseOptions } from './case.ts'
import { testClock, type TestClock } from './clock.ts'
import { loginAs } from './login.ts'

export const MINUTE: number = 60_000
export const HOUR: number = 60 * MINUTE
export const DAY: number = 24 * HOUR

/** One case's surroundings. */
export interface Bench {
  /** The store under test, empty; a bare model is completed by the base class. */
  store: Store
  /** Starts a minute ahead: a backend that expires by itself, as it may, does not do so during a case. */
  clock: TestClock
  options: StoreCaseOptions
  peer: () => Promise<Store>
  otherNamespace: () => Promise<Store>
  lock: () => Promise<() => unknown>
}

/** Builds a bench over a fresh store; `close` disposes of every store it opened. */
export async function openBench<S extends StoreModel>(
  makeStore: () => S | Promise<S>,
  options: StoreCaseOptions<S>,
): Promise<Bench & { close: () => Promise<void> }> {
  const model = await makeStore()
  const opened = [model]
  const another = async (open: ((store: S) => S | Promise<S>) | undefined): Promise<Store> => {
    const other = await (open as (store: S) => S | Promise<S>)(model)
    opened.push(other)
    return completeStore(other)
  }
  return {
    store: completeStore(model),
    // Never a whole second, in any case: a store that rounds times would not be found out then.
    clock: testClock(Math.ceil(Date.now() / 1000) * 1000 + MINUTE + 1),
    options: options as unknown as StoreCaseOptions,
    peer: () => another(options.peer),
    otherNamespace: () => another(options.otherNamespace),
    lock: async () => (await options.lock?.(model)) ?? (() => {}),
    close: async () => {
      for (const one of opened.toReversed()) await options.dispose?.(one)
    },
  }
}

/** A record that lives for an hour, with every required field and no other. */
export function aRecord(bench: Bench, fields: Partial<SessionRecord> = {}): SessionRecord {
  const now = bench.clock()
  return {
    id: createId(),
    verifier: createSecret(),
    data: '{"visits":1}',
    version: 1,
    createdAt: now,
    rotatedAt: now,
    lastSeenAt: now,
    expiresAt: now + HOUR,
    endsAt: now + DAY,
    ...fields,
  }
}

/** A record with every field there is. */
export function aFullRecord(bench: Bench, fields: Partial<SessionRecord> = {}): SessionRecord {
  const now = bench.clock()
  return aRecord(bench, {
    flash: '{"notice":"saved"}',
    authenticatedAt: now - 1,
    ttl: 2 * DAY,
    absolute: 3 * DAY,
    persistent: false,
    subject: 'u_42',
    info: { device: 'Firefox on Linux', city: 'Lyon' },
    previous: { verifier: createSecret(), until: now + 10_000, handover: createSecret(), csrf: createSecret() },
    ...fields,
  })
}

/** What a compare-and-set expects of this record. */
export function expecting({ version, verifier }: SessionRecord): Expected {
  return { version, verifier }
}

/** Stores a record that was not there. */
export async function plant(store: Store, record: SessionRecord): Promise<SessionRecord> {
  check((await store.create(structuredClone(record))) === true, '`create` of an id that is free must answer true.')
  return record
}

/** `get`, where `SessionNotFoundError` means missing (and so does `null`, which S01 alone speaks of). */
export async function find(store: Store, id: string): Promise<SessionRecord | undefined> {
  try {
    return (await store.get(id)) ?? undefined
  } catch (error) {
    if (error instanceof SessionNotFoundError) return undefined
    throw error
  }
}

/** Every record that `all` yields; none where there is no `all`. */
export async function everything(store: Store): Promise<SessionRecord[]> {
  const records: SessionRecord[] = []
  if (store.all) for await (const record of store.all()) records.push(record)
  return records
}

/** Checks that no row of this id is left, wherever the store can be asked. */
export async function noRow(store: Store, id: string, subject?: string): Promise<void> {
  check((await find(store, id)) === undefined, '`get` still finds the record; there must be no row.')
  for (const record of await everything(store)) check(record.id !== id, '`all` still yields the record.')
  if (subject === undefined || !store.findBySubject) return
  const found = await store.findBySubject(subject)
  check(!found.some((record) => record.id === id), '`findBySubject` still finds the record.')
}

/** A manager over a store, by default the bench's own, on the bench's clock. */
export function manage(bench: Bench, options: SessionOptions = {}): SessionManager {
  return new SessionManager({
    store: bench.store,
    now: bench.clock,
    initial: () => ({}),
    ttl: HOUR,
    absolute: DAY,
    touchEvery: 5 * MINUTE,
    ...options,
  })
}

/** A client with a token, and how it asks. */
export interface Client {
  headers: Headers
  token: string
  /** A new request of this client's. */
  request: () => Request
}

/** A client whose session's id is known. */
export interface Visitor extends Client {
  id: string
}

/** Signs a subject in. */
export async function signIn(
  sessions: SessionManager,
  subject: string,
  data: Record<string, unknown> = {},
): Promise<Visitor> {
  const client = clientWith(await loginAs(sessions, subject, { data }))
  const session = await sessions.load(client.request())
  check(session.id !== undefined, 'The session of a login is not found by its cookie right afterwards.')
  return { ...client, id: session.id }
}

/**
 * The client that holds the token of these headers, and no more: what a sealed copy of the record (`CookieCache`) still opens
 * is not what the store promises.
 */
export function clientWith(from: Headers): Client {
  const [cookie = ''] = (from.get('cookie') ?? '').split(';', 1)
  const headers = new Headers({ cookie })
  const token = cookie.slice(cookie.indexOf('=') + 1)
  return { headers, token, request: () => new Request('https://localhost/', { headers }) }
}

/** Checks that a token opens nothing any more. */
export async function opensNothing(sessions: SessionManager, visitor: Client): Promise<void> {
  const gone = [SessionNotFoundError, SessionExpiredError]
  await rejects(sessions.retrieveSession(visitor.token), gone, 'a token that must be dead')
  check((await sessions.load(visitor.request())).isNew, 'A request with a dead token must get a new session.')
}

/** Lets this many steps of the microtask queue go by: moves one call against another without waiting for time. */
export async function ticks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await Promise.resolve()
}

/** Runs two calls at once, in either order and a few steps apart; `round` starts from a fresh state each time. */
export async function overlapping(
  round: () => Promise<{ calls: [() => unknown, () => unknown]; afterwards: (answers: unknown[]) => Promise<void> }>,
): Promise<void> {
  for (const apart of [0, 1, 2, 3, 5, 8, 13]) {
    for (const swapped of [false, true]) {
      const { calls, afterwards } = await round()
      const late = async (call: () => unknown): Promise<unknown> => {
        await ticks(apart)
        return call()
      }
      const [first, second] = calls
      const answers = swapped ? await Promise.all([late(first), second()]) : await Promise.all([first(), late(second)])
      await afterwards(answers)
    }
  }
}
