/** P6 on stores of a few methods, where ends and compare-and-set are several steps: no end falls between two of them. */
import type { Expected, SessionRecord, UpdateResult } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { withoutWaiting } from './explore.ts'
import { HOUR, managerOver, START, ThreeMethodStore, type Manager } from './site.ts'

/** Holds the next `set` back, after everything was read and compared for it. */
class SlowStore extends ThreeMethodStore {
  #reached: (() => void) | undefined
  #released: Promise<void> | undefined

  /** `reached` resolves when a `set` is about to write; it writes when `release` is called. */
  hold(): { reached: Promise<void>; release: () => void } {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    this.#reached = reached.resolve
    this.#released = released.promise
    return { reached: reached.promise, release: released.resolve }
  }

  override async set(id: string, record: SessionRecord): Promise<void> {
    this.#reached?.()
    await this.#released
    await super.set(id, record)
  }
}

/** One that does its own compare-and-set, in one step, and leaves touches to the base class. */
class StoreWithUpdate extends SlowStore {
  override async update(record: SessionRecord, expected: Expected): Promise<UpdateResult> {
    const current = this.records.get(record.id)
    if (current === undefined) return 'gone'
    if ((JSON.parse(current) as SessionRecord).version !== expected.version) return 'conflict'
    this.records.set(record.id, JSON.stringify(record))
    return 'ok'
  }
}

/** One that can end all sessions of a subject. */
class StoreWithSubjects extends SlowStore {
  override async removeBySubject(subject: string, exceptId?: string): Promise<string[]> {
    const ids = [...this.records.values()]
      .map((text) => JSON.parse(text) as SessionRecord)
      .filter((record) => record.subject === subject && record.id !== exceptId)
      .map(({ id }) => id)
    for (const id of ids) this.records.delete(id)
    return ids
  }
}

// All that is left to wait for is then the store.
withoutWaiting()

const WRITES: { name: string; write: (sessions: Manager, token: string) => Promise<unknown> }[] = [
  { name: 'an update', write: (sessions, token) => sessions.updateSession(token, { n: 2 }) },
  { name: 'a touch', write: (sessions, token) => sessions.renewSession(token) },
  { name: 'a regenerate', write: (sessions, token) => sessions.regenerateSession(token) },
]

const ENDS: { name: string; end: (sessions: Manager, token: string) => Promise<unknown> }[] = [
  { name: 'removeSession', end: (sessions, token) => sessions.removeSession(token) },
  { name: 'removeSessionById', end: (sessions, token) => sessions.removeSessionById(token.split('.')[0] as string) },
  { name: 'removeSessionsOf', end: (sessions) => sessions.removeSessionsOf('u_1') },
]

/** A write stopped halfway, an end beside it, and what is left when both are done. */
async function race(store: SlowStore, write: (typeof WRITES)[number]['write'], end: (typeof ENDS)[number]['end']) {
  const clock = { now: START }
  const sessions = managerOver(store, { now: () => clock.now })
  const token = await sessions.createSession({ n: 1 }, { subject: 'u_1' })
  clock.now += HOUR
  const { reached, release } = store.hold()
  const writing = write(sessions, token).catch(() => {})
  await reached
  const ending = end(sessions, token)
  await new Promise((resolve) => setImmediate(resolve))
  release()
  await Promise.all([writing, ending])
  return store.records.size
}

describe.each(WRITES)('P6 R03 R04: $name that was halfway when the session ended', ({ write }) => {
  test.each(ENDS)('by $name brings nothing back, on three methods and removeBySubject', async ({ end }) => {
    expect(await race(new StoreWithSubjects(), write, end)).toBe(0)
  })
})

test.each(ENDS.slice(0, 2))(
  'P6 R04: $name is not undone by a touch beside an update of the store’s own',
  async ({ end }) => {
    expect(await race(new StoreWithUpdate(), (sessions, token) => sessions.renewSession(token), end)).toBe(0)
  },
)

test('S08: an end that is halfway when a write begins still ends the session', async () => {
  const store = new SlowStore()
  const sessions = managerOver(store)
  const token = await sessions.createSession({ n: 1 })
  const outcomes = await Promise.allSettled([
    sessions.removeSession(token),
    sessions.updateSession(token, { n: 2 }),
    sessions.renewSession(token),
  ])
  expect(outcomes[0]).toEqual({ status: 'fulfilled', value: true })
  expect(store.records.size).toBe(0)
})
