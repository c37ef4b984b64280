import { SessionConfigError, SessionManager, SessionTooLargeError, SessionUnsupportedError } from 'latchkey'
import { StoreUnavailableError, type SessionRecord } from 'latchkey'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { testClock } from 'latchkey/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../support/flow.ts'
import { MapKV, refusal } from '../support/map-kv.ts'
import { recordOf as bare } from './sqlite-databases.ts'

function open() {
  const now = testClock()
  const kv = new MapKV(now)
  const store = new CloudflareKVStore(kv, { now })
  const recordOf = (fields: Partial<SessionRecord> = {}): SessionRecord => {
    const at = now()
    const times = { createdAt: at, rotatedAt: at, lastSeenAt: at, expiresAt: at + HOUR, endsAt: at + DAY }
    return bare({ ...times, ...fields })
  }
  const expecting = ({ version, verifier }: SessionRecord) => ({ version, verifier })
  return { now, kv, store, recordOf, expecting }
}

describe('the keys', () => {
  it('are one for the record, one for its subject, and further ones for a touch and for the end', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a', subject: 'u_42' })
    await store.create(record)
    const [subjectKey = ''] = kv.keys().filter((key) => key.startsWith('session:subject:'))
    expect(kv.keys()).toEqual(['session:record:a', subjectKey])
    expect(subjectKey).toMatch(/^session:subject:[\w-]{43}:a$/)
    now.advance('2m')
    await store.touch('a', now() + HOUR, now(), expecting(record))
    expect(kv.keys()).toEqual(['session:record:a', subjectKey, 'session:touched:a'])
    await store.destroy('a')
    expect(kv.keys()).toEqual(['session:ended:a'])
  })

  it('never tell whose session it is (P13)', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ subject: 'ada@example.org' }))
    expect(kv.keys().join()).not.toContain('ada')
  })

  it('begin with the prefix, and a prefix that begins with another is another one (S22)', async () => {
    const { now, kv, store, recordOf } = open()
    const inner = new CloudflareKVStore(kv, { now, prefix: 'session:record:' })
    await inner.create(recordOf({ id: 'b' }))
    await store.create(recordOf({ id: 'a' }))
    expect(kv.keys()).toEqual(['session:record:a', 'session:record:record:b'])
    expect(await store.length()).toBe(1)
    await store.clear()
    expect(await inner.get('b')).toMatchObject({ id: 'b' })
  })

  it.each(['subject:', 'touched:', 'record:', 'ended:'])(
    'and clearing one leaves the sessions of another alone, touches and lists and logouts too: %s beside none (S22)',
    async (prefix) => {
      const { now, kv, recordOf, expecting } = open()
      const outer = new CloudflareKVStore(kv, { now, prefix: '' })
      const inner = new CloudflareKVStore(kv, { now, prefix })
      const fill = async (store: CloudflareKVStore): Promise<void> => {
        const record = recordOf({ id: 'a', subject: 'u' })
        for (const id of ['a', 'ended']) await store.create({ ...record, id })
        await store.touch('a', now() + DAY, now() + HOUR, expecting(record))
        await store.destroy('ended')
      }
      await fill(inner)
      const keys = kv.keys()
      await fill(outer)
      await outer.clear()
      expect(kv.keys()).toEqual(expect.arrayContaining(keys))
      expect(await inner.get('a')).toMatchObject({ id: 'a', lastSeenAt: now() + HOUR })
      expect(await inner.findBySubject('u')).toHaveLength(1)
      expect(await outer.findBySubject('u')).toEqual([])
      expect(await outer.length()).toBe(0)
    },
  )

  it('clear removes what a list still names although its record is gone, and no key of another form', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a', subject: 'u' })
    await store.create(record)
    await store.touch('a', now() + DAY, now() + HOUR, expecting(record))
    await kv.delete('session:record:a')
    expect(kv.keys()).toHaveLength(2)
    const others = ['session:subject:mine', 'session:touched:', 'session:touched:a:b']
    for (const key of others) await kv.put(key, '1')
    await store.clear()
    expect(kv.keys()).toEqual(others)
  })
})

describe('what is asked of KV', () => {
  it('P2 a new session is put without a look: a miss would be remembered, and the session unknown for a minute', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', subject: 'u' }))
    expect(kv.take().map((call) => call.split(' ')[0])).toEqual(['put', 'put'])
  })

  it('an update writes the record alone: the subject has not changed', async () => {
    const { kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a', subject: 'u' })
    await store.create(record)
    kv.take()
    await store.update({ ...record, version: 2 }, expecting(record))
    expect(kv.take().filter((call) => !call.startsWith('get'))).toEqual(['put session:record:a'])
  })

  it('at most one touch a minute is written, and never the record: a touch cannot put old data back', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a' })
    await store.create(record)
    const writes = async (after: number) => {
      now.advance(after)
      kv.take()
      expect(await store.touch('a', now() + HOUR, now(), expecting(record))).toBe(true)
      return kv.take().filter((call) => !call.startsWith('get'))
    }
    expect(await writes(MINUTE - 1)).toEqual([])
    expect(await writes(1)).toEqual(['put session:touched:a'])
    expect(await writes(MINUTE - 1)).toEqual([])
    expect(await writes(1)).toEqual(['put session:touched:a'])
    expect(await store.get('a')).toEqual({ ...record, lastSeenAt: now(), expiresAt: now() + HOUR })
  })

  it('P6 the tombstone is put before anything is deleted', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', subject: 'u' }))
    kv.take()
    await store.destroy('a')
    const [first, ...rest] = kv.take().filter((call) => !call.startsWith('get'))
    expect(first).toBe('put session:ended:a')
    expect(rest.every((call) => call.startsWith('delete'))).toBe(true)
    expect(rest.length).toBe(3)
  })

  it('P16 nothing for an id that could not be one', async () => {
    const { kv, store } = open()
    for (const id of ['', '.', 'a:b', 'a/b', 'x'.repeat(129)]) {
      expect(await store.get(id)).toBeUndefined()
      expect(await store.destroy(id)).toBe(false)
    }
    expect(kv.take()).toEqual([])
  })
})

describe('how long KV keeps a key', () => {
  it('the record to its hard end, because touches do not write it', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', subject: 'u' }))
    for (const key of kv.keys()) expect(kv.lifeOf(key)).toBe(DAY)
  })

  it('P9 at least a minute: a session that is shorter ends on time by the clock of the core', async () => {
    const { now, kv, store } = open()
    const sessions = new SessionManager({ store, now, ttl: '10s', absolute: '20s' })
    const token = await sessions.createSession({ n: 1 })
    expect(kv.lifeOf(kv.keys()[0] ?? '')).toBe(MINUTE)
    now.advance(9_999)
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
    now.advance(1)
    await expect(sessions.retrieveSession(token)).rejects.toThrow('expired')
  })

  it('400 days past its expiry where there is no hard end, so that touches can go on', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', endsAt: null }))
    expect(kv.lifeOf('session:record:a')).toBe(400 * DAY + HOUR)
  })

  it('a touch as long as it matters', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a' })
    await store.create(record)
    now.advance('2m')
    await store.touch('a', now() + HOUR, now(), expecting(record))
    expect(kv.lifeOf('session:touched:a')).toBe(HOUR)
  })

  it('P6 a tombstone for longer than a late write could live, whatever lifetime that brings', async () => {
    const { kv, store, recordOf, expecting, now } = open()
    const [short, long] = [recordOf({ id: 'a' }), recordOf({ id: 'b', endsAt: now() + 500 * DAY })]
    for (const record of [short, long]) {
      await store.create(record)
      await store.destroy(record.id)
    }
    expect([kv.lifeOf('session:ended:a'), kv.lifeOf('session:ended:b')]).toEqual([400 * DAY, 500 * DAY])
    await store.set('a', { ...short, version: 2, endsAt: now() + 30 * DAY })
    now.advance('29d')
    expect(await store.get('a')).toBeUndefined()
    expect(await store.update({ ...short, version: 3 }, expecting(short))).toBe('gone')
  })

  it('a life that no number of seconds in KV can hold is as long as can be', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', endsAt: 8.64e15 }))
    expect(kv.lifeOf('session:record:a')).toBe((2 ** 31 - 1) * SECOND)
  })
})

describe('a tombstone', () => {
  it('R23 names whom it ended: an id that is given again lives, and a late write of the old session does not', async () => {
    const { store, recordOf, expecting } = open()
    const old = recordOf({ id: 'a', verifier: 'old', data: '"old"' })
    await store.create(old)
    await store.destroy('a')
    const next = recordOf({ id: 'a', verifier: 'new', data: '"new"' })
    expect(await store.create(next)).toBe(true)
    expect(await store.get('a')).toEqual(next)
    expect(await store.update({ ...old, version: 2 }, expecting(old))).toBe('gone')
    expect(await store.get('a')).toEqual(next)
    await store.set('a', { ...old, version: 2 })
    expect(await store.get('a')).toBeUndefined()
  })

  it('ends what could not be seen: nobody knows the verifier then, and it ends whatever comes', async () => {
    const { store, recordOf } = open()
    expect(await store.destroy('a')).toBeUndefined()
    expect(await store.destroy('a')).toBe(false)
    await store.set('a', recordOf({ id: 'a' }))
    expect(await store.get('a')).toBeUndefined()
  })
})

describe('a row that is not what was expected', () => {
  it('is KV being behind when it is older: what the writer holds is newer, and goes on top', async () => {
    const { store, recordOf, expecting } = open()
    const first = recordOf({ id: 'a' })
    const second = { ...first, version: 2, data: '"second"' }
    await store.create(first)
    expect(await store.update({ ...second, version: 3, data: '"third"' }, expecting(second))).toBe('ok')
    expect(await store.get('a')).toMatchObject({ version: 3, data: '"third"' })
  })

  it('is not there yet while the session is younger than KV can be behind, and gone afterwards', async () => {
    const { now, store, recordOf, expecting } = open()
    const [young, old] = [recordOf({ id: 'a' }), recordOf({ id: 'b', createdAt: now() - 2 * MINUTE - 1 })]
    expect(await store.update({ ...young, version: 2 }, expecting(young))).toBe('ok')
    expect(await store.update({ ...old, version: 2 }, expecting(old))).toBe('gone')
    expect([(await store.get('a'))?.version, await store.get('b')]).toEqual([2, undefined])
  })

  it('is a conflict when it is newer, or under another verifier however old', async () => {
    const { store, recordOf } = open()
    const record = recordOf({ id: 'a', version: 3, verifier: 'v' })
    await store.create(record)
    expect(await store.update(record, { version: 2, verifier: 'v' })).toBe('conflict')
    expect(await store.update(record, { version: 9, verifier: 'w' })).toBe('conflict')
  })

  it('a touch of another version counts for nothing, so that a shorter lifetime is not stretched by it', async () => {
    const { now, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a' })
    await store.create(record)
    now.advance('2m')
    await store.touch('a', now() + HOUR, now(), expecting(record))
    const shorter = { ...record, version: 2, expiresAt: now() + MINUTE }
    await store.update(shorter, expecting(record), { exactExpiry: true })
    expect(await store.get('a')).toEqual(shorter)
  })

  it.each(['{', '"text"', 'null', '{}', '{"id":"a"}'])('is missing when it is no record: %s', async (text) => {
    const { kv, store } = open()
    await kv.put('session:record:a', text)
    expect(await store.get('a')).toBeUndefined()
  })

  it("is missing when it is somebody else's, and a touch that is none is no touch", async () => {
    const { kv, store, recordOf } = open()
    await kv.put('session:record:a', JSON.stringify(recordOf({ id: 'b' })))
    expect(await store.get('a')).toBeUndefined()
    await store.create(recordOf({ id: 'c' }))
    for (const text of ['{', 'null', '[]', '{"version":1,"expiresAt":"never","lastSeenAt":null}']) {
      await kv.put('session:touched:c', text)
      expect(await store.get('c')).toEqual(recordOf({ id: 'c' }))
    }
  })
})

describe('lists', () => {
  it('are read past the 1,000 keys of one page', async () => {
    const { kv, store, recordOf } = open()
    await Promise.all(Array.from({ length: 2_345 }, (_, n) => store.create(recordOf({ id: `s${n}`, subject: 'u' }))))
    kv.take()
    expect(await store.length()).toBe(2_345)
    expect(kv.take().length).toBe(3)
    expect((await store.findBySubject('u')).length).toBe(2_345)
    let seen = 0
    for await (const _ of store.all()) seen++
    expect(seen).toBe(2_345)
    expect((await store.removeBySubject('u', 's7')).length).toBe(2_344)
    expect(await store.length()).toBe(1)
    await store.clear()
    expect(await store.length()).toBe(0)
  })

  it('of a subject leave out what is no id, and what is not theirs any more', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', subject: 'u' }))
    const key = kv.keys().find((name) => name.includes(':subject:')) ?? ''
    await kv.put(`${key.slice(0, -1)}..`, '1')
    await store.set('a', recordOf({ id: 'a', subject: 'v' }))
    expect(await store.findBySubject('u')).toEqual([])
    expect(await store.removeBySubject('u')).toEqual([])
    expect(await store.get('a')).toMatchObject({ subject: 'v' })
  })

  it('hold the verifier as metadata, so that what cannot be seen yet is ended, and only that', async () => {
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a', subject: 'u', verifier: 'mine' }))
    await kv.delete('session:record:a')
    expect(await store.removeBySubject('u')).toEqual(['a'])
    await store.set('a', recordOf({ id: 'a', verifier: 'mine' }))
    expect(await store.get('a')).toBeUndefined()
    await store.set('a', recordOf({ id: 'a', verifier: 'other' }))
    expect(await store.get('a')).toMatchObject({ verifier: 'other' })
  })

  it('S20 are not swept: KV lets keys expire, and the call says so', async () => {
    const { now, store } = open()
    const sessions = new SessionManager({ store, now })
    await expect(sessions.removeExpiredSessions()).rejects.toThrow(SessionUnsupportedError)
    await expect(sessions.removeExpiredSessions()).rejects.toThrow('CloudflareKVStore has no `removeExpired`')
  })
})

describe('what KV refuses', () => {
  afterEach(() => void vi.useRealTimers())

  const refused = ['429 Too Many Requests', '500 Internal Server Error', '503 Service Unavailable']

  it.each(refused)('for the moment is tried again: %s', async (why) => {
    vi.useFakeTimers()
    const { kv, store, recordOf } = open()
    kv.failures = { put: [refusal('PUT', why), refusal('PUT', why)], get: [refusal('GET', why)] }
    const creating = store.create(recordOf({ id: 'a' }))
    await vi.runAllTimersAsync()
    expect(await creating).toBe(true)
    const reading = store.get('a')
    await vi.runAllTimersAsync()
    expect(await reading).toEqual(recordOf({ id: 'a' }))
    expect(kv.take().filter((call) => call === 'put session:record:a').length).toBe(3)
  })

  it('P11 again and again is a StoreUnavailableError, after longer than a key needs between two writes', async () => {
    vi.useFakeTimers()
    const { kv, store, recordOf } = open()
    kv.failures.put = Array.from({ length: 9 }, () => refusal('PUT', '429 Too Many Requests'))
    const started = Date.now()
    const creating = store.create(recordOf()).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    const error = (await creating) as StoreUnavailableError
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect((error.cause as Error).message).toContain('429')
    expect(kv.take().length).toBe(5)
    expect(Date.now() - started).toBeGreaterThan(SECOND)
  })

  it.each(['delete', 'list'] as const)('is tried again on %s, too', async (call) => {
    vi.useFakeTimers()
    const { kv, store, recordOf } = open()
    await store.create(recordOf({ id: 'a' }))
    kv.failures[call] = [refusal(call === 'list' ? 'LIST' : 'DELETE', '502 Bad Gateway')]
    const clearing = store.clear()
    await vi.runAllTimersAsync()
    await clearing
    expect(await store.length()).toBe(0)
  })

  it.each(['update', 'touch'] as const)(
    'R14, P10: %s is not put after its time-out, for it would undo what was put since',
    async (late) => {
      vi.useFakeTimers()
      const { now, kv, store } = open()
      const sessions = new SessionManager<{ n: number }>({ store, now, initial: () => ({ n: 0 }), storeTimeout: 50 })
      const token = await sessions.createSession()
      now.advance(2 * MINUTE)
      kv.failures.put = Array.from({ length: 3 }, () => refusal('PUT', '429 Too Many Requests'))
      const ask = { update: () => sessions.updateSession(token, { n: 1 }), touch: () => sessions.renewSession(token) }
      const writing = ask[late]().catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(50)
      expect(await writing).toBeInstanceOf(StoreUnavailableError)
      kv.failures = {}
      now.advance(5 * MINUTE)
      await sessions.renewSession(token)
      await sessions.updateSession(token, { n: 2 })
      kv.take()
      await vi.runAllTimersAsync()
      expect(kv.take()).toEqual([])
      expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
    },
  )

  it('R14: what is given up while it looks is not put', async () => {
    vi.useFakeTimers()
    const { kv, store, recordOf, expecting } = open()
    const record = recordOf({ id: 'a' })
    await store.create(record)
    kv.take()
    kv.failures.get = [refusal('GET', '503 Service Unavailable')]
    const [reason, controller] = [new Error('it took too long'), new AbortController()]
    const { signal } = controller
    const updating = store
      .update({ ...record, version: 2 }, expecting(record), { signal })
      .catch((error: unknown) => error)
    controller.abort(reason)
    await vi.runAllTimersAsync()
    expect(await updating).toBe(reason)
    expect(kv.take().filter((call) => call.startsWith('put'))).toEqual([])
  })

  it('for good is not tried again, and what is no answer of KV neither (P14)', async () => {
    const { now, kv, store, recordOf } = open()
    kv.failures.put = [refusal('PUT', '400 Invalid expiration'), new Error('Network connection lost.')]
    await expect(store.create(recordOf())).rejects.toThrow('400')
    await expect(store.create(recordOf())).rejects.toThrow('Network')
    expect(kv.take().length).toBe(2)
    kv.failures.put = [refusal('PUT', '401 Unauthorized')]
    const sessions = new SessionManager({ store, now })
    await expect(sessions.createSession({})).rejects.toThrow(StoreUnavailableError)
  })
})

describe('limits of KV (P17)', () => {
  it.each<[string, Partial<SessionRecord>, number]>([
    ['a key of 512 bytes', { id: 'x'.repeat(600) }, 512],
    ['metadata of 1024 bytes', { subject: 'u', verifier: 'v'.repeat(1024) }, 1024],
    ['a value of 25 MiB', { subject: 'u', data: 'é'.repeat(13_107_200) }, 26_214_400],
  ])(
    '%s: more is a SessionTooLargeError with the bytes and the limit, and nothing is stored',
    async (_, fields, limit) => {
      const { kv, store, recordOf } = open()
      const error = await store.create(recordOf(fields)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(SessionTooLargeError)
      expect((error as SessionTooLargeError).limit).toBe(limit)
      expect((error as SessionTooLargeError).bytes).toBeGreaterThan(limit)
      expect(kv.take()).toEqual([])
    },
  )

  it('hold for bytes: text just below the limit is stored', async () => {
    const { kv, store, recordOf } = open()
    const empty = JSON.stringify(recordOf({ id: 'a', data: '' })).length
    await store.create(recordOf({ id: 'a', data: 'x'.repeat(26_214_400 - empty) }))
    expect(kv.keys()).toEqual(['session:record:a'])
  })
})

describe('the constructor', () => {
  it('says what it claims: a store that is behind at times', () => {
    expect(open().store.capabilities).toEqual({ atomic: false, consistency: 'eventual', minTtl: MINUTE })
  })

  it('asks nothing of KV, so that it can stand at the top of a module', () => {
    expect(open().kv.take()).toEqual([])
  })

  it('names every option that is wrong', () => {
    const wrong = () => new CloudflareKVStore(undefined as never, { prefix: 'x'.repeat(201), now: 5 as never })
    expect(wrong).toThrow(SessionConfigError)
    expect(wrong).toThrow(/`kv` is undefined.*binding.*`prefix`.*200 bytes.*`now` is a number/s)
  })
})
