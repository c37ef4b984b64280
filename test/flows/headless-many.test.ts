/** Headless calls over many sessions: sweeping, device lists, ending them; and stores that cannot. */
import {
  SessionManager,
  SessionUnsupportedError,
  Store,
  type SessionEvent,
  type SessionOptions,
  type SessionRecord,
} from 'latchkey'
import { describe, expect, it } from 'vitest'
import { HOUR } from '../support/flow.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n: number; theme?: string; cart?: string[] }

function shop(options: Partial<SessionOptions<Shop>> = {}) {
  const clock = { now: Date.UTC(2030, 0, 1) }
  const store = new WatchedStore()
  const destroyed: SessionEvent[] = []
  const sessions = new SessionManager<Shop>({
    store,
    initial: () => ({ n: 0 }),
    now: () => clock.now,
    on: { destroyed: (event) => void destroyed.push(event) },
    ...options,
  })
  return { clock, store, sessions, destroyed }
}

describe('no subject is nobody’s', () => {
  it.each([[undefined], [null], [''], [7], ['\ud800']])(
    '%j has no sessions to list, and ends nobody’s',
    async (nobody) => {
      const { store, sessions, destroyed } = shop()
      const token = await sessions.createSession({ n: 1 })
      store.take()
      expect(await sessions.listSessions(nobody as unknown as string)).toEqual([])
      expect(await sessions.removeSessionsOf(nobody as unknown as string)).toBe(0)
      expect(store.take(), 'a store may keep no subject as an empty one').toEqual([])
      expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
      expect(destroyed).toEqual([])
    },
  )
})

describe('removeExpiredSessions, countExpiredSessions', () => {
  async function expired(count: number) {
    const all = shop()
    for (let index = 0; index < count; index++) await all.sessions.createSession({}, { ttl: '1h' })
    all.clock.now += HOUR
    const token = await all.sessions.createSession()
    all.store.take()
    return { ...all, token }
  }

  it('remove what is expired and nothing else, in bounded batches, telling how far they are', async () => {
    const { store, sessions, token } = await expired(7)
    expect(await sessions.countExpiredSessions()).toBe(7)
    const progress: number[] = []
    const removed = await sessions.removeExpiredSessions({
      batch: 3,
      onProgress: (so) => void progress.push(so.removed),
    })
    expect([removed, progress]).toEqual([7, [3, 6, 7]])
    expect(store.take().filter((call) => call === 'removeExpired')).toHaveLength(3)
    expect([await sessions.countExpiredSessions(), await sessions.removeExpiredSessions()]).toEqual([0, 0])
    expect(await sessions.retrieveSession(token)).toEqual({ n: 0 })
  })

  it('an abort returns what was done', async () => {
    const { sessions } = await expired(5)
    const abort = new AbortController()
    const removed = await sessions.removeExpiredSessions({
      batch: 2,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    expect([removed, await sessions.countExpiredSessions()]).toEqual([2, 3])
    expect(await sessions.removeExpiredSessions({ signal: AbortSignal.abort() })).toBe(0)
  })

  it.each([0, -1, 1.5, NaN])('a batch of %d is an error, not an endless loop', async (batch) => {
    const { sessions } = await expired(1)
    const outcome = sessions.removeExpiredSessions({ batch, signal: AbortSignal.timeout(500) })
    await expect(outcome).rejects.toThrow(/batch/)
  })
})

describe('listSessions, removeSessionsOf, removeSessionById', () => {
  async function devices() {
    const all = shop()
    const tokens: string[] = []
    for (const device of ['phone', 'laptop', 'tv']) {
      all.clock.now += 1000
      tokens.push(await all.sessions.createSession({}, { subject: 'u_42', info: { device } }))
    }
    const other = await all.sessions.createSession({}, { subject: 'u_1' })
    return { ...all, tokens: tokens as [string, string, string], other }
  }
  const idOf = (token: string): string => String(token.split('.')[0])

  it('I01 I03: list a subject’s sessions, latest first, the current one marked, expired ones left out, no token', async () => {
    const { clock, sessions, tokens } = await devices()
    const gone = await sessions.createSession({}, { subject: 'u_42', ttl: '1h', info: { device: 'old' } })
    clock.now += HOUR
    await sessions.renewSession(tokens[0])
    const list = await sessions.listSessions('u_42', { current: idOf(tokens[1]) })
    expect(list.map(({ info, current }) => [info['device'], current])).toEqual([
      ['phone', false],
      ['tv', false],
      ['laptop', true],
    ])
    expect(Object.keys(list[0] ?? {}).toSorted()).toEqual(
      ['id', 'subject', 'createdAt', 'lastSeenAt', 'expiresAt', 'info', 'current'].toSorted(),
    )
    for (const token of [...tokens, gone]) expect(JSON.stringify(list)).not.toContain(token.split('.')[1])
    for (const { id } of list) expect(await sessions.findSession(id)).toBeUndefined()
    expect(await sessions.listSessions('nobody')).toEqual([])
  })

  it('sessions last seen at the same time are listed newest first', async () => {
    const { sessions, tokens } = await devices()
    for (const token of tokens) await sessions.renewSession(token)
    const list = await sessions.listSessions('u_42')
    expect(list.map(({ info }) => info['device'])).toEqual(['tv', 'laptop', 'phone'])
  })

  it.each([
    ['nothing', () => null],
    ['cut short', (row: SessionRecord) => ({ subject: row.subject, id: row.id })],
    ['of another shape', (row: SessionRecord) => ({ ...row, expiresAt: 'soon' })],
  ])('a row that is %s is missing from the list, as everywhere, and hides no other', async (_what, spoil) => {
    const { store, sessions, tokens } = await devices()
    store.findBySubject = async (subject) => {
      const [first, ...rest] = (await store.inner.findBySubject(subject)) as [SessionRecord, ...SessionRecord[]]
      return [spoil(first) as SessionRecord, ...rest]
    }
    expect((await sessions.listSessions('u_42')).map(({ id }) => id)).toEqual([idOf(tokens[2]), idOf(tokens[1])])
  })

  it('a store that takes another subject or id for the same gives out, and ends, nobody else’s session', async () => {
    const { store, sessions, tokens, other } = await devices()
    store.findBySubject = async () => store.rows()
    expect((await sessions.listSessions('u_1')).map(({ id }) => id)).toEqual([idOf(other)])
    store.get = async () => store.inner.get(idOf(tokens[0]))
    expect(await sessions.removeSessionById('ANOTHER', { subject: 'u_42' })).toBe(false)
    expect(await store.rows()).toHaveLength(4)
  })

  it('log out everywhere, or everywhere but this session; each ended session is told once', async () => {
    const { sessions, tokens, other, destroyed } = await devices()
    expect(await sessions.removeSessionsOf('u_42', { except: idOf(tokens[2]) })).toBe(2)
    expect(destroyed.map(({ id }) => id).toSorted()).toEqual([idOf(tokens[0]), idOf(tokens[1])].toSorted())
    expect(await sessions.findSession(tokens[0])).toBeUndefined()
    expect(await sessions.findSession(tokens[2])).toBeDefined()
    expect([await sessions.removeSessionsOf('u_42'), await sessions.removeSessionsOf('u_42')]).toEqual([1, 0])
    expect(await sessions.findSession(other)).toBeDefined()
  })

  it('one row of a device list, only if it is theirs', async () => {
    const { sessions, tokens, other } = await devices()
    expect(await sessions.removeSessionById(idOf(other), { subject: 'u_42' })).toBe(false)
    expect(await sessions.findSession(other)).toBeDefined()
    expect(await sessions.removeSessionById(idOf(tokens[0]), { subject: 'u_42' })).toBe(true)
    expect(await sessions.removeSessionById(idOf(tokens[0]), { subject: 'u_42' })).toBe(false)
    expect(await sessions.removeSessionById(idOf(other))).toBe(true)
    for (const id of ['', '../x', 'x'.repeat(10_000), undefined, null]) {
      expect(await sessions.removeSessionById(id as string)).toBe(false)
    }
  })
})

describe('what a store lacks', () => {
  class ThreeMethods extends Store {
    readonly rows = new Map<string, SessionRecord>()
    get(id: string): SessionRecord | undefined {
      return this.rows.get(id)
    }
    set(id: string, record: SessionRecord): void {
      this.rows.set(id, record)
    }
    destroy(id: string): void {
      this.rows.delete(id)
    }
  }
  class BareModel {
    readonly #rows = new Map<string, SessionRecord>()
    get = (id: string): SessionRecord | undefined => this.#rows.get(id)
    set = (id: string, record: SessionRecord): void => void this.#rows.set(id, record)
    destroy = (id: string): void => void this.#rows.delete(id)
  }
  const calls: [string, (sessions: SessionManager) => Promise<unknown>][] = [
    ['removeExpired', (sessions) => sessions.removeExpiredSessions()],
    ['countExpired', (sessions) => sessions.countExpiredSessions()],
    ['findBySubject', (sessions) => sessions.listSessions('u_42')],
    ['removeBySubject', (sessions) => sessions.removeSessionsOf('u_42')],
  ]

  it.each(calls)(
    'without %s the call is rejected with a SessionUnsupportedError naming store and method',
    async (method, call) => {
      for (const store of [new ThreeMethods(), new BareModel()]) {
        const sessions = new SessionManager({ store })
        let outcome: Promise<unknown> | undefined
        expect(() => (outcome = call(sessions)), 'a promise, not a throw').not.toThrow()
        const error = await outcome?.catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(SessionUnsupportedError)
        expect(String(error)).toContain(method)
        expect(String(error)).toContain(store.constructor.name)
      }
    },
  )
})
