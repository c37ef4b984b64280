/** Which touches of a session CloudflareKVStore writes: as few as KV asks for, and none is left out that would be missed. */
import { SessionManager, type SessionRecord } from 'latchkey'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { testClock } from 'latchkey/testing'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../support/flow.ts'
import { MapKV } from '../support/map-kv.ts'
import { recordOf as bare } from './sqlite-databases.ts'

function open() {
  const now = testClock()
  const kv = new MapKV(now)
  const at = now()
  const recordOf = (fields: Partial<SessionRecord>): SessionRecord =>
    bare({ id: 'a', createdAt: at, rotatedAt: at, lastSeenAt: at, endsAt: at + DAY, ...fields })
  const expecting = ({ version, verifier }: SessionRecord) => ({ version, verifier })
  return { now, kv, store: new CloudflareKVStore(kv, { now }), recordOf, expecting }
}

describe('of the touches of one session', () => {
  it('a touch within the minute is written where leaving it out would cost a tenth of the life that is left', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ expiresAt: now() + MINUTE })
    await store.create(record)
    const writes = async (life: number, after: number) => {
      now.advance(after)
      kv.take()
      expect(await store.touch('a', now() + life, now(), expecting(record))).toBe(true)
      return kv.take().filter((call) => !call.startsWith('get'))
    }
    expect(await writes(MINUTE, 5 * SECOND)).toEqual([])
    expect(await writes(MINUTE, SECOND)).toEqual(['put session:touched:a'])
    expect(await writes(MINUTE, 5 * SECOND)).toEqual([])
    expect(await writes(DAY, SECOND)).toEqual(['put session:touched:a'])
    expect(await store.get('a')).toMatchObject({ expiresAt: record.endsAt })
  })

  it('touches are a second apart, however short the life: KV takes no more', async () => {
    const { now, kv, store, recordOf, expecting } = open()
    const record = recordOf({ expiresAt: now() + 4 * SECOND })
    await store.create(record)
    kv.take()
    for (let tenths = 0; tenths < 100; tenths++) {
      now.advance(100)
      await store.touch('a', now() + 4 * SECOND, now(), expecting(record))
    }
    expect(kv.take().filter((call) => call.startsWith('put'))).toHaveLength(10)
    expect(await store.get('a')).toMatchObject({ expiresAt: now() + 4 * SECOND })
  })

  it('the time of the last visit is written once a minute, also where the expiry cannot move (P10)', async () => {
    const { now, store, recordOf, expecting } = open()
    const record = recordOf({ expiresAt: now() + HOUR, endsAt: now() + HOUR })
    await store.create(record)
    now.advance(MINUTE)
    await store.touch('a', now() + HOUR, now(), expecting(record))
    expect(await store.get('a')).toEqual({ ...record, lastSeenAt: now() })
  })
})

describe('a session is extended', () => {
  it('by a renewal soon after the sign-in, to the whole of what it gives (P10)', async () => {
    const { now, store } = open()
    const sessions = new SessionManager({ store, now, ttl: '5m', renewal: '10d', absolute: '30d' })
    const token = await sessions.createSession({ n: 1 })
    now.advance('10s')
    await sessions.renewSession(token)
    now.advance('9d')
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
  })

  it('by every request of a short one, which lives as long as it is used (P10)', async () => {
    const { now, store } = open()
    const sessions = new SessionManager({ store, now, ttl: '60s' })
    const token = await sessions.createSession({ n: 1 })
    const request = () => new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    for (let requests = 0; requests < 30; requests++) {
      now.advance('10s')
      const session = await sessions.load(request())
      expect(session.data).toEqual({ n: 1 })
      await sessions.commit(session, new Response('ok'))
    }
  })
})
