/**
 * What each kind of request costs, counted: cryptography, key imports, store calls, Set-Cookie headers and passes of JSON. A
 * number that rises is a decision; these are gates, the times are in docs/performance.md.
 */
import { SessionManager, type Session, type SessionOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { countCrypto } from '../stores/sealed.ts'

const SECRET = 'a secret of more than 32 bytes for tests'
const STORE_CALLS = ['get', 'set', 'create', 'update', 'touch', 'destroy', 'seal', 'open'] as const

interface Cart {
  list?: string[]
}
type Change = (session: Session<Cart>) => void

const nothing: Change = () => {}
const read: Change = ({ data }) => void data.list?.length
const write: Change = ({ data }) => void (data.list ??= []).push('sku')
const signIn: Change = (session) => void (session.subject = 'u_1')
const signOut: Change = (session) => session.destroy()

afterEach(() => vi.restoreAllMocks())

/** An app, and the cookie of a session in it that this instance of the app has never seen. */
async function world(options: () => SessionOptions<Cart>) {
  const from = (cookie: string, url = 'https://shop.example/'): Request =>
    new Request(url, cookie === '' ? {} : { headers: { cookie } })
  const serve = (): ((request: Request, change: Change) => Promise<Response>) =>
    withSession(new SessionManager(options()), (_request, session, change: Change) => {
      change(session)
      return new Response('ok')
    })
  const cookieOf = async (app: ReturnType<typeof serve>): Promise<string> =>
    (await app(from(''), write)).headers.getSetCookie().map((line) => line.slice(0, line.indexOf(';')))[0] as string
  const cookie = await cookieOf(serve())
  const app = serve()
  // Its keys are made by now.
  await cookieOf(app)

  /** What one request costs, as `2 decrypt, 1 get`. */
  const cost = async (change: Change, sent = cookie): Promise<string> => {
    const request = from(sent)
    const crypto = countCrypto()
    const spies = STORE_CALLS.flatMap((name) =>
      [MemoryStore, CookieStore].flatMap(({ prototype }) =>
        Object.hasOwn(prototype, name) && !(prototype === CookieStore.prototype && /^[gs]et$|destroy/.test(name))
          ? [[name, vi.spyOn(prototype as MemoryStore, name as 'get')] as const]
          : [],
      ),
    )
    const parse = vi.spyOn(JSON, 'parse')
    const stringify = vi.spyOn(JSON, 'stringify')
    const response = await app(request, change)
    const counts = new Map<string, number>(Object.entries(crypto()))
    for (const [name, { mock }] of spies) counts.set(name, (counts.get(name) ?? 0) + mock.calls.length)
    counts.set('JSON.parse', parse.mock.calls.length)
    counts.set('JSON.stringify', stringify.mock.calls.length)
    counts.set('Set-Cookie', response.headers.getSetCookie().length)
    vi.restoreAllMocks()
    return [...counts].flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : [])).join(', ')
  }
  return { cookie, cost }
}

/** The same cookie, but for one character of its last part. */
function tampered(cookie: string): string {
  return cookie.replace(/.(?=.{5}$)/, (char) => (char === 'A' ? 'B' : 'A'))
}

describe('a request costs', () => {
  it('in memory: nothing for a visitor without a session, one hash for a token never seen, one store call to read', async () => {
    const store = new MemoryStore()
    const { cookie, cost } = await world(() => ({ store }))
    expect({
      'anonymous, not looked at': await cost(nothing, ''),
      'anonymous, looked at': await cost(read, ''),
      garbage: await cost(read, '__Host-session=garbage'),
      tampered: await cost(read, tampered(cookie)),
      'read, cold': await cost(read),
      'read, warm': await cost(read),
      'not looked at': await cost(nothing),
      write: await cost(write),
      'a new session': await cost(write, ''),
      'sign-in, new': await cost(signIn, ''),
      'sign-in, from a session': await cost(signIn),
    }).toMatchInlineSnapshot(`
      {
        "a new session": "1 digest, 1 getRandomValues, 1 set, 1 create, 1 JSON.parse, 2 JSON.stringify, 1 Set-Cookie",
        "anonymous, looked at": "1 JSON.parse, 1 JSON.stringify",
        "anonymous, not looked at": "",
        "garbage": "1 JSON.parse, 1 JSON.stringify",
        "not looked at": "1 get, 1 JSON.parse",
        "read, cold": "1 digest, 1 get, 1 JSON.parse",
        "read, warm": "1 get, 1 JSON.parse",
        "sign-in, from a session": "1 digest, 1 getRandomValues, 2 get, 1 set, 1 update, 1 JSON.parse, 1 Set-Cookie",
        "sign-in, new": "1 digest, 1 getRandomValues, 1 set, 1 create, 1 JSON.parse, 1 JSON.stringify, 1 Set-Cookie",
        "tampered": "1 digest, 1 get, 1 JSON.parse, 1 JSON.stringify",
        "write": "2 get, 1 set, 1 update, 1 JSON.parse, 2 JSON.stringify",
      }
    `)
    const again = await world(() => ({ store }))
    expect(await again.cost(signOut)).toMatchInlineSnapshot(`"1 digest, 1 get, 1 destroy, 1 JSON.parse, 1 Set-Cookie"`)
  })

  it('in memory, signed: one HMAC for a token never seen, none for one that was, no store call for a forged one', async () => {
    const store = new MemoryStore()
    const { cookie, cost } = await world(() => ({ store, secret: SECRET }))
    expect({
      garbage: await cost(read, '__Host-session=garbage'),
      tampered: await cost(read, tampered(cookie)),
      'read, cold': await cost(read),
      'read, warm': await cost(read),
      write: await cost(write),
      'sign-in, from a session': await cost(signIn),
    }).toMatchInlineSnapshot(`
      {
        "garbage": "1 JSON.parse, 1 JSON.stringify",
        "read, cold": "1 digest, 1 sign, 1 get, 1 JSON.parse",
        "read, warm": "1 get, 1 JSON.parse",
        "sign-in, from a session": "1 digest, 1 sign, 1 getRandomValues, 2 get, 1 set, 1 update, 1 JSON.parse, 1 Set-Cookie",
        "tampered": "1 sign, 1 JSON.parse, 1 JSON.stringify",
        "write": "2 get, 1 set, 1 update, 1 JSON.parse, 2 JSON.stringify",
      }
    `)
  })

  it('sealed: one decryption for a cookie never seen, one encryption for a write, no decryption for a sign-in, no import', async () => {
    const { cookie, cost } = await world(() => ({ store: new CookieStore({ secret: SECRET }) }))
    expect({
      'anonymous, not looked at': await cost(nothing, ''),
      'anonymous, looked at': await cost(read, ''),
      garbage: await cost(read, '__Host-session=garbage'),
      tampered: await cost(read, tampered(cookie)),
      'read, cold': await cost(read),
      'read, warm': await cost(read),
      write: await cost(write),
      'sign-in, new': await cost(signIn, ''),
      'sign-in, from a session': await cost(signIn),
      'sign-out': await cost(signOut),
    }).toMatchInlineSnapshot(`
      {
        "anonymous, looked at": "1 JSON.parse, 1 JSON.stringify",
        "anonymous, not looked at": "",
        "garbage": "1 open, 1 JSON.parse, 1 JSON.stringify",
        "read, cold": "1 decrypt, 1 open, 2 JSON.parse",
        "read, warm": "1 open, 1 JSON.parse",
        "sign-in, from a session": "1 encrypt, 2 getRandomValues, 1 seal, 1 open, 1 JSON.parse, 1 JSON.stringify, 1 Set-Cookie",
        "sign-in, new": "1 encrypt, 2 getRandomValues, 1 seal, 1 JSON.parse, 2 JSON.stringify, 1 Set-Cookie",
        "sign-out": "1 open, 1 JSON.parse, 1 Set-Cookie",
        "tampered": "1 decrypt, 1 open, 1 JSON.parse, 1 JSON.stringify",
        "write": "1 encrypt, 1 getRandomValues, 1 seal, 1 open, 1 JSON.parse, 3 JSON.stringify, 1 Set-Cookie",
      }
    `)
  })
})
