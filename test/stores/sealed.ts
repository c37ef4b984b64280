/**
 * What the CookieStore tests share: an app over one sealed cookie with a browser to visit it, and seals made by hand.
 * The key derivation and the encryption here use Node's crypto alone, so that they check what is documented and not
 * what the code under test does.
 */
import lent, { createCipheriv, hkdfSync, randomBytes, type CipherGCMTypes } from 'node:crypto'
import { SessionManager, type Session, type SessionEvent, type SessionOptions, type SessionRecord } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore, type CookieStoreOptions } from 'latchkey/stores/cookie'
import { vi } from 'vitest'
import { Browser } from '../support/browser.ts'

export const SECRET = 'the first secret: 32 bytes or more'
export const OLDER = 'an older secret, of 32 bytes or more'
export const COOKIE = '__Host-session'
export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const START = Date.UTC(2030, 0, 1)

export interface Data extends Record<string, any> {}
export type Handler = (session: Session<Data>, request: Request) => unknown
export type AppOptions = Omit<SessionOptions<Data>, 'store' | 'secret' | 'now' | 'on'> & Partial<CookieStoreOptions>

const EVENTS = ['created', 'loaded', 'updated', 'regenerated', 'destroyed', 'expired', 'rejected', 'lost', 'storeError']

/** An app with one browser; the handler comes with each visit. What the handler or the commit throws, the visit throws. */
export class SealedApp extends Browser {
  readonly sessions: SessionManager<Data>
  readonly events: (SessionEvent & { name: string })[] = []
  readonly clock: { now: number }
  readonly serve: (request: Request, handler: Handler) => Promise<Response>

  constructor({ secret = SECRET, ...options }: AppOptions = {}) {
    const clock = { now: START }
    super(() => Promise.reject(new Error('visit it')), { now: () => clock.now })
    const on = Object.fromEntries(
      EVENTS.map((name) => [name, (event: SessionEvent): void => void this.events.push({ name, ...event })]),
    )
    const store = new CookieStore({ secret })
    this.sessions = new SessionManager<Data>({ ...options, on, store, now: () => clock.now })
    this.serve = withSession(this.sessions, async (request, session, handler: Handler) => {
      const result = await handler(session, request)
      return result instanceof Response ? result : new Response('ok')
    })
    this.clock = clock
  }

  /** One request with this browser's cookies; the cookies of the answer are kept. */
  async visit(handler: Handler): Promise<Response> {
    return this.keep(await this.serve(this.request(), handler))
  }

  /** What a handler sees. */
  async see<T>(look: (session: Session<Data>) => T): Promise<Awaited<T>> {
    let seen!: Awaited<T>
    await this.visit(async (session) => void (seen = await look(session)))
    return seen
  }

  keep(response: Response): Response {
    for (const line of response.headers.getSetCookie()) this.accept(line, new URL(this.origin))
    return response
  }

  /** The token this browser holds, joined from its pieces. */
  token(name = COOKIE): string {
    return ['', '.1', '.2'].map((piece) => this.value(name + piece) ?? '').join('')
  }

  /** The names and reasons of the events since the last time this was asked. */
  takeEvents(): string[] {
    return this.events.splice(0).map(({ name, reason }) => (reason ? `${name}: ${reason}` : name))
  }
}

/** An app whose visitor has written once. */
export async function visited(data: Data = { n: 1 }, options?: AppOptions): Promise<SealedApp> {
  const app = new SealedApp(options)
  await app.visit((session) => void (session.data = data))
  app.takeEvents()
  return app
}

/** HKDF-SHA-256 without salt, the purpose and the cookie's bare name in the info. */
export function derive(secret: string, purpose: string, name = 'session', bytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `latchkey/1 ${purpose} ${name}`, bytes))
}

export function kid(secret: string, name?: string): string {
  return derive(secret, 'kid', name, 8).toString('base64url')
}

export interface Seal {
  header?: unknown
  key?: Buffer
  cipher?: CipherGCMTypes
}

/** A JWE compact seal of any header under any key, correctly encrypted and authenticated (RFC 7516 section 5.1). */
export function seal(plaintext: string, { header, key, cipher = 'aes-256-gcm' }: Seal = {}): string {
  const named = header === undefined ? { alg: 'dir', enc: 'A256GCM', kid: kid(SECRET) } : header
  const protectedHeader = Buffer.from(typeof named === 'string' ? named : JSON.stringify(named)).toString('base64url')
  const iv = randomBytes(12)
  const encrypt = createCipheriv(cipher, key ?? derive(SECRET, 'seal'), iv)
  encrypt.setAAD(Buffer.from(protectedHeader))
  const ciphertext = Buffer.concat([encrypt.update(plaintext), encrypt.final()])
  const parts = [iv, ciphertext, encrypt.getAuthTag()].map((part) => part.toString('base64url'))
  return `${protectedHeader}..${parts.join('.')}`
}

/** A live record that carries this data. */
export function record(data: object = {}): SessionRecord {
  return {
    id: 'a-public-id',
    verifier: 'v'.repeat(43),
    data: JSON.stringify(data),
    version: 1,
    createdAt: START,
    rotatedAt: START,
    lastSeenAt: START,
    expiresAt: START + DAY,
    endsAt: START + 30 * DAY,
  }
}

/**
 * Counts cryptography from here on, by what it does: the calls of Web Crypto, and those of the synchronous functions that
 * Node lends. `vi.restoreAllMocks()` ends it.
 */
export function countCrypto(): () => Record<string, number> {
  const names = ['encrypt', 'decrypt', 'importKey', 'deriveBits', 'digest', 'sign', 'verify'] as const
  const spies: (readonly [string, { mock: { calls: unknown[] } }])[] = [
    ...names.map((name) => [name, vi.spyOn(crypto.subtle, name)] as const),
    ['getRandomValues', vi.spyOn(crypto, 'getRandomValues')],
    ['encrypt', vi.spyOn(lent, 'createCipheriv')],
    ['decrypt', vi.spyOn(lent, 'createDecipheriv')],
    ['importKey', vi.spyOn(lent, 'createSecretKey')],
    ['digest', vi.spyOn(lent, 'hash')],
    ['sign', vi.spyOn(lent, 'createHmac')],
  ]
  return () => {
    const counts = new Map<string, number>()
    for (const [name, { mock }] of spies) counts.set(name, (counts.get(name) ?? 0) + mock.calls.length)
    return Object.fromEntries([...counts].filter(([, count]) => count !== 0))
  }
}

/**
 * Data that makes the sealed token of a new session exactly this long, or `undefined` where base64url has no such length.
 */
export async function dataFor(app: SealedApp, tokenLength: number): Promise<{ pad: string } | undefined> {
  const probe = await app.sessions.createSession({ pad: '' })
  const bytes = Buffer.from(probe.split('.')[3] as string, 'base64url').length
  const ciphertext = tokenLength - (probe.length - Math.ceil((bytes * 4) / 3))
  if (ciphertext % 4 === 1) return undefined
  return { pad: 'x'.repeat(Math.floor((ciphertext * 3) / 4) - bytes) }
}

/** What a token opens to: its data, or else the event that says why it does not. */
export async function opens(app: SealedApp, token: string): Promise<unknown> {
  app.takeEvents()
  const found = await app.sessions.findSession(token)
  return found ? found.data : app.takeEvents()[0]
}

/** The protected header of a token. */
export function headerOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString())
}
