/** The lifecycle methods of a store: overriding one takes effect everywhere, and all may be called by hand. */
import {
  SessionManager,
  SessionNotFoundError,
  SessionStateError,
  type Store,
  type Session,
  type SessionRecord,
} from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { visitor } from '../support/visitor.ts'

type Shop = Record<string, any>

describe('overriding generate', () => {
  class Counting extends MemoryStore {
    generated: unknown[] = []
    override async generate(request: Request, manager?: object): Promise<Session> {
      this.generated.push(request, manager)
      const session = await super.generate(request, manager)
      session.data['landing'] = new URL(request.url).pathname
      return session
    }
  }

  it('takes effect for every new request-bound session', async () => {
    const store = new Counting()
    const sessions = new SessionManager<Shop>({ store })
    const { browser, visit, see } = visitor(sessions)
    expect((await visit(() => undefined)).headers.getSetCookie()).toHaveLength(1)
    expect(store.generated).toEqual([expect.any(Request), sessions])
    expect(await see((session) => session.data)).toEqual({ landing: '/' })
    expect(store.generated).toHaveLength(2)
    browser.plant('garbage')
    expect(await see((session) => session.data)).toEqual({ landing: '/' })
  })

  it('may look at every member of the session it begins', async () => {
    const seen: unknown[] = []
    class Looking extends MemoryStore {
      override async generate(request: Request, manager?: object): Promise<Session> {
        const session = await super.generate(request, manager)
        seen.push([session.transport, session.isNew, session.id, session.subject, session.authenticatedAt])
        return session
      }
    }
    const { visit } = visitor(new SessionManager<Shop>({ store: new Looking() }))
    await visit(() => undefined)
    expect(seen).toEqual([['cookie', true, undefined, undefined, undefined]])
  })

  it('also for the one that sessions.regenerate(request) starts', async () => {
    const store = new Counting()
    const sessions = new SessionManager<Shop>({ store })
    const { visit, see } = visitor(sessions)
    await visit((session) => session.set('card', '4111'))
    const before = await see((session) => session.id)
    await visit((_, request) => sessions.regenerate(request))
    expect(await see(({ id, data }) => [id === before, data])).toEqual([false, { landing: '/' }])
  })
})

describe('overriding load', () => {
  /** Knows a session under another id too, refuses banned ones, and says when it was asked. */
  class Watching extends MemoryStore {
    loads: unknown[] = []
    banned = new Set<string>()
    override load(id: string, manager?: object): ReturnType<Store['load']> {
      this.loads.push(id, manager)
      return this.banned.has(id) ? undefined : super.load(id, manager)
    }
  }

  it('takes effect for requests and for headless calls alike', async () => {
    const store = new Watching()
    const sessions = new SessionManager<Shop>({ store })
    const token = await sessions.createSession({ n: 1 })
    const id = String(token.split('.')[0])
    const { browser, see } = visitor(sessions)
    browser.plant(token)
    expect(await see((session) => session.data)).toEqual({ n: 1 })
    expect(store.loads).toEqual([id, sessions])
    store.banned.add(id)
    expect(await see((session) => session.isNew)).toBe(true)
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.updateSession(token, { n: 2 })).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.renewSession(token)).rejects.toThrow(SessionNotFoundError)
    await expect(sessions.regenerateSession(token)).rejects.toThrow(SessionNotFoundError)
    expect(await sessions.findSession(token)).toBeUndefined()
    expect(await sessions.removeSession(token)).toBe(false)
  })

  it('P9 P20: the core judges what it returns: its secret and its times', async () => {
    let now = Date.UTC(2030, 0, 1)
    const store = new Watching()
    const sessions = new SessionManager<Shop>({ store, now: () => now })
    const token = await sessions.createSession({ n: 1 })
    const id = String(token.split('.')[0])
    const record = store.get(id) as SessionRecord
    store.load = () => ({ ...record, data: '{"n":2}' })
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
    await expect(sessions.retrieveSession(`${id}.${'A'.repeat(43)}`)).rejects.toThrow(SessionNotFoundError)
    now += 86_400_000
    await expect(sessions.retrieveSession(token)).rejects.toThrow('expired')
  })
})

describe('overriding createSession', () => {
  class Wrapping extends MemoryStore {
    built: unknown[] = []
    override async createSession(
      request: Request,
      record: SessionRecord,
      bind?: boolean,
      manager?: object,
    ): Promise<Session> {
      this.built.push(record.id, bind, manager)
      const session = await super.createSession(request, record, bind, manager)
      if (session.data['schema'] !== 2) session.data = { ...session.data, schema: 2 }
      return session
    }
  }

  it('takes effect for every stored session of a request, and what it changes is kept', async () => {
    const store = new Wrapping()
    const sessions = new SessionManager<Shop>({ store })
    const token = await sessions.createSession({ n: 1 })
    const { browser, see } = visitor(sessions)
    browser.plant(token)
    expect(await see((session) => session.data)).toEqual({ n: 1, schema: 2 })
    expect(store.built).toEqual([token.split('.')[0], true, sessions])
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1, schema: 2 })
  })
})

describe('overriding regenerate', () => {
  it('takes effect for sessions.regenerate(request), not for session.regenerate()', async () => {
    const calls = vi.fn<(manager: object | undefined) => void>()
    class Auditing extends MemoryStore {
      override async regenerate(request: Request, manager?: object): Promise<Session> {
        calls(manager)
        const session = await super.regenerate(request, manager)
        session.data['regenerated'] = true
        return session
      }
    }
    const sessions = new SessionManager<Shop>({ store: new Auditing() })
    const { visit, see } = visitor(sessions)
    await visit((session) => session.set('n', 1))
    await visit((session) => session.regenerate())
    expect(calls).not.toHaveBeenCalled()
    await visit((_, request) => sessions.regenerate(request))
    expect(calls.mock.calls).toEqual([[sessions]])
    expect(await see((session) => session.data)).toEqual({ regenerated: true })
  })
})

describe('sessions.regenerate(request)', () => {
  it('ends the request’s session and starts an empty one under a new id; who holds the old object sees the new state', async () => {
    const sessions = new SessionManager<Shop>({ store: new MemoryStore() })
    const { browser, visit, see } = visitor(sessions)
    await visit((session) => {
      session.subject = 'u_42'
      session.data['cart'] = ['mug']
    })
    const [old, token] = [await see((session) => session.id), String(browser.value())]
    await visit(async (session, request) => {
      const next = await sessions.regenerate(request)
      expect([next.isNew, next.id, next.data, next.subject]).toEqual([true, undefined, {}, undefined])
      expect(await sessions.load(request)).toBe(next)
      session.data['theme'] = 'dark'
      expect(next.data).toEqual({ theme: 'dark' })
    })
    expect(await see(({ id, data, subject }) => [id === old, data, subject])).toEqual([
      false,
      { theme: 'dark' },
      undefined,
    ])
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('with nothing written afterwards the cookie of the ended session is cleared', async () => {
    const sessions = new SessionManager<Shop>({ store: new MemoryStore() })
    const { browser, visit } = visitor(sessions)
    await visit((session) => session.set('n', 1))
    const response = await visit((_, request) => sessions.regenerate(request))
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=0')])
    expect(browser.cookies).toEqual([])
  })

  it('on a visitor without a session is an empty session, no row and no cookie', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager<Shop>({ store })
    const { visit } = visitor(sessions)
    const response = await visit((_, request) => sessions.regenerate(request))
    expect([response.headers.getSetCookie(), store.length()]).toEqual([[], 0])
  })

  it('after the response was built it is a SessionStateError', async () => {
    const sessions = new SessionManager<Shop>()
    const { visit } = visitor(sessions)
    let late: Request | undefined
    await visit((session, request) => {
      late = request
      session.data['n'] = 1
    })
    await expect(sessions.regenerate(late as Request)).rejects.toThrow(SessionStateError)
  })
})

describe('lifecycle methods called by hand', () => {
  const request = (): Request => new Request('https://shop.example/')

  it('without a manager the store acts for the one it was given to', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager<Shop>({ store })
    const here = request()
    const session = await store.generate(here)
    expect(await sessions.load(here)).toBe(session)
    session.data['n'] = 1
    await session.save()
    const [record] = [store.get(String(session.id)) as SessionRecord]

    const elsewhere = request()
    const built = await store.createSession(elsewhere, record)
    expect([built.id, built.data]).toEqual([session.id, { n: 1 }])
    expect(await sessions.load(elsewhere)).toBe(built)
    const loose = request()
    const unbound = await store.createSession(loose, record, false)
    expect(unbound.data).toEqual({ n: 1 })
    expect(await sessions.load(loose)).not.toBe(unbound)

    const next = await store.regenerate(elsewhere)
    expect([next.isNew, next.data]).toEqual([true, {}])
    expect(store.length()).toBe(0)
    expect(await sessions.load(elsewhere)).toBe(next)
  })

  it('a session built from its record can be written and committed', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager<Shop>({ store })
    const token = await sessions.createSession({ n: 1 })
    const session = await store.createSession(request(), store.get(String(token.split('.')[0])) as SessionRecord)
    session.data['n'] = 2
    const response = await sessions.commit(session, new Response('ok'))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
  })

  it('with several managers, or none, it says so: SessionStateError', async () => {
    const [shared, alone] = [new MemoryStore(), new MemoryStore()]
    const managers = [new SessionManager<Shop>({ store: shared }), new SessionManager<Shop>({ store: shared })] as const
    for (const [store, message] of [
      [shared, /several managers/],
      [alone, /new SessionManager/],
    ] as const) {
      for (const call of [
        async () => store.generate(request()),
        async () => store.regenerate(request()),
        async () => store.createSession(request(), {} as SessionRecord),
      ]) {
        await expect(call()).rejects.toThrow(SessionStateError)
        await expect(call()).rejects.toThrow(message)
      }
    }
    const here = request()
    expect(await shared.generate(here, managers[1])).toBe(await managers[1].load(here))
  })
})
