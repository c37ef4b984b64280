/** EncryptedStore when its secrets change: what still opens, what is sealed anew, and what ends. */
import { SessionManager, type SessionOptions } from 'latchkey'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encrypted, hashOf, NEXT, OLDER, rowOf, SECRET, secretive } from './encrypted.ts'
import { countCrypto, DAY, derive, HOUR, kid, seal, START } from './sealed.ts'

type Data = Record<string, any>

afterEach(() => vi.restoreAllMocks())

/** Managers with other secrets over the same rows. */
function backend() {
  const inner = new MemoryStore()
  const clock = { now: START }
  const storeWith = (...secret: string[]): EncryptedStore => new EncryptedStore(inner, { secret })
  const instance = (...secret: string[]): SessionManager<Data> => {
    const options: SessionOptions<Data> = { initial: () => ({}), now: () => clock.now }
    return new SessionManager<Data>({ ...options, store: storeWith(...secret) })
  }
  const kidIn = (token: string): unknown => {
    const [header = ''] = rowOf(inner, token.split('.')[0] as string).data.split('.')
    return JSON.parse(Buffer.from(header, 'base64url').toString()).kid
  }
  return { inner, clock, storeWith, instance, kidIn }
}
const kidOf = (secret: string): string => kid(secret, 'sessions at rest')

describe('C04: a list of secrets', () => {
  it('an older one opens; reads and touches leave the row, the next write seals it with the first', async () => {
    const { instance, kidIn, clock } = backend()
    const token = await instance(OLDER).createSession({ n: 1 })
    const both = instance(SECRET, OLDER)
    expect(await both.retrieveSession(token)).toEqual({ n: 1 })
    clock.now += HOUR
    await both.renewSession(token)
    expect(kidIn(token)).toBe(kidOf(OLDER))
    await both.updateSession(token, { n: 2 })
    expect(kidIn(token)).toBe(kidOf(SECRET))
    expect(await instance(SECRET).retrieveSession(token)).toEqual({ n: 2 })
    expect(await instance(OLDER).findSession(token)).toBeUndefined()
  })

  it('what a removed one sealed is missing, and there again should it come back', async () => {
    const { instance } = backend()
    const token = await instance(OLDER).createSession({ n: 1 })
    expect(await instance(SECRET, NEXT).findSession(token)).toBeUndefined()
    expect(await instance(SECRET, NEXT, OLDER).retrieveSession(token)).toEqual({ n: 1 })
  })

  it('the key id alone picks the key: no other is tried', async () => {
    const { store, inner } = encrypted({ secret: [SECRET, OLDER] })
    await store.create(secretive())
    const row = rowOf(inner, 'a-public-id')
    const header = Buffer.from(row.data.split('.')[0] as string, 'base64url').toString()
    inner.set(row.id, { ...row, data: seal('{}', { header, key: derive(OLDER, 'seal', 'sessions at rest') }) })
    const crypto = countCrypto()
    expect(await store.get(row.id)).toBeUndefined()
    expect(crypto()).toEqual({ decrypt: 1 })
  })
})

describe('subjects under several secrets', () => {
  it('S23: sessions are listed once each, whichever secret their row is under', async () => {
    const { instance, inner } = backend()
    const tokens = [
      await instance(OLDER).createSession({}, { subject: 'ada' }),
      await instance(SECRET, OLDER).createSession({}, { subject: 'ada' }),
      await instance(NEXT, SECRET, OLDER).createSession({}, { subject: 'ada' }),
    ]
    const ids = tokens.map((token) => token.split('.')[0]).toSorted()
    for (const secrets of [
      [NEXT, SECRET, OLDER],
      [OLDER, NEXT, SECRET],
    ]) {
      const listed = await instance(...secrets).listSessions('ada')
      expect(listed.map(({ id }) => id).toSorted()).toEqual(ids)
    }
    expect(ids.map((id) => rowOf(inner, String(id)).subject).toSorted()).toEqual(
      [OLDER, SECRET, NEXT].map((secret) => hashOf('ada', secret)).toSorted(),
    )
  })

  it('a write moves the subject’s hash to the first secret, so that nothing is lost with the old one', async () => {
    const { instance, inner } = backend()
    const token = await instance(OLDER).createSession({}, { subject: 'ada' })
    await instance(SECRET, OLDER).updateSession(token, { n: 1 })
    expect(rowOf(inner, token.split('.')[0] as string).subject).toBe(hashOf('ada'))
    expect(await instance(SECRET).listSessions('ada')).toHaveLength(1)
  })

  it('logging out everywhere counts and ends them all, but for the one it spares', async () => {
    const { instance, inner } = backend()
    const kept = (await instance(OLDER).createSession({}, { subject: 'ada' })).split('.')[0]
    for (const secrets of [[OLDER], [SECRET, OLDER], [SECRET]])
      await instance(...secrets).createSession({}, { subject: 'ada' })
    expect(await instance(SECRET, OLDER).removeSessionsOf('ada', { except: kept })).toBe(3)
    expect(inner.length()).toBe(1)
    expect(await instance(SECRET, OLDER).removeSessionsOf('ada')).toBe(1)
  })

  it.each([
    ['to the first secret', [OLDER], [SECRET, OLDER]],
    ['back to an older one, by an instance not yet changed', [SECRET], [OLDER, SECRET]],
  ])('P6: a session that a write moves meanwhile %s does not slip through', async (_where, before, writer) => {
    const { instance, inner } = backend()
    const token = await instance(...before).createSession({}, { subject: 'ada' })
    const remove = inner.removeBySubject.bind(inner)
    for (let call = 0; call < 3; call++) {
      let calls = 0
      vi.spyOn(inner, 'removeBySubject').mockImplementation((async (hash: string, except?: string) => {
        const ids = remove(hash, except)
        if (calls++ === call)
          await instance(...writer)
            .updateSession(token, (data) => ({ n: (data['n'] ?? 0) + 1 }))
            .catch(() => {})
        return ids
      }) as never)
      await instance(SECRET, OLDER).removeSessionsOf('ada')
      expect(inner.length()).toBe(0)
      inner.clear()
    }
  })
})

describe('sealing everything anew', () => {
  it('by reading each record and writing it again, while requests go on: then the old secret can go', async () => {
    const { instance, storeWith, kidIn } = backend()
    const before = instance(OLDER)
    const tokens = await Promise.all([1, 2, 3].map((n) => before.createSession({ n }, { subject: 'ada' })))
    const store = storeWith(SECRET, OLDER)
    const sessions = new SessionManager<Data>({ initial: () => ({}), now: () => START, store })
    const request = new Request('https://example.com/', { headers: { cookie: `__Host-session=${tokens[0]}` } })
    const inFlight = await sessions.load(request)
    inFlight.set('late', true)

    for await (const record of store.all?.() ?? [])
      await store.update({ ...record, version: record.version + 1 }, record)
    expect(tokens.map(kidIn)).toEqual(tokens.map(() => kidOf(SECRET)))
    await sessions.commit(inFlight, new Response('ok'))
    const after = instance(SECRET)
    expect(await Promise.all(tokens.map((token) => after.retrieveSession(token)))).toEqual([
      { n: 1, late: true },
      { n: 2 },
      { n: 3 },
    ])
    expect(await after.listSessions('ada')).toHaveLength(3)
  })

  it('rows from before there was an EncryptedStore are sealed in the same way, and those sealed already left alone', async () => {
    const { inner, instance, storeWith } = backend()
    const plain = new SessionManager<Data>({ initial: () => ({}), now: () => START, store: inner })
    const old = await plain.createSession({ n: 1 }, { subject: 'ada' })
    const sealed = await instance(SECRET).createSession({ n: 2 }, { subject: 'ada' })
    expect(await instance(SECRET).findSession(old)).toBeUndefined()
    const store = storeWith(SECRET)
    for (let twice = 0; twice < 2; twice++) {
      for await (const record of inner.all()) {
        if (await store.get(record.id)) continue
        await store.update({ ...record, version: record.version + 1 }, record)
      }
    }
    const after = instance(SECRET)
    expect([await after.retrieveSession(old), await after.retrieveSession(sealed)]).toEqual([{ n: 1 }, { n: 2 }])
    expect(await after.listSessions('ada')).toHaveLength(2)
  })

  it('P9: what is sealed anew lives no longer for it', async () => {
    const { instance, storeWith, clock } = backend()
    const token = await instance(OLDER).createSession({})
    clock.now += HOUR
    const store = storeWith(SECRET, OLDER)
    for await (const record of store.all?.() ?? [])
      await store.update({ ...record, version: record.version + 1 }, record)
    clock.now = START + DAY
    expect(await instance(SECRET).findSession(token)).toBeUndefined()
  })
})
