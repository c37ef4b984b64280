/** What is asked of a session while it is being written, or after its response was built: carried out or refused, never lost. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import {
  SessionConfigError,
  SessionManager,
  SessionStateError,
  StoreUnavailableError,
  type Session,
  type SessionRecord,
} from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { isRecord } from '../../src/core/record.ts'
import { flow } from '../support/flow.ts'

const URL_ = 'https://shop.example/'

/** A store whose writes wait to be let through. */
class GatedStore extends MemoryStore {
  #gate = Promise.withResolvers<void>()
  #reached = Promise.withResolvers<void>()
  letThrough(): void {
    this.#gate.resolve()
  }
  get reached(): Promise<void> {
    return this.#reached.promise
  }
  override create(record: SessionRecord): never {
    this.#reached.resolve()
    return this.#gate.promise.then(() => super.create(record)) as never
  }
}

async function writing(change: (visitor: Session) => unknown) {
  const store = new GatedStore()
  const sessions = new SessionManager({ store })
  const request = new Request(URL_)
  const visitor = await sessions.load(request)
  visitor.data['a'] = 1
  const saving = visitor.save()
  await store.reached
  const outcome = await new Promise((resolve) => resolve(change(visitor))).then(
    () => 'taken',
    (error: unknown) => error,
  )
  store.letThrough()
  await saving
  const response = await sessions.commit(visitor, new Response('ok'))
  return { outcome, store, sessions, response, request }
}

describe('while save() is under way', () => {
  it.each([
    ['subject', (visitor) => (visitor.subject = 'u_42')],
    ['flash', (visitor) => visitor.flash('notice', 'x')],
    ['info', (visitor) => (visitor.info['device'] = 'x')],
    ['lifetime', (visitor) => (visitor.lifetime = { persistent: false })],
    ['regenerate', (visitor) => visitor.regenerate()],
    ['destroy', (visitor) => visitor.destroy()],
    ['set', (visitor) => visitor.set('b', 2)],
    ['csrfToken', (visitor) => visitor.csrfToken()],
  ] as [string, (visitor: Session) => unknown][])(
    'P14: a change by %s is refused, not wiped by what is being written',
    async (_, change) => {
      const { outcome } = await writing(change)
      expect(outcome).toBeInstanceOf(SessionStateError)
      expect(String(outcome)).toContain('Await')
    },
  )

  it('R18: reading a flash message, which removes it, is refused too; what was read before can be read on', async () => {
    const shop = flow()
    await shop.visit((visitor) => ['read', 'new'].forEach((key) => visitor.flash(key, key)))
    await shop.visit(async (visitor) => {
      visitor.flash('read')
      const saving = visitor.save()
      expect(() => visitor.flash('new')).toThrow(SessionStateError)
      expect([visitor.flash('read'), visitor.flash('none')]).toEqual(['read', undefined])
      await saving
      expect([visitor.flash('read'), visitor.flash('new')]).toEqual(['read', 'new'])
    })
    expect(await shop.see((visitor) => ['read', 'new'].map((key) => visitor.flash(key)))).toEqual([
      undefined,
      undefined,
    ])
  })

  it('P3: a change to data itself is seen by the next write', async () => {
    const { outcome, store } = await writing((visitor) => (visitor.data['b'] = 2))
    expect(outcome).toBe('taken')
    for await (const { data } of store.all()) expect(JSON.parse(data)).toEqual({ a: 1, b: 2 })
    expect(store.length()).toBe(1)
  })
})

describe('two commits at once', () => {
  it('P16: write one row, and both responses carry its token', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const visitor = await sessions.load(new Request(URL_))
    visitor.data['a'] = 1
    const responses = await Promise.all(
      [new Response('1'), new Response('2')].map((one) => sessions.commit(visitor, one)),
    )
    expect(store.length()).toBe(1)
    const [first, second] = responses.map((one) => one.headers.get('set-cookie'))
    expect(first).toBeTruthy()
    expect(second).toBe(first)
  })

  it('F11: after it a flash message that was read can be read on, as a page that streams does; another cannot', async () => {
    const shop = flow()
    await shop.visit((visitor) => ['read', 'new'].forEach((key) => visitor.flash(key, key)))
    const visitor = await shop.see((one) => (one.flash('read'), one))
    expect(visitor.flash('read')).toBe('read')
    expect(() => visitor.flash('new')).toThrow('already committed')
    expect(await shop.see((one) => [one.flash('read'), one.flash('new')])).toEqual([undefined, 'new'])
  })

  it('F11: save() and destroy() during a commit are refused', async () => {
    const store = new GatedStore()
    const sessions = new SessionManager({ store })
    const visitor = await sessions.load(new Request(URL_))
    visitor.data['a'] = 1
    const committing = sessions.commit(visitor, new Response('ok'))
    await store.reached
    expect(() => visitor.destroy()).toThrow(SessionStateError)
    const saving = visitor.save()
    store.letThrough()
    await expect(saving).rejects.toThrow(SessionStateError)
    await committing
    expect(store.length()).toBe(1)
  })

  it('F11: a change to data during a commit is refused as one after it, since no write follows', async () => {
    const store = new GatedStore()
    const sessions = new SessionManager({ store })
    const visitor = await sessions.load(new Request(URL_))
    visitor.data['cart'] = ['mug']
    const committing = sessions.commit(visitor, new Response('ok'))
    await store.reached
    expect(() => (visitor.data['cart'] as string[]).push('lid')).toThrow(SessionStateError)
    expect(() => (visitor.data['late'] = 1)).toThrow('already committed')
    expect(() => visitor.set('late', 1)).toThrow('already committed')
    expect(visitor.data).toEqual({ cart: ['mug'] })
    store.letThrough()
    await committing
    for await (const { data } of store.all()) expect(JSON.parse(data)).toEqual({ cart: ['mug'] })
  })

  it('the session of another manager is refused', async () => {
    const [one, other] = [new SessionManager(), new SessionManager()]
    const visitor = await one.load(new Request(URL_))
    await expect(other.commit(visitor, new Response('ok'))).rejects.toThrow(SessionStateError)
  })

  it('P6: sessions.regenerate(request) waits for a save under way, and ends what it wrote', async () => {
    const store = new GatedStore()
    const sessions = new SessionManager({ store })
    const request = new Request(URL_)
    const visitor = await sessions.load(request)
    visitor.subject = 'u_42'
    const saving = visitor.save()
    await store.reached
    const restarting = sessions.regenerate(request)
    store.letThrough()
    await Promise.all([saving, restarting])
    expect(await sessions.listSessions('u_42')).toEqual([])
  })
})

describe('a lazy session that is first asked for after its response', () => {
  it('F11: can be read, and a change is a SessionStateError', async () => {
    const sessions = new SessionManager()
    const late = Promise.withResolvers<unknown>()
    const asked = Promise.withResolvers<void>()
    const fetch = withSession(
      sessions,
      (_request, load) => {
        void asked.promise.then(async () => {
          const visitor = await load()
          late.resolve(
            (await new Promise((resolve) => resolve(visitor.set('x', 1))).catch((error: unknown) => error)) as unknown,
          )
        })
        return new Response('ok')
      },
      { lazy: true },
    )
    await fetch(new Request(URL_))
    asked.resolve()
    expect(await late.promise).toBeInstanceOf(SessionStateError)
  })

  it('P6: a load that the handler did not wait for is waited for by commit', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession({ a: 1 })
    const fetch = withSession(
      sessions,
      (_request, load) => {
        void load().then((visitor) => visitor.destroy())
        return new Response('ok')
      },
      { lazy: true },
    )
    await fetch(new Request(URL_, { headers: { cookie: `__Host-session=${token}` } }))
    expect(store.length()).toBe(0)
  })
})

describe('under Hono', () => {
  it('P6: a lazy load that the handler did not wait for is waited for by commit', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const app = new Hono<SessionEnv<typeof sessions, { lazy: true }>>().use(session(sessions, { lazy: true }))
    app.get('/', (c) => {
      void c.var.session().then((visitor) => visitor.destroy())
      return c.text('ok')
    })
    const cookie = `__Host-session=${await sessions.createSession({ a: 1 })}`
    await app.request(URL_, { headers: { cookie } })
    expect(store.length()).toBe(0)
  })

  it('P6: destroy() counts though bodyLimit replaced the request and a second session was loaded for it', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const app = new Hono<SessionEnv<typeof sessions>>()
    app.use(session(sessions), bodyLimit({ maxSize: 100 }))
    app.post('/', async (c) => {
      await sessions.load(c.req.raw)
      c.var.session.destroy()
      return c.text('ok')
    })
    const cookie = `__Host-session=${await sessions.createSession({ a: 1 })}`
    const body = new Blob(['a body']).stream()
    const response = await app.request(URL_, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { cookie },
    } as RequestInit)
    expect(store.length()).toBe(0)
    expect(response.headers.get('set-cookie')).toContain('Max-Age=0')
  })

  it('P15: destroy() counts though the handler forgot to return a response', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const app = new Hono<SessionEnv<typeof sessions>>()
      .use(session(sessions))
      .onError((_error, c) => c.text('oops', 500))
    app.get('/', ((c: { var: { session: Session } }) => c.var.session.destroy()) as never)
    const cookie = `__Host-session=${await sessions.createSession({ a: 1 })}`
    expect((await app.request(URL_, { headers: { cookie } })).status).toBe(500)
    expect(store.length()).toBe(0)
  })
})

describe('what is nobody’s, broken or too much', () => {
  it('I01: removeSessionById for a subject that is undefined ends nothing: nobody owns no session', async () => {
    const sessions = new SessionManager()
    const token = await sessions.createSession({}, { subject: 'u_1' })
    const { id = '' } = (await sessions.findSession(token)) ?? {}
    expect(await sessions.removeSessionById(id, { subject: undefined })).toBe(false)
    expect(await sessions.findSession(token)).toBeDefined()
  })

  it('createSession names an option it does not know', async () => {
    const sessions = new SessionManager()
    await expect(sessions.createSession({}, { sub: 'u_1' } as never)).rejects.toThrow(SessionConfigError)
  })

  it.each([
    ['a parser quotes what it could not read', () => JSON.parse('pw=hunter2-4111')],
    [
      'a driver quotes what it could not map',
      () => {
        throw new Error('cannot map "hunter2-4111"')
      },
    ],
  ])('P13 F25: %s, and the cause of the outage does not repeat it', async (_, fail) => {
    class Broken extends MemoryStore {
      override load(): never {
        return fail() as never
      }
    }
    const sessions = new SessionManager({ store: new Broken() })
    const cookie = `__Host-session=${await sessions.createSession({ a: 1 })}`
    const error = await sessions.load(new Request(URL_, { headers: { cookie } })).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    const { cause } = error as { cause: Error }
    expect(`${cause.message} ${cause.stack}`).not.toContain('hunter2')
  })

  it('P12: a row with a corrupt `previous`, info, subject, flash or hard end is a missing session', () => {
    const record = {
      id: 'a',
      verifier: 'v',
      data: '{}',
      version: 1,
      createdAt: 1,
      rotatedAt: 1,
      lastSeenAt: 1,
      expiresAt: 2,
      endsAt: null,
    }
    expect(isRecord(record)).toBe(true)
    const ends = ['never', undefined, Number.NaN].map((endsAt) => ({ endsAt }))
    const parts = [{ previous: {} }, { previous: null }, { info: 'x' }, { info: null }, { subject: 5 }, { flash: {} }]
    for (const wrong of [...ends, ...parts]) {
      expect(isRecord({ ...record, ...wrong }), JSON.stringify(wrong)).toBe(false)
    }
  })

  it('P11: with saveInitial, a read during an outage that is taken for anonymous is no write', async () => {
    class Down extends MemoryStore {
      override load(): never {
        throw new Error('down')
      }
    }
    const sessions = new SessionManager({
      store: new Down(),
      onStoreError: 'anonymous',
      saveInitial: true,
    })
    const cookie = `__Host-session=${await sessions.createSession({ a: 1 })}`
    const fetch = withSession(sessions, () => new Response('ok'))
    const response = await fetch(new Request(URL_, { headers: { cookie } }))
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  })

  it('P16: a response that sets the cookie leaves every kind of shared cache', async () => {
    const sessions = new SessionManager()
    const names = [
      'CDN-Cache-Control',
      'Vercel-CDN-Cache-Control',
      'Netlify-CDN-Cache-Control',
      'Akamai-Cache-Control',
      'Surrogate-Control',
    ]
    const fetch = withSession(sessions, (_request, visitor) => {
      visitor.data['a'] = 1
      return new Response('ok', { headers: names.map((name) => [name, 'max-age=60']) })
    })
    const { headers } = await fetch(new Request(URL_))
    expect(
      [...headers.keys()].filter((name) => name.includes('cache-control') || name.startsWith('surrogate')),
    ).toEqual(['cache-control'])
  })
})
