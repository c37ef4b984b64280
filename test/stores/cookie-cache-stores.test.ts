/** CookieCache over other stores: what they keep it keeps, what they lack it lacks. */
import { SessionManager, SessionUnsupportedError, type Store, type Session, type SessionRecord } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { conforms } from '../testing/conforms.ts'
import { bareModel, ThreeMethodStore } from '../testing/three-methods.ts'
import { CachedApp, MINUTE, SECOND, SECRET, type Data } from './cached.ts'
import { temporaryFile } from './sqlite-databases.ts'

await conforms(
  'CookieCache over a MemoryStore',
  () => new CookieCache(new MemoryStore(), { secret: SECRET }),
  {},
  {
    'the option `peer` was not given': 'R01 R02 R03 R04 R05 R06 R10',
    'the option `otherNamespace` was not given': 'S22',
    'the option `lock` was not given': 'S17',
  },
)

describe('over a store of three methods', () => {
  const counting = () => {
    const store = new ThreeMethodStore()
    const calls: string[] = []
    const get = store.get.bind(store)
    store.get = (id) => {
      calls.push('get')
      return get(id)
    }
    return { store, calls }
  }

  it('reads are spared, writes compare and set as ever, one after the other', async () => {
    const { store, calls } = counting()
    const app = new CachedApp(store)
    await app.visit((session) => session.set('n', 0))
    calls.length = 0
    for (let visit = 0; visit < 5; visit++) await app.see((session) => session.data)
    expect(calls).toEqual([])
    const commits = await Promise.all(
      Array.from({ length: 10 }, () => app.underway((session) => session.update((data) => void data['n']++))),
    )
    await Promise.all(commits.map((commit) => commit()))
    expect(await app.sessions.retrieveSession(app.token)).toEqual({ n: 10 })
  })

  it('P6: a logout takes its turn with the writes of others; the base class holds one lock for the cache and the store', async () => {
    const { store } = counting()
    const app = new CachedApp(store)
    const direct = new SessionManager<Data>({ initial: () => ({}), store, now: () => app.clock.now })
    for (let round = 0; round < 20; round++) {
      const browser = new CachedApp(store, {}, app.clock)
      await browser.visit((session) => session.set('n', 1))
      const { token } = browser
      const leave = await browser.underway((session) => session.destroy())
      const write = direct.updateSession(token, { n: 2 }).catch(() => undefined)
      for (let tick = 0; tick < round; tick++) await Promise.resolve()
      await Promise.all([leave(), write])
      expect(store.records.size).toBe(0)
    }
  })

  it('P6: logging out everywhere takes its turn with a write halfway, though the cache stands in between', async () => {
    const store = new (class extends ThreeMethodStore {
      held = Promise.withResolvers<void>()
      writing = Promise.withResolvers<void>()
      override async set(id: string, record: SessionRecord): Promise<void> {
        if (record.version === 2) {
          this.writing.resolve()
          await this.held.promise
        }
        return super.set(id, record)
      }
      override removeBySubject(): string[] {
        const ids = [...this.records.keys()]
        this.records.clear()
        return ids
      }
    })()
    const app = new CachedApp(store)
    await app.visit((session) => void (session.subject = 'u_1'))
    const write = app.sessions.updateSession(app.token, { n: 2 }).catch(() => undefined)
    await store.writing.promise
    const leaving = app.sessions.removeSessionsOf('u_1')
    for (let tick = 0; tick < 20; tick++) await Promise.resolve()
    store.held.resolve()
    await Promise.all([write, leaving])
    expect(store.records.size).toBe(0)
  })

  it('what the store lacks is still a SessionUnsupportedError', async () => {
    const app = new CachedApp(counting().store)
    await expect(app.sessions.removeExpiredSessions()).rejects.toThrow(SessionUnsupportedError)
    await expect(app.sessions.listSessions('u_1')).rejects.toThrow(/findBySubject/)
    expect([app.cache.capabilities, app.cache.all]).toEqual([{ atomic: false, consistency: 'strong' }, undefined])
  })

  it('a plain object will do', async () => {
    const app = new CachedApp(bareModel())
    await app.visit((session) => session.set('n', 1))
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })
})

describe('over a LibsqlStore', () => {
  it('whole flow: reads are spared, a login, device list, log out everywhere, sweep', async () => {
    const store = new LibsqlStore({ url: `file:${temporaryFile()}` })
    onTestFinished(() => store.close())
    let reads = 0
    const get = store.get.bind(store)
    store.get = (id) => {
      reads++
      return get(id)
    }
    const app = new CachedApp(store)
    await app.visit((session) => session.set('cart', ['mug']))
    await app.visit((session) => void (session.subject = 'u_1'))
    for (let second = 0; second < 29; second++) {
      app.clock.now += SECOND
      expect(await app.see(({ subject, data }) => [subject, data])).toEqual(['u_1', { cart: ['mug'] }])
    }
    expect(reads).toBe(0)
    expect(await app.sessions.listSessions('u_1')).toHaveLength(1)
    expect(await app.sessions.removeSessionsOf('u_1')).toBe(1)
    app.clock.now += SECOND
    expect(await app.see((session) => session.isNew)).toBe(true)
    expect(reads).toBe(1)
    await app.sessions.createSession({}, { ttl: '1m' })
    app.clock.now += MINUTE
    expect([await app.sessions.countExpiredSessions(), await app.sessions.removeExpiredSessions()]).toEqual([1, 1])
    expect(await store.length()).toBe(0)
  })
})

describe('the lifecycle methods of the store underneath take effect', () => {
  class Watching extends MemoryStore {
    readonly seen: string[] = []
    override async generate(request: Request, manager?: object): Promise<Session> {
      this.seen.push('generate')
      const session = await super.generate(request, manager)
      session.data['landing'] = true
      return session
    }
    override async regenerate(request: Request, manager?: object): Promise<Session> {
      this.seen.push('regenerate')
      return super.regenerate(request, manager)
    }
    override load(id: string, manager?: object): ReturnType<Store['load']> {
      this.seen.push('load')
      return super.load(id, manager)
    }
    override async createSession(
      request: Request,
      record: SessionRecord,
      bind?: boolean,
      manager?: object,
    ): Promise<Session> {
      this.seen.push('createSession')
      return super.createSession(request, record, bind, manager)
    }
  }

  it('through the manager: all four, `load` where the copy does not stand in', async () => {
    const app = new CachedApp(new Watching())
    const { seen } = app.store
    await app.visit(() => undefined)
    expect(seen.splice(0)).toEqual(['generate'])
    expect(await app.see((session) => session.data)).toEqual({ landing: true })
    expect(seen.splice(0)).toEqual(['createSession'])
    app.clock.now += 30 * SECOND
    await app.visit((session) => session.data)
    expect(seen.splice(0)).toEqual(['load', 'createSession'])
    await app.visit((_, request) => app.sessions.regenerate(request))
    expect(seen.splice(0)).toEqual(['createSession', 'regenerate', 'generate'])
  })

  it('where they leave the manager out, too: that of the cache is meant', async () => {
    class Landing extends MemoryStore {
      override async generate(request: Request): Promise<Session> {
        return Object.assign(await super.generate(request), { data: { landing: true } })
      }
    }
    const app = new CachedApp(new Landing())
    await app.visit(() => undefined)
    expect(await app.see((session) => session.data)).toEqual({ landing: true })
  })

  it('and called by hand on the cache', async () => {
    const app = new CachedApp(new Watching())
    const request = new Request(app.origin)
    const session = await app.cache.generate(request)
    expect(app.store.seen.splice(0)).toEqual(['generate'])
    expect(await app.sessions.load(request)).toBe(session)
    await session.save()
    const record = app.store.get(String(session.id)) as SessionRecord
    const built = await app.cache.createSession(new Request(app.origin), record, false)
    expect([app.store.seen.splice(0), built.id]).toEqual([['createSession'], session.id])
    await app.cache.regenerate(request)
    expect(app.store.seen.splice(0)).toEqual(['regenerate', 'generate'])
    expect(app.store.length()).toBe(0)
  })
})
