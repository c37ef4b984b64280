/** Stores of one's own: three methods are enough, extended from `Store` or bare. */
import {
  SessionManager,
  SessionNotFoundError,
  Store,
  StoreUnavailableError,
  type Session,
  type MaybePromise,
  type SessionRecord,
  type StoreModel,
} from 'latchkey'
import { describe, expect, it, vi } from 'vitest'
import { visitor } from '../support/visitor.ts'

type Shop = Record<string, any>

class ThreeMethods extends Store {
  readonly rows = new Map<string, string>()
  get(id: string): SessionRecord | undefined | Promise<SessionRecord | undefined> {
    const text = this.rows.get(id)
    return text === undefined ? undefined : (JSON.parse(text) as SessionRecord)
  }
  async set(id: string, record: SessionRecord): Promise<void> {
    this.rows.set(id, JSON.stringify(record))
  }
  async destroy(id: string): Promise<void> {
    this.rows.delete(id)
  }
}

function model(): StoreModel & { rows: Map<string, SessionRecord> } {
  const rows = new Map<string, SessionRecord>()
  return {
    rows,
    get: (id) => structuredClone(rows.get(id)),
    set: (id, record) => void rows.set(id, structuredClone(record)),
    destroy: (id) => void rows.delete(id),
  }
}

/** A store whose backend says "not there" by throwing. */
class Throwing extends ThreeMethods {
  override get(id: string): SessionRecord {
    const text = this.rows.get(id)
    if (text === undefined) throw new SessionNotFoundError()
    return JSON.parse(text) as SessionRecord
  }
}

describe.each([
  ['Store extended by get, set and destroy', () => new ThreeMethods()],
  ['a bare StoreModel', () => model()],
  ['a store whose get throws SessionNotFoundError for what is missing', () => new Throwing()],
])('%s', (_, make) => {
  it('is a whole store: create, write, sign in, touch, sign out, headless', async () => {
    let now = Date.UTC(2030, 0, 1)
    const store = make()
    const sessions = new SessionManager<Shop>({ store, now: () => now })
    const { browser, visit, see } = visitor(sessions)
    await visit((session) => session.set('cart', ['mug']))
    await visit((session) => session.data['cart'].push('pen'))
    const before = browser.value()
    await visit((session) => (session.subject = 'u_42'))
    expect(browser.value()).not.toBe(before)
    expect(await sessions.findSession(String(before))).toBeUndefined()
    now += 12 * 3_600_000
    expect(await see(({ subject, data }) => [subject, data])).toEqual(['u_42', { cart: ['mug', 'pen'] }])
    now += 23 * 3_600_000
    expect(await see((session) => session.subject)).toBe('u_42')
    const token = String(browser.value())
    expect(await sessions.updateSession(token, (data) => ({ ...data, n: 1 }))).toMatchObject({ n: 1 })
    await sessions.renewSession(token)
    await visit((session) => session.destroy())
    expect(store.rows.size).toBe(0)
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
  })

  it('P4 P5: holds within one process: nothing is lost to requests at the same time', async () => {
    const sessions = new SessionManager<Shop>({ store: make() })
    const token = await sessions.createSession({ n: 0 })
    const bump = (data: Shop): Shop => ({ ...data, n: data['n'] + 1 })
    await Promise.all(Array.from({ length: 50 }, () => sessions.updateSession(token, bump)))
    expect(await sessions.retrieveSession(token)).toEqual({ n: 50 })
  })

  it('P6: an update or a touch never brings back what was destroyed meanwhile', async () => {
    const store = make()
    const sessions = new SessionManager<Shop>({ store })
    const { browser, visit } = visitor(sessions)
    for (const change of [
      (session: Session<Shop>) => session.set('n', 2),
      (session: Session<Shop>) => session.touch(),
      (session: Session<Shop>) => session.regenerate(),
    ]) {
      await visit((session) => session.set('n', 1))
      const response = await visit(async (session) => {
        await sessions.removeSession(String(browser.value()))
        change(session)
      })
      expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
      expect(store.rows.size).toBe(0)
    }
  })

  it('removeSessionById of an unknown id is false', async () => {
    expect(await new SessionManager({ store: make() }).removeSessionById('nobody')).toBe(false)
  })

  it('P8: an unknown token is a new session, not an outage', async () => {
    const { browser, see } = visitor(new SessionManager<Shop>({ store: make() }))
    browser.plant(`unknown.${'A'.repeat(43)}`)
    expect(await see((session) => session.isNew)).toBe(true)
  })
})

describe('a store that fails', () => {
  it('P11: whatever else `get` throws is an outage', async () => {
    for (const thrown of [new Error('down'), new TypeError('x'), 'text', undefined, { code: 'SESSION_NOT_FOUND' }]) {
      const store = new ThreeMethods()
      const sessions = new SessionManager<Shop>({ store })
      const token = await sessions.createSession()
      store.get = () => {
        throw thrown
      }
      await expect(sessions.retrieveSession(token)).rejects.toThrow(StoreUnavailableError)
      const { browser, visit } = visitor(sessions)
      browser.plant(token)
      expect((await visit(() => undefined)).status).toBe(503)
    }
  })

  it('S24: answering with somebody else’s record is an outage, not a login', async () => {
    const store = new ThreeMethods()
    const sessions = new SessionManager<Shop>({ store })
    const [mine, theirs] = [await sessions.createSession({}, { subject: 'u_1' }), await sessions.createSession()]
    store.get = () => JSON.parse(String(store.rows.get(String(mine.split('.')[0])))) as SessionRecord
    await expect(sessions.retrieveSession(theirs)).rejects.toThrow(StoreUnavailableError)
  })

  it('a row that is no record is a new session', async () => {
    const store = new ThreeMethods()
    const sessions = new SessionManager<Shop>({ store })
    const token = await sessions.createSession({ n: 1 })
    const id = String(token.split('.')[0])
    for (const row of ['{}', '[]', '"text"', '{"id":1}']) {
      store.rows.set(id, row)
      await expect(sessions.retrieveSession(token), row).rejects.toThrow(SessionNotFoundError)
    }
  })
})

describe('a StoreModel’s own lifecycle methods', () => {
  it('are called where they are there, and fall back to the manager’s own where not', async () => {
    const rows = model()
    const load = vi.fn<(id: string) => MaybePromise<SessionRecord | undefined>>((id) => rows.get(id))
    const sessions = new SessionManager<Shop>({ store: { ...rows, load } })
    const { visit, see } = visitor(sessions)
    await visit((session) => session.set('n', 1))
    expect(await see((session) => session.data)).toEqual({ n: 1 })
    expect(load).toHaveBeenCalledTimes(1)
    await visit((_, request) => sessions.regenerate(request))
    expect(rows.rows.size).toBe(0)
  })

  it('keep their `this`', async () => {
    class Model implements StoreModel {
      #rows = new Map<string, SessionRecord>()
      get(id: string): SessionRecord | undefined {
        return this.#rows.get(id)
      }
      set(id: string, record: SessionRecord): void {
        this.#rows.set(id, record)
      }
      destroy(id: string): boolean {
        return this.#rows.delete(id)
      }
      load(id: string): SessionRecord | undefined {
        return this.#rows.get(id)
      }
      countExpired(): number {
        return this.#rows.size
      }
    }
    const sessions = new SessionManager<Shop>({ store: new Model() })
    expect(await sessions.retrieveSession(await sessions.createSession({ n: 1 }))).toEqual({ n: 1 })
    expect(await sessions.countExpiredSessions()).toBe(1)
  })
})
