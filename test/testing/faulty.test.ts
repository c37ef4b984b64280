import { SessionManager, StoreUnavailableError, type SessionRecord, type Store } from 'latchkey'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { faulty, loginAs } from '../../src/testing/index.ts'
import { gate } from '../support/flow.ts'
import { conforms } from './conforms.ts'
import { bareModel, ThreeMethodStore } from './three-methods.ts'

const initial = () => ({})
const record: SessionRecord = {
  id: 'a',
  verifier: 'v',
  data: '{}',
  version: 1,
  createdAt: 1,
  rotatedAt: 1,
  lastSeenAt: 1,
  expiresAt: 9,
  endsAt: null,
}
const expected = { version: 1, verifier: 'v' }

describe('faulty', () => {
  it('leaves a CookieCache one: its copies go out, and spare the reads', async () => {
    const store = faulty(new CookieCache(new MemoryStore(), { secret: 'of 32 bytes, or of more than that' }))
    const sessions = new SessionManager<{ n?: number }>({ store })
    const session = await sessions.load(new Request('https://shop.example/'))
    session.data.n = 1
    const response = await sessions.commit(session, new Response('ok'))
    const cookies = response.headers.getSetCookie().map((header) => header.split(';', 1)[0])
    expect(cookies).toEqual([expect.stringMatching(/^__Host-session=/), expect.stringMatching(/^__Host-session.copy=/)])
    store.fail('load')
    const again = await sessions.load(new Request('https://shop.example/', { headers: { cookie: cookies.join('; ') } }))
    expect(again.data).toEqual({ n: 1 })
    expect(store.calls).toMatchObject({ seal: 1, open: 1, load: 0 })
  })
})

describe('faulty: fail', () => {
  it('makes a method throw as often as asked, and no other', async () => {
    const store = faulty(new MemoryStore())
    store.fail('create', { times: 2 })
    await expect(store.create(record)).rejects.toThrow('create failed on command')
    await expect(store.create(record)).rejects.toThrow('create failed on command')
    expect(await store.create(record)).toBe(true)
    expect(await store.get('a')).toEqual(record)
  })

  it('goes on until it is ended, by what it returned or by heal()', async () => {
    const store = faulty(new MemoryStore())
    for (const end of [store.fail('get'), () => store.heal()]) {
      store.fail('get', { error: new TypeError('reset') })
      await expect(store.get('a')).rejects.toThrow(TypeError)
      await expect(store.get('a')).rejects.toThrow(TypeError)
      end()
      store.heal()
      expect(await store.get('a')).toBeUndefined()
    }
    const end = store.fail('get')
    end()
    expect(await store.get('a')).toBeUndefined()
  })

  it('can let the call take effect first, as when an answer is lost', async () => {
    const store = faulty(new MemoryStore())
    store.fail('create', { after: true, times: 1 })
    await expect(store.create(record)).rejects.toThrow('create failed on command')
    expect(await store.get('a')).toEqual(record)
  })

  it('makes the manager see an outage, not a missing session (P11)', async () => {
    const store = faulty(new MemoryStore())
    const sessions = new SessionManager({ store, initial })
    const headers = await loginAs(sessions, 'u_42')
    const load = () => sessions.load(new Request('https://localhost/', { headers }))
    for (const method of ['get', 'load'] as const) {
      store.fail(method, { times: 1 })
      await expect(load()).rejects.toThrow(StoreUnavailableError)
    }
    expect((await load()).subject).toBe('u_42')
  })

  it('reaches what the base class builds on three methods', async () => {
    for (const model of [new ThreeMethodStore(), bareModel()]) {
      const store = faulty(model)
      store.fail('set', { times: 1 })
      await expect(store.create(record)).rejects.toThrow('set failed on command')
      expect(await store.get('a')).toBeUndefined()
    }
  })

  it('reaches optional methods, and does not invent any', async () => {
    const store = faulty(new MemoryStore())
    store.fail('all', { times: 1 })
    await expect(store.all!()[Symbol.asyncIterator]().next()).rejects.toThrow('all failed on command')
    expect(faulty(new ThreeMethodStore()).all).toBeUndefined()
    expect(faulty(new ThreeMethodStore()).findBySubject).toBeUndefined()
  })
})

describe('faulty in front of a store that loads in a way of its own', () => {
  const secret = 'of 32 bytes, or of more than that'
  const wrappers = [
    { name: 'EncryptedStore', wrap: (store: MemoryStore) => new EncryptedStore(store, { secret }) },
    { name: 'CookieCache', wrap: (store: MemoryStore) => new CookieCache(store, { secret }) },
    { name: 'both', wrap: (store: MemoryStore) => new CookieCache(new EncryptedStore(store, { secret }), { secret }) },
  ]

  describe.each(wrappers)('$name', ({ wrap }) => {
    const signedIn = async () => {
      const store = faulty(wrap(new MemoryStore()))
      const sessions = new SessionManager({ store, initial })
      const headers = await loginAs(sessions, 'u_42')
      // Fresh: whatever a copy in the request says.
      const load = () => sessions.load(new Request('https://localhost/', { headers }), { fresh: true })
      return { store, load }
    }

    it("fail('get') and fail('load') make the next load throw", async () => {
      const { store, load } = await signedIn()
      for (const method of ['get', 'load'] as const) {
        store.fail(method, { times: 1, error: new TypeError('reset') })
        await expect(load()).rejects.toThrow(StoreUnavailableError)
        expect((await load()).subject).toBe('u_42')
        store.fail(method, { times: 1, after: true })
        await expect(load()).rejects.toThrow(StoreUnavailableError)
        expect((await load()).subject).toBe('u_42')
      }
    })

    it("stall('get') and stall('load') hold it", async () => {
      const { store, load } = await signedIn()
      for (const method of ['get', 'load'] as const) {
        const release = store.stall(method)
        const loading = load()
        await release.reached()
        release()
        expect((await loading).subject).toBe('u_42')
      }
    })

    it('counts it as one load, which reads once', async () => {
      const { store, load } = await signedIn()
      const before = { ...store.calls }
      await load()
      expect(before).toMatchObject({ load: 0, get: 0 })
      expect(store.calls).toMatchObject({ load: 1, get: 1 })
    })
  })
})

describe('faulty: stall', () => {
  it('holds calls before they take effect, tells when they are there, and lets them go', async () => {
    const [inner, order] = [new MemoryStore(), [] as string[]]
    const store = faulty(inner)
    const release = store.stall('create')
    const creating = store.create(record)
    const second = store.create({ ...record, id: 'b' })
    await release.reached(2)
    order.push(`held with ${inner.length()} records`)
    release()
    await Promise.all([creating, second])
    order.push(`released with ${inner.length()} records`)
    expect(order).toEqual(['held with 0 records', 'released with 2 records'])
    expect(await store.create({ ...record, id: 'c' })).toBe(true)
    await release.reached()
  })

  it('holds the base class between its read and its write, its lock with it (S08)', async () => {
    const store = faulty(new ThreeMethodStore())
    await store.create(record)
    const release = store.stall('set')
    const updating = store.update({ ...record, version: 2 }, expected)
    await release.reached()
    const destroying = store.destroy('a')
    release()
    expect(await updating).toBe('ok')
    await destroying
    expect(await store.get('a')).toBeUndefined()
  })

  it('holds it like the store behind, where that calls the base class by `super`: what ended stays so (P6)', async () => {
    class Logging extends ThreeMethodStore {
      readonly written: string[] = []
      override update(...args: Parameters<Store['update']>) {
        this.written.push('update')
        return super.update(...args)
      }
      override touch(...args: Parameters<Store['touch']>) {
        this.written.push('touch')
        return super.touch(...args)
      }
    }
    const set = gate()
    const reached = gate()
    const behind = new Logging()
    const store = faulty(behind)
    await store.create(record)
    behind.set = async (id, next) => {
      reached.open()
      await set.promise
      behind.records.set(id, JSON.stringify(next))
    }
    const updating = store.update({ ...record, version: 2 }, expected)
    await reached.promise
    const destroying = store.destroy('a')
    await new Promise((done) => setImmediate(done))
    set.open()
    await Promise.all([updating, destroying])
    expect(await store.get('a')).toBeUndefined()
  })
})

describe('faulty: calls', () => {
  it('counts the calls of each method', async () => {
    const store = faulty(new MemoryStore())
    const sessions = new SessionManager({ store, initial })
    const headers = await loginAs(sessions, 'u_42')
    const before = { ...store.calls }
    await sessions.load(new Request('https://localhost/', { headers }))
    expect(before).toMatchObject({ create: 1, load: 0, get: 0, update: 0 })
    expect(store.calls).toMatchObject({ create: 1, load: 1, get: 1, update: 0 })
  })
})

describe('faulty: lifecycle', () => {
  it('leaves an overridden lifecycle method its effect', async () => {
    const seen: string[] = []
    class Watching extends MemoryStore {
      override generate(request: Request, manager?: object) {
        seen.push(new URL(request.url).pathname)
        return super.generate(request, manager)
      }
    }
    const sessions = new SessionManager({ store: faulty(new Watching()), initial })
    await sessions.load(new Request('https://localhost/here'))
    expect(seen).toEqual(['/here'])
  })
})

const NOT_GIVEN = {
  'the option `otherNamespace` was not given': 'S22',
  'the option `lock` was not given': 'S17',
  'the option `peer` was not given': 'R01 R02 R03 R04 R05 R06 R10',
}
await conforms('a faulty store that does not fail', () => faulty(new MemoryStore()), {}, NOT_GIVEN)
