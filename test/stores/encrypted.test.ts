import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compactDecrypt } from 'jose'
import { SessionManager, type SessionOptions } from 'latchkey'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { CANARY, encrypted, hashOf, OLDER, rowOf, SECRET, secretive } from './encrypted.ts'
import { CachedApp, START } from './cached.ts'
import { countCrypto, DAY, derive, kid } from './sealed.ts'
import { temporaryFile } from './sqlite-databases.ts'

type Data = Record<string, any>
const managerOf = (store: EncryptedStore, options: Partial<SessionOptions<Data>> = {}): SessionManager<Data> =>
  new SessionManager<Data>({ initial: () => ({}), now: () => START, ...options, store })

afterEach(() => vi.restoreAllMocks())

describe('what lies in the database', () => {
  it('is what queries need, and a seal; the record comes back whole', async () => {
    const { store, inner } = encrypted()
    const record = secretive()
    expect(await store.create(record)).toBe(true)
    const { id, verifier, version, createdAt, rotatedAt, lastSeenAt, expiresAt, endsAt } = record
    const plain = { id, verifier, version, createdAt, rotatedAt, lastSeenAt, expiresAt, endsAt }
    expect(rowOf(inner, id)).toEqual({
      ...plain,
      data: expect.stringMatching(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/),
      subject: hashOf(String(record.subject)),
    })
    expect(await store.get(id)).toEqual(record)
  })

  it('a record without anything optional has no subject, no flash and no info', async () => {
    const { store, inner } = encrypted()
    const { subject: _, flash: __, info: ___, ...record } = secretive()
    await store.set(record.id, record)
    expect(Object.keys(rowOf(inner, record.id))).not.toContain('subject')
    expect(await store.get(record.id)).toStrictEqual(record)
  })

  it('no byte of the SQLite files says what the session says, through a whole life of it', async () => {
    const file = temporaryFile()
    const inner = new LibsqlStore({ url: `file:${file}` })
    onTestFinished(() => inner.close())
    const app = new CachedApp(new EncryptedStore(inner, { secret: SECRET }))
    const bytes = (): string => {
      const folder = dirname(file)
      return readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'latin1'))
        .join('')
    }
    await app.visit((session) => {
      session.subject = `${CANARY} subject`
      session.data = { [`${CANARY} key`]: `${CANARY} data` }
      session.info = { device: `${CANARY} info` }
      session.flash('notice', `${CANARY} flash`)
    })
    await app.visit((session) => session.set('more', `${CANARY} more`))
    await app.visit((session) => session.regenerate())
    const { token } = app
    expect(await app.see(({ subject, data, info }) => [subject, data['more'], info['device']])).toEqual([
      `${CANARY} subject`,
      `${CANARY} more`,
      `${CANARY} info`,
    ])
    const stored = bytes()
    expect(stored).toContain(token.split('.')[0]) // the id: these are the right files
    expect(stored).toContain(hashOf(`${CANARY} subject`))
    for (const secret of [
      CANARY,
      Buffer.from(CANARY).toString('base64url').slice(0, -2),
      token.split('.')[1] as string,
    ])
      expect(stored.includes(secret), 'the canary, or the token, in the stored bytes').toBe(false)
  })

  it('opens with plain jose and the derived key, and holds all but what a touch moves', async () => {
    const { store, inner } = encrypted()
    const record = secretive()
    await store.create(record)
    const sealKey = derive(SECRET, 'seal', 'sessions at rest')
    const { plaintext, protectedHeader } = await compactDecrypt(rowOf(inner, record.id).data, sealKey)
    expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM', kid: kid(SECRET, 'sessions at rest') })
    const { expiresAt: _, lastSeenAt: __, ...sealed } = record
    expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual({
      record: sealed,
      subject: hashOf(String(record.subject)),
    })
  })

  it('two seals of one record have nothing in common but their header', async () => {
    const { store, inner } = encrypted()
    const seals: string[] = []
    for (let n = 0; n < 2; n++) {
      await store.set('a-public-id', secretive())
      seals.push(rowOf(inner, 'a-public-id').data)
    }
    const [one, two] = seals.map((seal) => seal.split('..')) as [string[], string[]]
    expect(one[0]).toBe(two[0])
    expect(one[1]?.slice(0, 16)).not.toBe(two[1]?.slice(0, 16))
  })

  it('a touch seals nothing and opens nothing', async () => {
    const { store, inner } = encrypted()
    const { id, version, verifier, data } = secretive()
    await store.create(secretive())
    const before = rowOf(inner, id).data
    const crypto = countCrypto()
    expect(await store.touch(id, START + 2 * DAY, START + 5, { version, verifier })).toBe(true)
    expect(crypto()).toEqual({})
    expect(rowOf(inner, id).data).toBe(before)
    expect(await store.get(id)).toMatchObject({ data, expiresAt: START + 2 * DAY, lastSeenAt: START + 5 })
  })

  it('sweeping and counting open nothing; `all` gives out records', async () => {
    const { store } = encrypted()
    for (let n = 0; n < 3; n++) await store.create(secretive({ id: `id-${n}`, expiresAt: START + n }))
    const crypto = countCrypto()
    expect([
      await store.length?.(),
      await store.countExpired?.(START + 1),
      await store.removeExpired?.(START + 1, 1),
    ]).toEqual([3, 2, 1])
    expect(crypto()).toEqual({})
    const ids: string[] = []
    for await (const { id, data } of store.all?.() ?? []) {
      expect(data).toBe(secretive().data)
      ids.push(id)
    }
    expect(ids).toHaveLength(2)
    await store.clear?.()
    expect(await store.length?.()).toBe(0)
  })
})

describe('subjects', () => {
  it('S23: are found, listed and logged out by name, though the database knows a keyed hash only', async () => {
    const { store, inner } = encrypted()
    const events: unknown[] = []
    const sessions = managerOf(store, { on: { destroyed: (event) => void events.push({ ...event }) } })
    const tokens = await Promise.all(['ada', 'ada', 'bob'].map((subject) => sessions.createSession({}, { subject })))
    const listed = await sessions.listSessions('ada')
    expect(listed.map(({ subject }) => subject)).toEqual(['ada', 'ada'])
    expect(inner.findBySubject('ada')).toEqual([])
    expect(inner.findBySubject(hashOf('ada'))).toHaveLength(2)

    expect(await sessions.removeSessionsOf('ada', { except: listed[0]?.id })).toBe(1)
    expect(events).toEqual([{ id: listed[1]?.id, subject: 'ada' }])
    expect(await sessions.removeSessionById(String(listed[0]?.id), { subject: 'bob' })).toBe(false)
    expect(await sessions.removeSessionById(String(listed[0]?.id), { subject: 'ada' })).toBe(true)
    expect(await sessions.findSession(String(tokens[2]))).toMatchObject({ subject: 'bob' })
  })

  it('a hash given as a subject finds nothing', async () => {
    const { store } = encrypted()
    await store.create(secretive({ subject: 'ada' }))
    expect(await store.findBySubject?.(hashOf('ada'))).toEqual([])
    expect(await store.removeBySubject?.(hashOf('ada'))).toEqual([])
  })

  it('two texts that UTF-8 cannot tell apart are two subjects', async () => {
    const { store } = encrypted()
    await store.create(secretive({ subject: '\ud800' }))
    expect(await store.findBySubject?.('\udbff')).toEqual([])
    expect(await store.removeBySubject?.('\ufffd')).toEqual([])
    expect(await store.removeBySubject?.('\ud800')).toEqual(['a-public-id'])
  })

  it('the hash is another under another secret: nobody computes it for a subject they guess', async () => {
    const [one, two] = [encrypted(), encrypted({ secret: OLDER })]
    for (const { store } of [one, two]) await store.create(secretive({ subject: 'ada' }))
    expect(rowOf(one.inner, 'a-public-id').subject).not.toBe(rowOf(two.inner, 'a-public-id').subject)
  })
})

describe('two managers over one EncryptedStore', () => {
  it('F20: with cookies of different names are independent, and share what is a store’s to share', async () => {
    const { store } = encrypted()
    const [shop, admin] = ['shop', 'admin'].map((name) => managerOf(store, { secret: SECRET, cookie: { name } })) as [
      SessionManager<Data>,
      SessionManager<Data>,
    ]
    const [visitor, boss] = [
      await shop.createSession({ cart: 1 }, { subject: 'ada' }),
      await admin.createSession({ all: true }, { subject: 'ada' }),
    ]
    expect(await shop.retrieveSession(visitor)).toEqual({ cart: 1 })
    expect(await admin.retrieveSession(boss)).toEqual({ all: true })
    expect(await admin.findSession(visitor)).toBeUndefined()
    expect(await shop.findSession(boss)).toBeUndefined()
    expect(await shop.removeSessionsOf('ada')).toBe(2)
  })

  it('C02: a store of another `name` opens none of the rows, though the secret is the same', async () => {
    const { store, inner } = encrypted()
    await store.create(secretive())
    const other = encrypted({ name: 'admin' }, inner).store
    expect(await other.get('a-public-id')).toBeUndefined()
    expect(await other.findBySubject?.(String(secretive().subject))).toEqual([])
    await other.set('a-public-id', secretive())
    expect(await other.get('a-public-id')).toEqual(secretive())
    expect(await store.get('a-public-id')).toBeUndefined()
  })
})
