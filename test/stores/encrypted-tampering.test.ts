/** EncryptedStore against somebody who can write to the database: what opens, what does not, and what nobody could see. */
import { SessionManager, type SessionEvent, type SessionOptions, type SessionRecord } from 'latchkey'
import type { EncryptedStore } from 'latchkey/stores/encrypted'
import type { MemoryStore } from 'latchkey/stores/memory'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifierOf } from '../../src/core/token.ts'
import { encrypted, hashOf, OLDER, rowOf, secretive } from './encrypted.ts'
import { DAY, derive, HOUR, seal, START } from './sealed.ts'

type Data = Record<string, any>
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

let store: EncryptedStore
let inner: MemoryStore
let now: number
beforeEach(() => {
  now = START
  const made = encrypted()
  store = made.store
  inner = made.inner
})

function manager(options: Partial<SessionOptions<Data>> = {}): SessionManager<Data> {
  return new SessionManager<Data>({ initial: () => ({}), now: () => now, ...options, store })
}

/** Changes a row behind the store's back. */
function change(id: string, fields: Partial<SessionRecord>): void {
  inner.set(id, { ...rowOf(inner, id), ...fields })
}

const idOf = (token: string): string => token.split('.')[0] as string

describe('C01: a changed seal', () => {
  it('every single-character change of a row is missing, at every position', async () => {
    for (const data of ['{}', '{"n":1}', '{"n":12}']) {
      const record = secretive({ data })
      await store.set(record.id, record)
      const { data: sealed } = rowOf(inner, record.id)
      for (let at = 0; at < sealed.length; at++) {
        const place = ALPHABET.indexOf(sealed[at] as string)
        const others = [place ^ 1, place ^ 32, place + 7].map((index) => ALPHABET[index % 64] as string)
        for (const char of ['.', '=', '', ...others]) {
          if (char === sealed[at]) continue
          change(record.id, { data: sealed.slice(0, at) + char + sealed.slice(at + 1) })
          expect(await store.get(record.id), `"${char}" at ${at}`).toBeUndefined()
        }
      }
      change(record.id, { data: sealed })
      expect(await store.get(record.id)).toEqual(record)
    }
  })

  it('so is a row that was never sealed, garbage, and a seal of something else', async () => {
    const record = secretive()
    await store.create(record)
    const { expiresAt: _, lastSeenAt: __, ...inside } = record
    const subject = hashOf(String(record.subject))
    const key = derive('the first secret: 32 bytes or more', 'seal', 'sessions at rest')
    const { data } = rowOf(inner, record.id)
    const header = Buffer.from(data.split('.')[0] as string, 'base64url').toString()
    const sealOf = (value: unknown): string => seal(JSON.stringify(value), { header, key })
    for (const forged of [
      record.data,
      '',
      '....',
      'null',
      sealOf(null),
      sealOf([]),
      sealOf({ subject }),
      sealOf({ record: null, subject }),
      sealOf({ record: { id: record.id }, subject }),
      sealOf({ record: { ...inside, data: 5 }, subject }),
      seal(JSON.stringify({ record: inside, subject })),
      seal('x', { header, key }),
    ]) {
      change(record.id, { data: forged })
      expect(await store.get(record.id)).toBeUndefined()
    }
    change(record.id, { data: sealOf({ record: inside, subject }) })
    expect(await store.get(record.id), 'the seals above are refused for what is in them').toEqual(record)
  })
})

describe('a seal in another place', () => {
  it('moved to another row it is missing, whatever of the row moves along', async () => {
    const [mine, theirs] = [secretive({ id: 'mine' }), secretive({ id: 'theirs', subject: 'victim' })]
    await store.create(mine)
    await store.create(theirs)
    const [own, other] = [rowOf(inner, 'mine'), rowOf(inner, 'theirs')]
    for (const fields of [
      {},
      { verifier: other.verifier },
      { version: other.version },
      { subject: other.subject },
      other,
    ]) {
      inner.set('mine', { ...own, ...fields, data: other.data, id: 'mine' } as SessionRecord)
      expect(await store.get('mine')).toBeUndefined()
      expect((await store.findBySubject?.('victim'))?.map(({ id }) => id)).toEqual(['theirs'])
    }
  })

  it('an old seal of the same row under its new token or version is missing', async () => {
    const sessions = manager()
    const token = await sessions.createSession({ n: 1 })
    const id = idOf(token)
    const old = rowOf(inner, id)
    await sessions.updateSession(token, { n: 2 })
    const changed = rowOf(inner, id)
    change(id, { data: old.data })
    expect(await sessions.findSession(token)).toBeUndefined()
    change(id, changed)
    const next = await sessions.regenerateSession(token)
    change(id, { data: changed.data })
    expect(await sessions.findSession(next)).toBeUndefined()
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('an old copy of the whole row does open, with the token it was for: without a second place to look, it is the past', async () => {
    const sessions = manager()
    const token = await sessions.createSession({ n: 1 })
    const id = idOf(token)
    const old = rowOf(inner, id)
    await sessions.updateSession(token, { n: 2 })
    inner.set(id, old)
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
    const next = await sessions.regenerateSession(token)
    inner.set(id, old)
    expect(await sessions.findSession(next)).toBeUndefined()
    expect(await sessions.findSession(token)).toBeDefined()
  })
})

describe('a changed column', () => {
  it('another verifier opens nothing: who writes to the database gives nobody’s session a token of their own', async () => {
    const sessions = manager()
    const victim = await sessions.createSession({}, { subject: 'victim' })
    const id = idOf(victim)
    const secret = 'A'.repeat(43)
    change(id, { verifier: await verifierOf(secret) })
    expect(await sessions.findSession(`${id}.${secret}`)).toBeUndefined()
    expect(await sessions.findSession(victim)).toBeUndefined()
  })

  it('another subject is missing, and is in nobody’s list', async () => {
    const sessions = manager()
    const token = await sessions.createSession({}, { subject: 'mallory' })
    for (const subject of [hashOf('admin'), 'admin', '', hashOf('mallory', OLDER)]) {
      change(idOf(token), { subject })
      expect(await sessions.findSession(token)).toBeUndefined()
      expect(await sessions.listSessions('admin')).toEqual([])
      expect(await sessions.listSessions('mallory')).toEqual([])
    }
  })

  it('times and life are the seal’s: the row’s hard end moves nothing, nor does anything put beside it', async () => {
    const sessions = manager({ absolute: '30d' })
    const token = await sessions.createSession({})
    const never = START + 9_999 * DAY
    change(idOf(token), { endsAt: never, expiresAt: never, createdAt: never, rotatedAt: never, authenticatedAt: never })
    change(idOf(token), { ttl: never, absolute: null, info: { device: 'forged' }, flash: '{"notice":"forged"}' })
    change(idOf(token), { previous: { verifier: 'A'.repeat(43), until: never } })
    const record = await store.get(idOf(token))
    expect(record).toMatchObject({ createdAt: START, rotatedAt: START, endsAt: START + 30 * DAY })
    for (const name of ['authenticatedAt', 'ttl', 'absolute', 'info', 'flash', 'previous'])
      expect(record).not.toHaveProperty(name)
    now = START + 30 * DAY - 1
    expect(await sessions.findSession(token)).toBeDefined()
    now += 1
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('what a touch moves is believed, up to the hard end: an idle session can be kept alive until then', async () => {
    const sessions = manager({ ttl: '1h' })
    const token = await sessions.createSession({})
    change(idOf(token), { expiresAt: START + DAY, lastSeenAt: START + HOUR })
    now = START + 2 * HOUR
    expect(await sessions.findSession(token)).toMatchObject({ expiresAt: START + DAY, lastSeenAt: START + HOUR })
  })
})

describe('a row that does not open', () => {
  const events: (SessionEvent & { name: string })[] = []
  const on = Object.fromEntries(
    ['rejected', 'storeError', 'destroyed', 'lost'].map((name) => [
      name,
      (event: SessionEvent) => void events.push({ name, ...event }),
    ]),
  )

  it('P11, P12: is no outage and nobody’s session: a rejected event, a new session, the cookie left alone', async () => {
    const sessions = manager({ on })
    const token = await sessions.createSession({ n: 1 })
    const id = idOf(token)
    change(id, { data: 'tampered' })
    events.length = 0
    const request = new Request('https://example.com/', { headers: { cookie: `__Host-session=${token}` } })
    const session = await sessions.load(request)
    expect([session.isNew, session.subject, session.data]).toEqual([true, undefined, {}])
    const response = await sessions.commit(session, new Response('ok'))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(events).toEqual([{ name: 'rejected', id, reason: 'unknown' }])
  })

  it('P6: met halfway through a write, that write is lost, and nothing is put in its place', async () => {
    const sessions = manager({ on })
    const token = await sessions.createSession({ n: 1 })
    const id = idOf(token)
    const request = new Request('https://example.com/', { headers: { cookie: `__Host-session=${token}` } })
    const session = await sessions.load(request)
    session.set('n', 2)
    change(id, { data: 'tampered', version: 9 })
    events.length = 0
    const response = await sessions.commit(session, new Response('ok'))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(events.map(({ name }) => name)).toEqual(['lost'])
    expect(rowOf(inner, id)).toMatchObject({ data: 'tampered', version: 9 })
  })

  it('hides no other: lists and `all` leave it out, a sweep takes it, and its id stays taken', async () => {
    const sessions = manager()
    const [good, bad] = [
      await sessions.createSession({}, { subject: 'ada' }),
      await sessions.createSession({}, { subject: 'ada' }),
    ]
    change(idOf(bad), { data: 'tampered' })
    expect((await sessions.listSessions('ada')).map(({ id }) => id)).toEqual([idOf(good)])
    const all: string[] = []
    for await (const { id } of store.all?.() ?? []) all.push(id)
    expect([all, await store.length?.()]).toEqual([[idOf(good)], 2])
    expect(await store.create(secretive({ id: idOf(bad) }))).toBe(false)
    now += 2 * DAY
    expect(await sessions.removeExpiredSessions()).toBe(2)
  })

  it('logging out everywhere ends it too: the subject’s hash is still beside it', async () => {
    const sessions = manager()
    const token = await sessions.createSession({}, { subject: 'ada' })
    change(idOf(token), { data: 'tampered' })
    expect(await sessions.removeSessionsOf('ada')).toBe(1)
    expect(inner.length()).toBe(0)
  })
})
