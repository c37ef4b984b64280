import { env } from 'cloudflare:workers'
import { SessionManager, SessionTooLargeError, type SessionRecord } from 'latchkey'
import { CloudflareKVStore, type KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'
import { describe, expect, it } from 'vitest'
import { MapKV } from '../support/map-kv.ts'

const recordOf = (fields: Partial<SessionRecord>): SessionRecord => {
  const at = Date.now()
  const times = { createdAt: at, rotatedAt: at, lastSeenAt: at, expiresAt: at + 3_600_000, endsAt: at + 86_400_000 }
  return { id: 'id', verifier: 'v', data: '{}', version: 1, ...times, ...fields }
}

describe('CloudflareKVStore on a real namespace', () => {
  it('reads lists past the 1,000 keys of one page', async () => {
    const store = new CloudflareKVStore(env.SESSIONS, { prefix: 'pages:' })
    await Promise.all(Array.from({ length: 1_002 }, (_, n) => store.create(recordOf({ id: `s${n}` }))))
    expect((await env.SESSIONS.list({ prefix: 'pages:' })).list_complete).toBe(false)
    expect(await store.length()).toBe(1_002)
  })

  it("lists a subject's sessions, and ends them, by the keys that real lists return", async () => {
    const store = new CloudflareKVStore(env.SESSIONS, { prefix: 'subjects:' })
    const ids = ['a', 'b', 'c']
    for (const id of ids) await store.create(recordOf({ id, subject: 'ünï:cödé/u' }))
    expect((await store.findBySubject('ünï:cödé/u')).map(({ id }) => id)).toEqual(ids)
    expect(await store.removeBySubject('ünï:cödé/u', 'b')).toEqual(['a', 'c'])
    expect((await store.findBySubject('ünï:cödé/u')).map(({ id }) => id)).toEqual(['b'])
  })

  it('P17 more than 25 MiB is a SessionTooLargeError, and nothing is stored', async () => {
    const store = new CloudflareKVStore(env.SESSIONS, { prefix: 'large:' })
    const sessions = new SessionManager<{ text: string }>({ store, initial: () => ({ text: '' }) })
    const text = 'x'.repeat(25 * 1024 * 1024)
    await expect(sessions.createSession({ text }, { subject: 'u' })).rejects.toThrow(SessionTooLargeError)
    expect((await env.SESSIONS.list({ prefix: 'large:' })).keys).toEqual([])
  })

  it('takes records whose life is too short or too long for KV', async () => {
    const store = new CloudflareKVStore(env.SESSIONS, { prefix: 'lives:' })
    const lives = { short: Date.now() + 1, over: Date.now() - 1, long: 8.64e15, none: null }
    for (const [id, endsAt] of Object.entries(lives)) {
      await store.create(recordOf({ id, endsAt }))
      expect(await store.get(id)).toMatchObject({ id, endsAt })
    }
  })
})

describe('the namespace over a Map that other tests use', () => {
  const namespaces: [string, KVNamespaceLike][] = [
    ['it', new MapKV(Date.now)],
    ['the real one', env.SESSIONS],
  ]

  it.each(namespaces)('%s refuses what passes a limit', async (_, kv) => {
    const ttl = { expirationTtl: 60 }
    await expect(kv.put('k'.repeat(513), '', ttl)).rejects.toThrow(/\b414\b/)
    await expect(kv.put('k', '', { expirationTtl: 59 })).rejects.toThrow(/\b400\b/)
    await expect(kv.put('k', '', { expirationTtl: 2 ** 31 })).rejects.toThrow(TypeError)
    await expect(kv.put('k', '', { ...ttl, metadata: 'm'.repeat(1_024) })).rejects.toThrow(/\b413\b/)
    await expect(kv.put('k', 'x'.repeat(25 * 1024 * 1024 + 1), ttl)).rejects.toThrow(/\b413\b/)
  })

  it.each(namespaces)(
    '%s keeps text and metadata, lists by prefix in order, and misses nothing twice',
    async (_, kv) => {
      for (const key of ['map:b', 'map:a', 'other:c'])
        await kv.put(key, `of ${key}`, { expirationTtl: 60, metadata: { key } })
      expect([await kv.get('map:a', 'text'), await kv.get('map:z', 'text')]).toEqual(['of map:a', null])
      const { keys, list_complete } = await kv.list({ prefix: 'map:' })
      const found = keys.map(({ name, metadata }) => [name, metadata])
      expect([found, list_complete]).toEqual([
        [
          ['map:a', { key: 'map:a' }],
          ['map:b', { key: 'map:b' }],
        ],
        true,
      ])
      await kv.delete('map:a')
      await kv.delete('map:a')
      expect(await kv.get('map:a', 'text')).toBeNull()
    },
  )
})
