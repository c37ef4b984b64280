/** What an EncryptedStore is given: its options, the store underneath, and in which order wrappers go. */
import { inspect } from 'node:util'
import {
  SessionConfigError,
  SessionManager,
  SessionUnsupportedError,
  type SessionOptions,
  type SessionRecord,
  type Store,
} from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { bareModel, ThreeMethodStore } from '../testing/three-methods.ts'
import { CANARY, encrypted, SECRET, secretive } from './encrypted.ts'
import { CachedApp, START } from './cached.ts'
import { countCrypto, derive } from './sealed.ts'

type Data = Record<string, any>
const managerOf = (store: EncryptedStore, options: Partial<SessionOptions<Data>> = {}): SessionManager<Data> =>
  new SessionManager<Data>({ initial: () => ({}), now: () => START, ...options, store })

afterEach(() => vi.restoreAllMocks())

describe('with a CookieCache', () => {
  it('goes under it: reads are spared, and the copy opens without the store', async () => {
    const { store, inner } = encrypted()
    const app = new CachedApp(store)
    await app.visit((session) => {
      session.subject = 'ada'
      session.data = { n: 1 }
    })
    const get = vi.spyOn(inner, 'get')
    expect(await app.see(({ subject, data }) => [subject, data])).toEqual(['ada', { n: 1 }])
    expect(get).not.toHaveBeenCalled()
    expect(await app.sessions.removeSessionsOf('ada')).toBe(1)
    expect(inner.length()).toBe(0)
  })

  it('over it, it is refused with the order that works', () => {
    const cache = new CookieCache(new MemoryStore(), { secret: SECRET })
    expect(() => new EncryptedStore(cache, { secret: SECRET })).toThrow(SessionConfigError)
    expect(() => new EncryptedStore(cache, { secret: SECRET })).toThrow('new CookieCache(new EncryptedStore(store')
  })
})

describe('what it is given', () => {
  it.each([
    ['nothing', undefined, { secret: SECRET }, /EncryptedStore got undefined; it needs a store/],
    ['null', null, { secret: SECRET }, /EncryptedStore got null; it needs a store/],
    ['no store', {}, { secret: SECRET }, /EncryptedStore got an object; it needs a store/],
    ['a CookieStore', new CookieStore({ secret: SECRET }), { secret: SECRET }, /CookieStore.*sealed already/],
    ['an EncryptedStore', encrypted().store, { secret: SECRET }, /twice.*secret: \[next, last\]/],
    ['no options', new MemoryStore(), undefined, /options are undefined; they must be an object with `secret`/],
    [
      'an option of another name',
      new MemoryStore(),
      { secret: SECRET, names: 'x' },
      /`names` is no option; there are secret, name\./,
    ],
    ['no secret', new MemoryStore(), { secret: undefined }, /is SESSION_SECRET set\?/],
    ['a short secret', new MemoryStore(), { secret: 'short-canary' }, /`secret` has 12 bytes/],
    ['a list with a short one', new MemoryStore(), { secret: [SECRET, 'short'] }, /`secret\[1\]` has 5 bytes/],
    ['an empty name', new MemoryStore(), { secret: SECRET, name: '' }, /`name` is a string of another form/],
    ['a number as name', new MemoryStore(), { secret: SECRET, name: 5 }, /`name` is a number/],
    ['half a character as name', new MemoryStore(), { secret: SECRET, name: '\ud800' }, /`name` is/],
  ])('%s is a SessionConfigError that names it', (_what, store, options, message) => {
    const make = (): unknown => new EncryptedStore(store as never, options as never)
    expect(make).toThrow(SessionConfigError)
    expect(make).toThrow(message)
    expect(make).not.toThrow(/canary/)
  })

  it('its options are typed', () => {
    expectTypeOf<ConstructorParameters<typeof EncryptedStore>[1]['name']>().toEqualTypeOf<string | undefined>()
    // @ts-expect-error a secret has to be there
    expect(() => new EncryptedStore(new MemoryStore(), {})).toThrow(SessionConfigError)
  })

  it('P6: over three methods, logging out everywhere takes its turn with a write halfway', async () => {
    const inner = new (class extends ThreeMethodStore {
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
    const sessions = managerOf(new EncryptedStore(inner, { secret: SECRET }))
    const token = await sessions.createSession({}, { subject: 'ada' })
    const write = sessions.updateSession(token, { n: 2 }).catch(() => undefined)
    await inner.writing.promise
    const leaving = sessions.removeSessionsOf('ada')
    for (let tick = 0; tick < 20; tick++) await new Promise((resolve) => setImmediate(resolve))
    inner.held.resolve()
    await Promise.all([write, leaving])
    expect(inner.records.size).toBe(0)
  })

  it('its lifecycle methods take effect: `load` gets the sealed record, `createSession` the opened one', async () => {
    const seen: [string, boolean][] = []
    const inner = new (class extends MemoryStore {
      override load(id: string): SessionRecord | undefined {
        const row = this.get(id)
        seen.push(['load', row?.data.includes('..') ?? false])
        return row
      }
      override createSession(...args: Parameters<Store['createSession']>): ReturnType<Store['createSession']> {
        seen.push(['createSession', args[1].data.includes('..')])
        return super.createSession(...args)
      }
    })()
    const app = new CachedApp(new EncryptedStore(inner, { secret: SECRET }))
    await app.visit((session) => session.set('n', 1))
    app.clock.now += 60_000
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    expect(seen).toEqual([
      ['load', true],
      ['createSession', false],
    ])
  })

  it('a plain object will do, and what it lacks is a SessionUnsupportedError', async () => {
    const sessions = managerOf(new EncryptedStore(bareModel(), { secret: SECRET }))
    const token = await sessions.createSession({ n: 1 })
    await sessions.updateSession(token, (data) => ({ n: data['n'] + 1 }))
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
    await expect(sessions.listSessions('ada')).rejects.toThrow(SessionUnsupportedError)
    await expect(sessions.removeExpiredSessions()).rejects.toThrow(/removeExpired/)
  })

  it('claims what the store underneath claims', () => {
    expect(encrypted().store.capabilities).toEqual({ atomic: true, consistency: 'strong' })
    const three = new EncryptedStore(new ThreeMethodStore(), { secret: SECRET })
    expect([three.capabilities, three.all, three.findBySubject, three.removeBySubject]).toEqual([
      { atomic: false, consistency: 'strong' },
      undefined,
      undefined,
      undefined,
    ])
  })

  it('derives nothing at construction, and its keys once', async () => {
    const crypto = countCrypto()
    const { store } = encrypted()
    expect(crypto()).toEqual({})
    await store.create(secretive())
    const { importKey } = crypto()
    for (let n = 0; n < 5; n++) await store.get('a-public-id')
    await store.findBySubject?.('ada')
    expect(crypto()['importKey']).toBe(importKey)
  })

  it('P13: prints no secret and no key', async () => {
    const { store } = encrypted()
    await store.create(secretive())
    const printed = inspect(store, { showHidden: true, depth: 9 }) + JSON.stringify(store)
    for (const text of [SECRET, derive(SECRET, 'seal', 'sessions at rest').toString('base64url'), CANARY])
      expect(printed).not.toContain(text)
  })
})
