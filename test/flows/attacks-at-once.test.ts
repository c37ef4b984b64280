/** What could go wrong where answers are there at once, and where they are not: promises nobody keeps, turns that cross. */
import { Hono } from 'hono'
import {
  SessionDataError,
  SessionManager,
  type MaybePromise,
  type Session,
  type SessionRecord,
  type UpdateResult,
} from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import { faulty } from 'latchkey/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const URL_ = 'https://shop.example/'
const HOUR = 3_600_000

function from(cookie: string): Request {
  return new Request(URL_, { headers: { cookie } })
}

/** Rejections that nobody handled, while `work` ran and a little longer. */
async function unhandled(work: () => Promise<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => found.push(error))
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection')
    for (const other of others) process.on('unhandledRejection', other)
  })
  await work()
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  return found
}

describe('P11: a load that nobody waited for, during an outage, brings no process down', () => {
  async function outage() {
    const store = faulty(new MemoryStore())
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession({ n: 1 })
    store.fail('get')
    return { sessions, request: () => from(`__Host-session=${token}`) }
  }

  it('withSession, lazy', async () => {
    const { sessions, request } = await outage()
    const fetch = withSession(sessions, (_request, load) => (void load(), new Response('ok')), { lazy: true })
    expect(await unhandled(async () => expect((await fetch(request())).status).toBe(200))).toEqual([])
  })

  it('Hono, lazy', async () => {
    const { sessions, request } = await outage()
    const app = new Hono<SessionEnv<typeof sessions, { lazy: true }>>()
    app.use(session(sessions, { lazy: true }))
    app.get('/', (c) => (void c.var.session(), c.text('ok')))
    expect(await unhandled(async () => expect((await app.fetch(request())).status).toBe(200))).toEqual([])
  })

  it('sessions.load', async () => {
    const { sessions, request } = await outage()
    expect(await unhandled(async () => void sessions.load(request()))).toEqual([])
  })
})

it('P1: a read whose token is rotated keeps what the store has, though data was reset twice on its way', async () => {
  /** Waits before it builds a session, so that another request is identified in between. */
  class SlowToBuild extends MemoryStore {
    override async createSession(...args: Parameters<MemoryStore['createSession']>): Promise<Session> {
      await new Promise((resolve) => setImmediate(resolve))
      return super.createSession(...args)
    }
  }
  const store = new SlowToBuild()
  const clock = { now: Date.UTC(2030, 0, 1) }
  const now = (): number => clock.now
  const before = new SessionManager({ store, now })
  const tokens = [1, 2].map((n) => before.createSession({ n: `text ${n}` }, { subject: 'u_1' }))
  const strict = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof (value as { n?: unknown }).n === 'string'
          ? { issues: [{ message: 'no number' }] }
          : { value: value as object },
    },
  }
  const sessions = new SessionManager({ store, now, schema: strict, onInvalid: 'reset', rotateEvery: '1h' })
  clock.now += HOUR
  const visit = withSession(sessions, () => new Response('ok'))
  const responses = await Promise.all(
    (await Promise.all(tokens)).map((token) => visit(from(`__Host-session=${token}`))),
  )
  expect(responses.map((response) => response.headers.getSetCookie().length)).toEqual([1, 1])
  const kept: string[] = []
  for await (const { data } of store.all()) kept.push(data)
  expect(kept.toSorted()).toEqual(['{"n":"text 1"}', '{"n":"text 2"}'])
})

it('P15: what save() wrote is sent with the error, though the data cannot be stored any more', async () => {
  const sessions = new SessionManager()
  const app = new Hono<SessionEnv<typeof sessions>>()
  app.use(session(sessions))
  app.onError((error, c) => c.text(error.name, 500))
  app.get('/', async (c) => {
    c.var.session.data['n'] = 1
    await c.var.session.save()
    c.var.session.data['f'] = () => {}
    return c.text('ok')
  })
  const response = await app.fetch(new Request(URL_))
  expect([response.status, await response.text()]).toEqual([500, SessionDataError.name])
  expect(response.headers.getSetCookie()).toHaveLength(1)
})

it('P3 P5: what is changed while a write waits for its turn after a conflict goes along with it', async () => {
  const meeting = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  class Meeting extends MemoryStore {
    #first = true
    override update(...args: Parameters<MemoryStore['update']>): UpdateResult {
      if (!this.#first) return super.update(...args)
      this.#first = false
      meeting.resolve()
      return goOn.promise.then(() => super.update(...args)) as never
    }
  }
  const sessions = new SessionManager<{ mine: string[]; theirs?: number }>({
    store: new Meeting(),
    initial: () => ({ mine: [] }),
  })
  const token = await sessions.createSession()
  const one = await sessions.load(from(`__Host-session=${token}`))
  one.data.mine.push('first')
  const saving = one.save()
  await meeting.promise
  await sessions.updateSession(token, (data) => void (data.theirs = 1))
  one.data.mine.push('second')
  goOn.resolve()
  await saving
  await sessions.commit(one, new Response())
  expect(await sessions.retrieveSession(token)).toEqual({ mine: ['first', 'second'], theirs: 1 })
})

it('P19: MemoryStore shares nothing that a record brings along, however deep', () => {
  const store = new MemoryStore()
  const record = { id: 'id', verifier: 'v', data: '{}', version: 1, more: { list: [1] } } as unknown as SessionRecord
  store.set('id', record)
  const read = (): { more: { list: number[] } } => store.get('id') as never
  ;(record as unknown as { more: { list: number[] } }).more.list.push(2)
  read().more.list.push(3)
  expect(read().more.list).toEqual([1])
})

it('a transport that is named twice is named once in Vary', async () => {
  const sessions = new SessionManager({ transport: ['cookie', 'cookie'] })
  const visit = withSession(sessions, (_request, visitor) => new Response(String(visitor.id)))
  expect((await visit(new Request(URL_))).headers.get('vary')).toBe('Cookie')
})

describe('an app that puts a method of its own in the place of', () => {
  const adapters = {
    withSession: (sessions: SessionManager) =>
      withSession(sessions, (_request, visitor) => new Response(visitor.subject)),
    'the middleware of Hono': (sessions: SessionManager) => {
      const app = new Hono<SessionEnv<SessionManager>>()
      app.use(session(sessions))
      app.get('/', (c) => c.text(String(c.var.session.subject)))
      return (request: Request): MaybePromise<Response> => app.fetch(request)
    },
  }
  it.each(Object.entries(adapters))('load and commit has it called by %s', async (_name, serve) => {
    const sessions = new SessionManager()
    const load = vi.spyOn(sessions, 'load')
    const commit = vi.spyOn(sessions, 'commit')
    await serve(sessions)(new Request(URL_))
    expect([load.mock.calls.length > 0, commit.mock.calls.length]).toEqual([true, 1])
  })

  it('load, in a class that extends the manager, has it called too', async () => {
    const asked: string[] = []
    class Noting extends SessionManager {
      override load(...args: Parameters<SessionManager['load']>): ReturnType<SessionManager['load']> {
        asked.push(args[0].url)
        return super.load(...args)
      }
    }
    await withSession(new Noting(), () => new Response('ok'))(new Request(URL_))
    expect(new Set(asked)).toEqual(new Set([URL_]))
  })
})
