/**
 * What the hot path does not pay for twice (section 7 of the design), counted: and that nothing that was remembered outlives
 * a logout, a new token, an expiry, a revocation, a key or a manager.
 */
import { createHash } from 'node:crypto'
import { SessionManager, type Session, type StoreModel } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sha256 } from '../../src/core/bytes.ts'
import { countCrypto } from '../stores/sealed.ts'

const SECRET = 'a secret of more than 32 bytes for tests'
const OTHER = 'another secret of more than 32 bytes, for tests'

afterEach(() => vi.restoreAllMocks())

function request(token: string): Request {
  return new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
}

async function subjectOf(sessions: SessionManager, token: string): Promise<string | undefined> {
  return (await sessions.load(request(token))).subject
}

describe('cryptography', () => {
  it('is spent once on a signed token: the second request with it costs none', async () => {
    const sessions = new SessionManager({ store: new MemoryStore(), secret: SECRET })
    const token = await sessions.createSession({}, { subject: 'u_1' })
    await subjectOf(sessions, token)
    const counted = countCrypto()
    expect(await subjectOf(sessions, token)).toBe('u_1')
    expect(counted()).toEqual({})
  })

  it('is spent once on a seal: one decryption cold, none warm, and never a key import', async () => {
    const store = new CookieStore({ secret: SECRET })
    const tokens = await Promise.all(
      [1, 2].map((n) => new SessionManager({ store }).createSession({ n }, { subject: 'u_1' })),
    )
    const sessions = new SessionManager({ store: new CookieStore({ secret: SECRET }) })
    await subjectOf(sessions, tokens[0] as string)
    const counted = countCrypto()
    expect(await subjectOf(sessions, tokens[1] as string)).toBe('u_1')
    expect(counted()).toEqual({ decrypt: 1 })
    expect(await subjectOf(sessions, tokens[1] as string)).toBe('u_1')
    expect(counted()).toEqual({ decrypt: 1 })
  })

  it('is one decryption and one encryption for a write to a seal never seen, and one encryption for a sign-in', async () => {
    const token = await new SessionManager({ store: new CookieStore({ secret: SECRET }) }).createSession({ n: 1 })
    const sessions = new SessionManager<{ n: number }>({
      store: new CookieStore({ secret: SECRET }),
      initial: () => ({ n: 0 }),
    })
    await sessions.createSession()
    const write = async (from: Request, change: (session: Session<{ n: number }>) => void): Promise<Response> => {
      const session = await sessions.load(from)
      change(session)
      return sessions.commit(session, new Response())
    }
    const writing = countCrypto()
    const written = await write(request(token), (session) => void session.data.n++)
    expect(written.headers.getSetCookie()).toHaveLength(1)
    expect(writing()).toEqual({ decrypt: 1, encrypt: 1, getRandomValues: 1 })
    vi.restoreAllMocks()

    const signingIn = countCrypto()
    const signedIn = await write(new Request('https://shop.example/'), (session) => void (session.subject = 'u_1'))
    expect(signedIn.headers.getSetCookie()).toHaveLength(1)
    const { decrypt, importKey, encrypt } = signingIn()
    expect({ decrypt, importKey, encrypt }).toEqual({ encrypt: 1 })
  })

  it('is one decryption for a tampered seal each time, and nothing else; what has not its form costs none', async () => {
    const sessions = new SessionManager({ store: new CookieStore({ secret: SECRET }) })
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_1' })
    const forged = token.replace(/.(?=.{30}$)/, (char) => (char === 'A' ? 'B' : 'A'))
    const counted = countCrypto()
    for (const times of [1, 2]) {
      expect(await subjectOf(sessions, forged)).toBeUndefined()
      expect(counted()).toEqual({ decrypt: times })
    }
    for (const text of ['garbage', '....', `${token}.`, token.slice(0, -1)]) await subjectOf(sessions, text)
    expect(counted()).toEqual({ decrypt: 2 })
  })

  it('is one HMAC for a signed token never seen, and no key import', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store, secret: SECRET })
    const token = await new SessionManager({ store, secret: SECRET }).createSession({}, { subject: 'u_1' })
    await sessions.createSession()
    const counted = countCrypto()
    expect(await subjectOf(sessions, token)).toBe('u_1')
    expect(counted()).toEqual({ sign: 1, digest: 1 })
  })

  it('P19: what was opened before is handed out as an object of its own', async () => {
    const sessions = new SessionManager<{ list: number[] }>({
      store: new CookieStore({ secret: SECRET }),
      initial: () => ({ list: [] }),
    })
    const token = await sessions.createSession({ list: [1] })
    const [one, two] = [await sessions.load(request(token)), await sessions.load(request(token))]
    one.data.list.push(2)
    expect(two.data.list).toEqual([1])
  })

  it('a garbage token is remembered by nobody: it costs the same each time, and is refused each time', async () => {
    const sessions = new SessionManager({ store: new MemoryStore(), secret: SECRET })
    const token = await sessions.createSession({}, { subject: 'u_1' })
    const forged = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    for (let tries = 0; tries < 3; tries++) expect(await subjectOf(sessions, forged)).toBeUndefined()
  })

  it('the synchronous hash of a runtime is SHA-256 to the bit', async () => {
    for (const text of ['', 'abc', 'ü€😀'.repeat(50), 'x'.repeat(43)]) {
      expect(await sha256(text)).toBe(createHash('sha256').update(text).digest('base64url'))
    }
  })
})

describe('what was remembered of a token does not outlive', () => {
  async function warm(options: { store: StoreModel; now?: () => number; secret?: string[] }) {
    const sessions = new SessionManager(options)
    const token = await sessions.createSession({}, { subject: 'u_1' })
    for (let n = 0; n < 2; n++) expect(await subjectOf(sessions, token)).toBe('u_1')
    return { sessions, token }
  }

  it('P6: a logout', async () => {
    const { sessions, token } = await warm({ store: new MemoryStore(), secret: [SECRET] })
    await sessions.removeSession(token)
    expect(await subjectOf(sessions, token)).toBeUndefined()
  })

  it('P7: a new token', async () => {
    const { sessions, token } = await warm({ store: new MemoryStore(), secret: [SECRET] })
    const next = await sessions.regenerateSession(token)
    expect(await subjectOf(sessions, token)).toBeUndefined()
    expect(await subjectOf(sessions, next)).toBe('u_1')
  })

  it('P9: its time, for rows and for seals', async () => {
    for (const store of [new MemoryStore(), new CookieStore({ secret: SECRET })]) {
      let now = Date.UTC(2030, 0, 1)
      const { sessions, token } = await warm({ store, now: () => now })
      now += 86_400_000
      expect(await subjectOf(sessions, token)).toBeUndefined()
    }
  })

  it('C06: a revocation', async () => {
    const store = new CookieStore({ secret: SECRET, revocations: new MemoryStore() })
    const { sessions, token } = await warm({ store })
    await sessions.removeSession(token)
    expect(await subjectOf(sessions, token)).toBeUndefined()
  })

  it('C02 C04: its key and its cookie: another manager, another name and another secret know nothing of it', async () => {
    const rows = new MemoryStore()
    const { token } = await warm({ store: rows, secret: [SECRET] })
    expect(await subjectOf(new SessionManager({ store: rows, secret: OTHER }), token)).toBeUndefined()

    const seals = new CookieStore({ secret: SECRET })
    const sealed = (await warm({ store: seals })).token
    const other = new SessionManager({ store: seals, cookie: { name: 'admin' } })
    expect(await other.findSession(sealed)).toBeUndefined()
    expect(await new SessionManager({ store: new CookieStore({ secret: OTHER }) }).findSession(sealed)).toBeUndefined()
  })
})
