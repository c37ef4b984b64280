/** What the base class makes of a store that has only some methods of its own, and of one that is no `Store` at all. */
import {
  SessionManager,
  SessionUnsupportedError,
  Store,
  StoreUnavailableError,
  type SessionEvent,
  type SessionRecord,
  type StoreModel,
} from 'latchkey'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/flow.ts'

type Own = 'update' | 'touch' | 'both, by super'

/** Three methods and `removeBySubject`, and these of its own, or the base class's under its own name; `hold` keeps the next `set` back halfway. */
function backend(...own: Own[]) {
  const rows = new Map<string, SessionRecord>()
  const destroyed: string[] = []
  let held: { reached: () => void; release: Promise<void> } | undefined
  class Backend extends Store {
    get(id: string): SessionRecord | undefined {
      return structuredClone(rows.get(id))
    }
    async set(id: string, record: SessionRecord): Promise<void> {
      held?.reached()
      await held?.release
      rows.set(id, structuredClone(record))
    }
    destroy(id: string): void {
      destroyed.push(id)
      rows.delete(id)
    }
    override removeBySubject(subject: string): string[] {
      const ids = [...rows.values()].filter((row) => row.subject === subject).map(({ id }) => id)
      for (const id of ids) rows.delete(id)
      return ids
    }
  }
  const store: Store = new Backend()
  if (own.includes('update')) {
    store.update = (record) => {
      if (!rows.has(record.id)) return 'gone'
      rows.set(record.id, structuredClone(record))
      return 'ok'
    }
  }
  if (own.includes('touch')) store.touch = (id) => rows.has(id)
  if (own.includes('both, by super')) {
    store.update = (...args) => Store.prototype.update.apply(store, args)
    store.touch = (...args) => Store.prototype.touch.apply(store, args)
  }
  const hold = () => {
    const [reached, release] = [gate(), gate()]
    held = { reached: () => reached.open(), release: release.promise }
    return { reached: reached.promise, release: () => release.open() }
  }
  return { store, rows, destroyed, hold }
}

type Call = (sessions: SessionManager, token: string) => Promise<unknown>
const updates: Call = (sessions, token) => sessions.updateSession(token, { n: 1 })
const touches: Call = (sessions, token) => sessions.renewSession(token)
const halfway: [Own[], string, Call][] = [
  [[], 'update', updates],
  [[], 'touch', touches],
  [['update'], 'touch', touches],
  [['touch'], 'update', updates],
  [['both, by super'], 'update', updates],
  [['both, by super'], 'touch', touches],
]
const ends: [string, Call][] = [
  ['removeSession', (sessions, token) => sessions.removeSession(token)],
  ['removeSessionsOf', (sessions) => sessions.removeSessionsOf('u_42')],
]

describe.each(ends)('P6: %s beside a write of the base class', (_name, end) => {
  it.each(halfway)('with %j of its own, what had its %s halfway brings nothing back', async (own, _method, write) => {
    const { store, rows, hold } = backend(...own)
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession({}, { subject: 'u_42' })
    const { reached, release } = hold()
    const writing = write(sessions, token).catch(() => {})
    await reached
    const ending = end(sessions, token)
    await new Promise((done) => setImmediate(done))
    release()
    await Promise.all([writing, ending])
    expect([...rows.keys()]).toEqual([])
  })
})

it('a store that is atomic by itself is not asked to destroy what it removed', async () => {
  const { store, destroyed } = backend('update', 'touch')
  Object.defineProperty(store, 'capabilities', { value: { atomic: true, consistency: 'strong' } })
  const sessions = new SessionManager({ store })
  await sessions.createSession({}, { subject: 'u_42' })
  expect(await sessions.removeSessionsOf('u_42')).toBe(1)
  expect(destroyed).toEqual([])
})

it('P11: one that cannot be destroyed in turn after it was removed is an outage, and the event names it', async () => {
  const { store } = backend()
  store.destroy = () => {
    throw new Error('down')
  }
  const failed: SessionEvent[] = []
  const sessions = new SessionManager({ store, on: { storeError: (event) => void failed.push(event) } })
  const token = await sessions.createSession({}, { subject: 'u_42' })
  await expect(sessions.removeSessionsOf('u_42')).rejects.toThrow(StoreUnavailableError)
  expect(failed).toEqual([{ id: token.split('.')[0], reason: 'destroy' }])
})

describe('a bare model', () => {
  function model(): StoreModel {
    const rows = new Map<string, string>()
    return {
      get: async (id) => (rows.has(id) ? (JSON.parse(String(rows.get(id))) as SessionRecord) : undefined),
      set: async (id, record) => void rows.set(id, JSON.stringify(record)),
      destroy: async (id) => void rows.delete(id),
    }
  }

  it('P5: given to two managers is one store: no increment of either is lost', async () => {
    const store = model()
    const managers = [new SessionManager<{ n?: number }>({ store }), new SessionManager<{ n?: number }>({ store })]
    const token = (await managers[0]?.createSession({ n: 0 })) as string
    const increment = (data: { n?: number }): void => void (data.n = (data.n ?? 0) + 1)
    await Promise.all([...managers, ...managers, ...managers].map((one) => one.updateSession(token, increment)))
    expect(await managers[1]?.retrieveSession(token)).toEqual({ n: 6 })
  })

  it('says by its own `capabilities` what it can do', () => {
    const atomic = { atomic: true, consistency: 'strong' } as const
    const rotating = (store: StoreModel) => () => new SessionManager({ store, rotateEvery: '1h' })
    expect(rotating(model())).toThrow(/`rotateEvery` needs a store whose `capabilities` say `atomic`; Object's do not/)
    expect(rotating({ ...model(), capabilities: atomic })).not.toThrow()
  })

  it('may be of no class: messages then call it the store', async () => {
    const store = Object.assign(Object.create(null) as object, model())
    const error: unknown = await new SessionManager({ store }).listSessions('u_42').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SessionUnsupportedError)
    expect((error as Error).message).toContain('The store has no `findBySubject`')
  })
})
