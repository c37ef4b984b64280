/** One session for each request, also where a load failed, was repeated, or the session was begun anew. */
import { SessionManager, SessionStateError, StoreUnavailableError, type Session, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { flow, rawFetch, SECOND, type FlowOptions } from '../support/flow.ts'
import { cookiesOf, COPY, signedIn, TOKEN, type AppSession } from '../stores/cached.ts'
import { SealedApp } from '../stores/sealed.ts'

describe('a request whose load failed', () => {
  it('P11: stands for nothing yet: a session made for it by hand is its session, and is answered', async () => {
    const shop = flow(rawFetch)
    await shop.visit((session) => session.set('n', 1))
    const request = shop.request()
    shop.store.down(true)
    await expect(shop.sessions.load(request)).rejects.toBeInstanceOf(StoreUnavailableError)
    shop.store.down(false)
    const session = (await shop.store.generate(request)) as unknown as Session
    expect(await shop.sessions.load(request)).toBe(session)
    session.set('n' as never, 2 as never)
    expect((await shop.sessions.commit(session as never, new Response())).headers.getSetCookie()).toHaveLength(1)
  })

  it('P11: is loaded anew, not from what a store had built before it failed', async () => {
    class Failing extends MemoryStore {
      fails = true
      override async createSession(request: Request, record: SessionRecord, bind?: boolean, manager?: object) {
        const session = await super.createSession(request, record, bind, manager)
        if (this.fails) throw new Error('not this time')
        return session
      }
    }
    const store = new Failing()
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession()
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    await expect(sessions.load(request)).rejects.toThrow('not this time')
    store.fails = false
    expect((await sessions.load(request)).token).toBe(token)
  })

  it('P11: in a `generate` that throws at once, is told so, and may be loaded again', async () => {
    class Throwing extends MemoryStore {
      fails = true
      override generate(...all: [Request, object?]) {
        if (this.fails) throw new Error('not this time')
        return super.generate(...all)
      }
    }
    const store = new Throwing()
    const sessions = new SessionManager({ store })
    const request = new Request('https://shop.example/')
    await expect(sessions.load(request)).rejects.toThrow('not this time')
    store.fails = false
    expect((await sessions.load(request)).isNew).toBe(true)
  })
})

describe('a request that is loaded again, past its copy', () => {
  it('stands for the session that the handler has', async () => {
    const app = await signedIn()
    app.clock.now += SECOND
    await app.visit(async (session, request) => {
      expect(await app.sessions.load(request, { fresh: true })).toBe(session)
      expect(await app.sessions.load(request)).toBe(session)
    })
    expect(app.store.take()).toEqual(['get'])
  })

  it('may be begun anew after it: the answer brings the new session', async () => {
    const app = await signedIn()
    const before = app.token
    app.clock.now += SECOND
    const response = await app.visit(async (session, request) => {
      await app.sessions.load(request, { fresh: true })
      await app.sessions.regenerate(request)
      session.data['n'] = 2
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    expect(app.token).not.toBe(before)
    expect(await app.see(({ data, subject }) => [data, subject])).toEqual([{ n: 2 }, undefined])
  })

  it('P15: what a sealed session saved before stays, and its cookie is sent', async () => {
    const app = new SealedApp()
    for (const n of [1, 2]) {
      const response = await app.visit(async (session, request) => {
        session.subject = `u_${n}`
        session.set('n', n)
        await session.save()
        expect(await app.sessions.load(request, { fresh: true })).toBe(session)
        expect(session.subject).toBe(`u_${n}`)
      })
      expect(response.headers.getSetCookie()).toHaveLength(1)
      expect(await app.see(({ subject, data }) => [subject, data])).toEqual([`u_${n}`, { n }])
    }
  })

  it('P15: waits for a save under way, whose token is sent', async () => {
    const app = await signedIn()
    await app.visit(async (session, request) => {
      session.regenerate()
      session.set('n', 2)
      const saving = session.save()
      await app.sessions.load(request, { fresh: true })
      await saving
    })
    expect(await app.see(({ subject, data }) => [subject, data])).toEqual(['u_1', { n: 2 }])
  })

  it('F11: is waited for by commit though the handler does not: a change after the response is refused', async () => {
    const app = await signedIn()
    app.clock.now += SECOND
    let late: AppSession | undefined
    await app.visit((session, request) => {
      late = session
      void app.sessions.load(request, { fresh: true })
    })
    expect(() => late?.set('n', 3)).toThrow(SessionStateError)
  })

  it('is loaded as before where the store failed meanwhile', async () => {
    const app = await signedIn()
    app.clock.now += SECOND
    await app.visit(async (session, request) => {
      app.store.down(true)
      await expect(app.sessions.load(request, { fresh: true })).rejects.toBeInstanceOf(StoreUnavailableError)
      app.store.down(false)
      const built = await app.cache.createSession(request, await app.store.row())
      expect(await app.sessions.load(request)).toBe(built)
      expect(session.data).toEqual({ n: 1 })
    })
  })
})

describe('a session that is built by hand from its record', () => {
  it('has its data as `migrate` makes it, like one that was loaded', async () => {
    const shop = flow(rawFetch, { migrate: (raw: object) => ({ theme: 'light', ...raw }) } as FlowOptions)
    await shop.visit((session) => session.set('n', 1))
    const row = await shop.store.row()
    const built = await shop.store.createSession(shop.request(), { ...row, data: '{"n":1}' })
    expect(built.data).toEqual({ theme: 'light', n: 1 })
  })
})

describe('bind()', () => {
  it('does not keep a later session, made by hand, from being the request’s', async () => {
    const shop = flow(rawFetch)
    const [one, other] = [shop.request(), shop.request()]
    shop.sessions.bind(other, await shop.sessions.load(one))
    const made = await shop.store.generate(other)
    expect(await shop.sessions.load(other)).toBe(made)
  })
})
