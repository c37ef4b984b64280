/** Data that a schema judges, without a request, and over the stores and by the ways that differ. */
import {
  SessionDataError,
  SessionManager,
  type SchemaOptions,
  type SessionEvent,
  type SessionRecord,
  type StandardSchema,
  type Store,
} from 'latchkey'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { CookieCache } from 'latchkey/stores/cookie-cache'
import { MemoryStore } from 'latchkey/stores/memory'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { MapKV } from '../support/map-kv.ts'
import { libraries, own, type Shop } from '../support/schemas.ts'
import { visitor } from '../support/visitor.ts'

const MUG = { sku: 'mug', n: 1 }
const SECRET = 'a secret of more than 32 bytes for tests'
const initial = (): Shop => ({ cart: [], theme: 'light' })
const request = (): Request => new Request('https://shop.test/')
const [{ schema: ofZod }] = libraries as [(typeof libraries)[0]]

function shop(options: object = {}) {
  const store = new MemoryStore()
  const sessions = new SessionManager<Shop>({
    schema: ofZod,
    initial,
    ...options,
    store,
  } as object as SchemaOptions<Shop>)
  const rewrite = (token: string, data: unknown): void => {
    const [id] = token.split('.') as [string]
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    store.set(id, { ...(store.get(id) as SessionRecord), data: text })
  }
  const stored = (token: string): unknown => JSON.parse((store.get(String(token.split('.')[0])) as SessionRecord).data)
  return { sessions, store, rewrite, stored }
}

describe.each(libraries)('headless calls with a schema of $name', ({ schema }) => {
  it('createSession refuses what does not pass, and stores nothing', async () => {
    const { sessions, store } = shop({ schema })
    await expect(sessions.createSession({ cart: [{ sku: 'mug', n: 'one' }] } as never)).rejects.toMatchObject({
      code: 'SESSION_DATA',
      path: 'cart[0].n',
    })
    expect(store.length()).toBe(0)
    expect(await sessions.retrieveSession(await sessions.createSession({ theme: 'dark' }))).toEqual({
      cart: [],
      theme: 'dark',
    })
  })

  it('updateSession refuses it too, by value and by function, and the old data is intact', async () => {
    const { sessions, stored } = shop({ schema })
    const token = await sessions.createSession({ cart: [MUG] })
    await expect(sessions.updateSession(token, { cart: [] } as never)).resolves.toBeDefined()
    await expect(sessions.updateSession(token, { theme: 'loud' } as never)).rejects.toMatchObject({ path: 'theme' })
    await expect(sessions.updateSession(token, (data) => void (data.cart = 'none' as never))).rejects.toBeInstanceOf(
      SessionDataError,
    )
    expect(stored(token)).toEqual({ cart: [] })
  })

  it('retrieveSession and findSession give what the schema gives, and write nothing', async () => {
    const { sessions, store, rewrite } = shop({ schema })
    const token = await sessions.createSession({}, { subject: 'u_42' })
    rewrite(token, { cart: [MUG] })
    const before = store.get(String(token.split('.')[0]))
    expect(await sessions.retrieveSession(token)).toEqual({ cart: [MUG], theme: 'light' })
    expect(await sessions.findSession(token)).toMatchObject({ subject: 'u_42', data: { cart: [MUG], theme: 'light' } })
    expect(store.get(String(token.split('.')[0]))).toEqual(before)
  })

  it('P5: twenty increments at once from a record of an earlier release are twenty', async () => {
    const migrate = ({ basket, ...raw }: Record<string, unknown>): object =>
      basket ? { ...raw, cart: [{ sku: basket, n: 1 }] } : raw
    const { sessions, rewrite, stored } = shop({ schema, migrate })
    const token = await sessions.createSession()
    rewrite(token, { basket: 'mug' })
    const increment = (data: Shop): void => void (data.cart[0] as { n: number }).n++
    await Promise.all(Array.from({ length: 20 }, () => sessions.updateSession(token, increment)))
    expect(stored(token)).toEqual({ cart: [{ sku: 'mug', n: 21 }], theme: 'light' })
  })

  it('data that is refused is an error for all that need it, and can still be ended', async () => {
    const { sessions, rewrite, store } = shop({ schema })
    const token = await sessions.createSession()
    rewrite(token, { cart: 'CANARY' })
    const calls = [
      () => sessions.retrieveSession(token),
      () => sessions.findSession(token),
      () => sessions.updateSession(token, initial()),
      () => sessions.renewSession(token),
      () => sessions.regenerateSession(token),
    ]
    for (const call of calls) {
      const error: unknown = await call().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'SESSION_DATA', path: 'cart' })
      expect(String(error)).not.toContain('CANARY')
    }
    expect(await sessions.removeSession(token)).toBe(true)
    expect(store.length()).toBe(0)
  })
})

describe('onInvalid', () => {
  it('`reset`: headless calls go on with `initial()` under the same token', async () => {
    const rejected = vi.fn<(event: SessionEvent) => void>()
    const { sessions, rewrite, stored } = shop({ onInvalid: 'reset', on: { rejected } })
    const token = await sessions.createSession({ cart: [MUG] }, { subject: 'u_42' })
    rewrite(token, { cart: 'corrupt' })
    expect(await sessions.findSession(token)).toMatchObject({ subject: 'u_42', data: initial() })
    expect(rejected).toHaveBeenCalledWith({ id: token.split('.')[0], subject: 'u_42', reason: 'schema' })
    expect(stored(token)).toEqual({ cart: 'corrupt' })
    await sessions.updateSession(token, (data) => void data.cart.push(MUG))
    expect(stored(token)).toEqual({ cart: [MUG], theme: 'light' })
  })

  it.each(['{"cart":', '[]', 'null'])('covers text that is no data at all: %s', async (text) => {
    const strict = shop()
    const token = await strict.sessions.createSession()
    strict.rewrite(token, text)
    await expect(strict.sessions.retrieveSession(token)).rejects.toMatchObject({ code: 'SESSION_DATA', path: '' })
    await expect(strict.sessions.load(bearing(token))).rejects.toMatchObject({ code: 'SESSION_DATA' })

    const lenient = shop({ onInvalid: 'reset', schema: undefined })
    const other = await lenient.sessions.createSession({ cart: [MUG] })
    lenient.rewrite(other, text)
    expect(await lenient.sessions.retrieveSession(other)).toEqual(initial())
  })

  it('a schema that throws has not judged: an error also with `reset`, and nothing is lost', async () => {
    let isDown = false
    const schema = own(async (value) => {
      if (isDown) throw new Error(`no answer about ${JSON.stringify(value)}`)
      return { value }
    })
    const { sessions, stored } = shop({ schema, onInvalid: 'reset' })
    const token = await sessions.createSession({ cart: [{ sku: 'CANARY-mug', n: 1 }] })
    isDown = true
    const error: unknown = await sessions.retrieveSession(token).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SessionDataError)
    expect(String((error as Error).cause)).not.toContain('CANARY')
    isDown = false
    expect(stored(token)).toMatchObject({ cart: [{ sku: 'CANARY-mug' }] })
  })
})

describe('migrate', () => {
  it('may be async, and stands without a schema too', async () => {
    const { sessions, rewrite } = shop({
      schema: undefined,
      migrate: async (raw: Record<string, unknown>) => ({ theme: 'light', ...raw }),
    })
    const token = await sessions.createSession()
    rewrite(token, { cart: [MUG] })
    expect(await sessions.retrieveSession(token)).toEqual({ cart: [MUG], theme: 'light' })
  })

  it.each([
    ['throws', () => Promise.reject(new TypeError('Cannot read CANARY'))],
    ['gives no object', () => 'CANARY'],
    ['gives what the schema refuses', () => ({ cart: 'CANARY' })],
  ])('one that %s makes the data invalid', async (_what, migrate) => {
    const strict = shop({ migrate })
    const token = await strict.sessions.createSession()
    strict.rewrite(token, { cart: [], old: 'CANARY' })
    const error: unknown = await strict.sessions.retrieveSession(token).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SessionDataError)
    expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain('CANARY')
    const lenient = shop({ migrate, onInvalid: 'reset' })
    expect(await lenient.sessions.retrieveSession(await lenient.sessions.createSession())).toEqual(initial())
  })
})

describe('the session’s own members', () => {
  it('clear(), regenerate without data, and reload() come back to data of the schema', async () => {
    const { sessions, rewrite, stored } = shop({ initial: undefined })
    const token = await sessions.createSession({ cart: [MUG], theme: 'dark' }, { subject: 'u_42' })
    const session = await sessions.load(bearing(token))
    rewrite(token, { cart: [MUG, MUG] })
    await session.reload()
    expect(session.data).toEqual({ cart: [MUG, MUG], theme: 'light' })
    session.clear()
    expect(session.data).toEqual(initial())
    await session.save()
    expect(stored(token)).toEqual(initial())
    session.data.cart.push(MUG)
    session.regenerate({ keepData: false })
    await session.save()
    expect([session.subject, session.data]).toEqual([undefined, initial()])
  })

  it('P19: a default that a schema gives out as one object is not shared between sessions', async () => {
    const schema = v.object({ cart: v.optional(v.array(v.string()), []) })
    const sessions = new SessionManager({ schema })
    for (const _visit of [1, 2]) {
      const token = await sessions.createSession()
      const session = await sessions.load(bearing(token))
      expect(session.data.cart).toEqual([])
      session.data.cart.push('mug')
      const fresh = await sessions.load(request())
      expect(fresh.data.cart).toEqual([])
      fresh.data.cart.push('pen')
    }
  })

  it('a session built by hand from its record has been read by the schema as well', async () => {
    for (const { schema } of libraries) {
      const { sessions, store, rewrite } = shop({ schema })
      const token = await sessions.createSession()
      rewrite(token, { cart: [MUG] })
      const session = await store.createSession(request(), store.get(String(token.split('.')[0])) as SessionRecord)
      expect(session.data).toEqual({ cart: [MUG], theme: 'light' })
    }
  })

  it('with a serializer, the schema sees what that gives back: a Date is a date', async () => {
    const serializer = {
      stringify: (value: any) => JSON.stringify({ at: value.at?.getTime() }),
      parse: (text: string) => ({ at: new Date(JSON.parse(text).at) }),
    }
    const sessions = new SessionManager({
      schema: z.object({ at: z.date() }),
      initial: () => ({ at: new Date(5) }),
      serializer,
    })
    const token = await sessions.createSession()
    expect(await sessions.retrieveSession(token)).toEqual({ at: new Date(5) })
    await sessions.updateSession(token, (data) => void (data.at = new Date(6)))
    expect(await sessions.retrieveSession(token)).toEqual({ at: new Date(6) })
  })
})

describe('stores that differ', () => {
  /** First a release without schema that keeps only a cart, then one with, over the same store. */
  async function upgraded(store: Store, schema: StandardSchema<Shop>) {
    const before = visitor(new SessionManager({ store }))
    await before.visit((session) => (session.data['cart'] = [MUG]))
    const after = visitor(
      new SessionManager<Record<string, any>>({ store, schema: schema as StandardSchema<any>, initial }),
    )
    after.browser.cookies = before.browser.cookies
    return after
  }

  it.each([
    ['CookieStore', () => new CookieStore({ secret: SECRET })],
    ['CookieCache', () => new CookieCache(new MemoryStore(), { secret: SECRET })],
    ['CloudflareKVStore', () => new CloudflareKVStore(new MapKV(() => Date.now()))],
  ])('%s: reads fill in and set no token, writes and new tokens keep it', async (_name, make) => {
    for (const { schema } of libraries) {
      const { browser, visit, see } = await upgraded(make(), schema)
      const token = browser.value()
      for (let i = 0; i < 2; i++)
        expect(await see(({ data }) => ({ ...data }))).toEqual({ cart: [MUG], theme: 'light' })
      expect(browser.value()).toBe(token)
      await visit((session) => (session.subject = 'u_42'))
      await visit((session) => void session.data['cart'].push(MUG))
      expect(await see(({ data }) => ({ ...data }))).toEqual({ cart: [MUG, MUG], theme: 'light' })
      await expect(visit((session) => (session.data['theme'] = 'loud'))).rejects.toBeInstanceOf(SessionDataError)
      expect(await see((session) => session.data['theme'])).toBe('light')
    }
  })
})

it('P4: a sign-in under a new id, as on KV, also builds on migrated data', async () => {
  const store = new CloudflareKVStore(new MapKV(() => Date.now()))
  const before = visitor(new SessionManager({ store }))
  await before.visit((session) => (session.data['basket'] = 'mug'))
  const migrate = ({ basket, ...raw }: Record<string, unknown>): object =>
    basket ? { ...raw, cart: [{ sku: basket, n: 1 }] } : raw
  const after = visitor(
    new SessionManager<Record<string, any>>({ store, schema: ofZod as StandardSchema<any>, migrate }),
  )
  after.browser.cookies = before.browser.cookies
  await after.visit((session) => {
    session.subject = 'u_42'
    session.data['cart'].push(MUG)
  })
  expect(await after.see((session) => [session.subject, session.data['cart']])).toEqual(['u_42', [MUG, MUG]])
})

function bearing(token: string): Request {
  return new Request('https://shop.test/', { headers: { cookie: `__Host-session=${token}` } })
}
