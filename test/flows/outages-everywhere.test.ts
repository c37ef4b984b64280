/**
 * Every path that reaches the store, through every adapter, with every store call of it made to fail, to lose its answer, or
 * to hang: 503 and nothing else, and afterwards the old state or the new one (R13, R14, P11, F16).
 */
import { Hono } from 'hono'
import { SessionManager, type Session, type SessionRecord } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { requireSubject, session as honoSession } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { faulty, type FaultyStore } from 'latchkey/testing'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'

type Data = { n?: number }
type Manager = SessionManager<Data>
type Work = (session: Session<Data>, sessions: Manager, request: Request) => unknown
type Serve = (request: Request) => Promise<Response>
type Method = Parameters<FaultyStore['fail']>[0]

const HOUR = 3_600_000

/** What a handler does beside the session: none of it may remain. */
const leaky = (): Response =>
  new Response('paid: 4111', {
    status: 303,
    headers: { Location: '/done', 'Set-Cookie': 'other=1; Path=/', 'X-Total': '42', ETag: '"a"' },
  })

const ADAPTERS: { name: string; serve: (sessions: Manager, work: Work) => Serve }[] = [
  {
    name: 'latchkey/fetch',
    serve: (sessions, work) =>
      withSession(sessions, async (request, session) => {
        await work(session, sessions, request)
        return leaky()
      }),
  },
  {
    name: 'latchkey/fetch, lazy',
    serve: (sessions, work) =>
      withSession(
        sessions,
        async (request, session) => {
          await work(await session(), sessions, request)
          return leaky()
        },
        { lazy: true },
      ),
  },
  {
    name: 'latchkey/hono',
    serve(sessions, work) {
      const app = new Hono().use(honoSession(sessions)).all('*', async (c) => {
        await work(c.get('session' as never), sessions, c.req.raw)
        return leaky()
      })
      return async (request) => app.fetch(request)
    },
  },
  {
    name: 'latchkey/hono, lazy',
    serve(sessions, work) {
      const app = new Hono().use(honoSession(sessions, { lazy: true })).all('*', async (c) => {
        await work(await (c.get('session' as never) as () => Promise<Session<Data>>)(), sessions, c.req.raw)
        return leaky()
      })
      return async (request) => app.fetch(request)
    },
  },
]

interface Path {
  name: string
  work: Work
  /** Only reads of the session: what `onStoreError: 'anonymous'` lets through. */
  reads?: true
}

const PATHS: Path[] = [
  { name: 'a read that is due for a touch', work: (session) => session.data.n, reads: true },
  { name: 'verifyCsrf()', work: (session) => session.verifyCsrf('x'), reads: true },
  { name: 'a write', work: (session) => void (session.data.n = 2) },
  { name: 'save()', work: (session) => ((session.data.n = 2), session.save()) },
  { name: 'reload()', work: (session) => session.reload() },
  { name: 'csrfToken()', work: (session) => session.csrfToken() },
  { name: 'regenerate()', work: (session) => session.regenerate() },
  { name: 'a change of subject', work: (session) => void (session.subject = 'u_2') },
  { name: 'destroy()', work: (session) => session.destroy() },
  { name: 'sessions.regenerate(request)', work: (_, sessions, request) => sessions.regenerate(request) },
  { name: 'listSessions()', work: (session, sessions) => sessions.listSessions(String(session.subject)), reads: true },
  { name: 'removeSessionsOf()', work: (session, sessions) => sessions.removeSessionsOf(String(session.subject)) },
  { name: 'removeSessionById()', work: (session, sessions) => sessions.removeSessionById(String(session.id)) },
  { name: 'a sweep', work: (session, sessions) => (session.id, sessions.removeExpiredSessions()), reads: true },
  { name: 'a count', work: (session, sessions) => (session.id, sessions.countExpiredSessions()), reads: true },
]

const RESET = Object.assign(new Error('read ECONNRESET: param canary'), { code: 'ECONNRESET' })
const FAULTS: Record<string, (store: FaultyStore, method: Method) => void> = {
  fails: (store, method) => void store.fail(method, { error: RESET }),
  'loses its answer': (store, method) => void store.fail(method, { error: RESET, after: true }),
  hangs: (store, method) => void store.stall(method),
}

/** A signed-in visitor, half a day ago. */
async function world(serve: (typeof ADAPTERS)[number]['serve'], work: Work, onStoreError?: 'anonymous') {
  const memory = new MemoryStore()
  const store = faulty(memory)
  const clock = { now: Date.UTC(2030, 0, 1) }
  const sessions = new SessionManager<Data>({
    store,
    now: () => clock.now,
    // What hangs here hangs for ever, and all else answers within the turn of the event loop.
    storeTimeout: 5,
    ...(onStoreError && { onStoreError }),
  })
  const handler = { current: (session: Session<Data>): unknown => ((session.subject = 'u_1'), (session.data.n = 1)) }
  const fetch = serve(sessions, (session, ...rest) => (handler.current as Work)(session, ...rest))
  const browser = new Browser(fetch, { now: () => clock.now })
  await browser.fetch()
  clock.now += 12 * HOUR
  handler.current = work as typeof handler.current
  const rows = async (): Promise<SessionRecord[]> => {
    const all: SessionRecord[] = []
    for await (const record of memory.all()) all.push(record)
    return all
  }
  return { store, browser, rows, sessions }
}

/** Rows without what is drawn at random, nor what a touch moves: the 503 is an activity too. */
const shape = (rows: SessionRecord[], old: SessionRecord): unknown[] =>
  rows.map(({ id, verifier, previous, lastSeenAt: _, expiresAt: __, ...rest }) => ({
    ...rest,
    id: id === old.id,
    verifier: verifier === old.verifier,
    previous: previous?.verifier === old.verifier,
  }))

/** The methods that a path calls when nothing fails, and what it leaves. */
async function whole(serve: (typeof ADAPTERS)[number]['serve'], { work }: Path) {
  const { store, browser, rows } = await world(serve, work)
  const [old] = (await rows()) as [SessionRecord]
  const before = { ...store.calls }
  const { status } = await browser.fetch()
  expect(status).toBe(303)
  const called = (Object.keys(store.calls) as Method[]).filter((name) => store.calls[name] > before[name])
  expect(called.length).toBeGreaterThan(0)
  return { called, done: shape(await rows(), old) }
}

describe.each(ADAPTERS)('outages everywhere, through $name', ({ serve }) => {
  describe.each(PATHS)('$name', (path) => {
    it.each(Object.entries(FAULTS))(
      'R13 R14 P11 F16: each store call that %s is a bare 503 and leaves the old state or the new',
      async (_, arm) => {
        const { called, done } = await whole(serve, path)
        for (const method of called) {
          const { store, browser, rows } = await world(serve, path.work)
          const [old] = (await rows()) as [SessionRecord]
          const cookies = browser.cookies.map(({ name, value }) => [name, value])
          arm(store, method)
          const response = await browser.fetch()
          expect([response.status, response.headers.get('retry-after')], method).toEqual([503, '5'])
          for (const name of ['set-cookie', 'location', 'x-total', 'etag'])
            expect(response.headers.get(name), `${name}, ${method}`).toBeNull()
          expect(response.headers.get('cache-control')).toContain('no-store')
          expect(await response.text()).toBe('Service Unavailable')
          expect(browser.cookies.map(({ name, value }) => [name, value])).toEqual(cookies)
          expect([shape([old], old), done], method).toContainEqual(shape(await rows(), old))
        }
      },
    )

    it.each(Object.entries(FAULTS))(
      'P11: with `onStoreError: anonymous`, a load that %s is anonymous for reads alone, and no other call ever is',
      async (_, arm) => {
        const { called } = await whole(serve, path)
        for (const method of called) {
          let subject: string | undefined
          const work: Work = (session, ...rest) => {
            subject = session.subject
            return path.work(session, ...rest)
          }
          const { store, browser } = await world(serve, work, 'anonymous')
          const cookies = browser.cookies.map(({ value }) => value)
          arm(store, method)
          const response = await browser.fetch()
          const atLoad = method === 'load' || method === 'get'
          // Calls that are no session's own: an anonymous visitor ends nobody's, which takes no store call, or one of its own.
          const isFree =
            path.name === 'removeSessionsOf()' || (path.name === 'removeSessionById()' && method === 'load')
          const passes = atLoad && (path.reads || isFree)
          expect(response.status, method).toBe(passes ? 303 : 503)
          expect(subject).toBe(atLoad ? undefined : 'u_1')
          expect(response.headers.get('cache-control')).toContain(atLoad ? 'no-store' : '')
          expect(response.headers.getSetCookie().filter((header) => header.includes('session='))).toEqual([])
          expect(browser.cookies.filter(({ name }) => name !== 'other').map(({ value }) => value)).toEqual(
            cookies.filter((value) => value !== '1'),
          )
        }
      },
    )
  })
})

describe.each(ADAPTERS)('a store that goes down while the handler works, through $name', ({ serve }) => {
  it.each(PATHS.map(({ name, work }) => [name, work] as const))(
    'R13 R14 P11: is a bare 503 for %s, or changes nothing',
    async (_, work) => {
      let down = (): void => {}
      const { store, browser, rows } = await world(serve, (...args) => (down(), work(...args)))
      down = () => {
        for (const method of Object.keys(store.calls) as Method[]) store.stall(method)
      }
      const old = await rows()
      const response = await browser.fetch()
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
      for (const name of ['set-cookie', 'location', 'x-total']) expect(response.headers.get(name)).toBeNull()
      expect(await response.text()).toBe('Service Unavailable')
      expect(await rows()).toEqual(old)
    },
  )
})

describe('outages in Hono', () => {
  it.each(Object.keys(FAULTS))(
    'P11: app.onError answers a load and a commit that %s as it likes, with its own Retry-After',
    async (fault) => {
      for (const method of ['load', 'update'] as const) {
        const { store, browser, sessions } = await world(ADAPTERS[2]!.serve, () => {})
        const app = new Hono().use(honoSession(sessions)).get('/', (c) => {
          ;(c.get('session' as never) as Session<Data>).data.n = 2
          return leaky()
        })
        app.onError((error, c) => {
          expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
          return c.html('<h1>Back in a minute</h1>', 503, { 'Retry-After': '60' })
        })
        FAULTS[fault]?.(store, method)
        const response = await app.fetch(browser.request())
        expect([response.status, await response.text()]).toEqual([503, '<h1>Back in a minute</h1>'])
        expect(response.headers.get('retry-after')).toBe('60')
        for (const name of ['location', 'set-cookie', 'x-total']) expect(response.headers.get(name)).toBeNull()
      }
    },
  )

  it.each(Object.keys(FAULTS))(
    'P11: with `onStoreError: anonymous`, requireSubject() answers a load that %s by 503, not 401',
    async (fault) => {
      const { store, browser, sessions } = await world(ADAPTERS[2]!.serve, () => {}, 'anonymous')
      const app = new Hono().use(honoSession(sessions), requireSubject()).get('/', (c) => c.text('in'))
      FAULTS[fault]?.(store, 'load')
      const response = await app.fetch(browser.request())
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    },
  )
})
