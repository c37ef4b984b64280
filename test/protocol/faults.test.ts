/** Store calls that fail or hang, with and without having taken effect: what is left is the old state or the new one (R13, R14, R22). */
import { StoreUnavailableError, type SessionRecord } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { managerOver, HOUR, Site, type Data, type Underway } from './site.ts'

type Work = (session: Underway['session']) => unknown

interface Flow {
  name: string
  /** Whether the request comes with the token of a session, that of `u_1`. */
  known: boolean
  work: Work
  /** What another request does to the session while this one works. */
  meanwhile?: Work
}

const FLOWS: Flow[] = [
  { name: 'a first write', known: false, work: (session) => (session.data['a'] = 1) },
  { name: 'a sign-in of a newcomer', known: false, work: (session) => (session.subject = 'u_2') },
  { name: 'a read that is due for a touch', known: true, work: (session) => session.data['a'] },
  { name: 'a write', known: true, work: (session) => (session.data['a'] = 1) },
  { name: 'a regenerate', known: true, work: (session) => session.regenerate() },
  { name: 'a change of subject', known: true, work: (session) => (session.subject = 'u_2') },
  { name: 'a sign-out that keeps a message', known: true, work: signOut },
  { name: 'a logout', known: true, work: (session) => session.destroy() },
  {
    name: 'a write beside another',
    known: true,
    work: (session) => (session.data['a'] = 1),
    meanwhile: (session) => (session.data['b'] = 2),
  },
  {
    name: 'a sign-in beside a regenerate',
    known: true,
    work: (session) => (session.subject = 'u_2'),
    meanwhile: (session) => session.regenerate(),
  },
]

function signOut(session: Underway['session']): void {
  session.regenerate({ keepData: false })
  session.flash('notice', 'See you')
}

const MODES = ['failing', 'failingAfter', 'hanging', 'hangingAfter'] as const
type Mode = (typeof MODES)[number]

/** One run of a flow, in which the store call number `failAt` fails; what was there before, what is there after. */
async function run(flow: Flow, failAt: number, mode: Mode) {
  const store = new WatchedStore()
  // What hangs here hangs for ever, and all else answers within the turn of the event loop.
  const site = new Site([store, store], { storeTimeout: 5 })
  const known = flow.known ? await site.begin({ old: 1 }, 'u_1') : undefined
  site.clock.now += 12 * HOUR
  let under: Underway | undefined
  let calls = 0
  const arm = (): void => {
    store.before = (method) => {
      store[mode] = new Set(++calls === failAt ? [method] : [])
    }
  }
  const disarm = (): void => {
    store.before = () => undefined
    store[mode] = new Set()
  }
  let before = await store.rows()
  let answer: string | undefined
  let error: unknown
  arm()
  try {
    under = await site.request(known?.token)
    if (flow.meanwhile) {
      disarm()
      await site.visit(known?.token, flow.meanwhile)
      before = await store.rows()
      arm()
    }
    await flow.work(under.session)
    answer = await under.finish()
  } catch (thrown) {
    error = thrown
  }
  disarm()
  return { site, known, before, after: await store.rows(), answer, error, calls }
}

/** Rows without what is drawn at random. */
function shape(rows: SessionRecord[], before: SessionRecord[]): unknown[] {
  const old = new Map(before.map((record) => [record.id, record]))
  return rows.map(({ id, verifier, previous, ...rest }) => ({
    ...rest,
    id: old.has(id) ? 'the same' : 'new',
    verifier: old.get(id)?.verifier === verifier ? 'the same' : 'new',
    previous: previous && (old.get(id)?.verifier === previous.verifier ? 'the one before' : 'older'),
  }))
}

describe.each(FLOWS)('R13 R14: every store call of $name failing or hanging in turn', (flow) => {
  test.each(MODES)('(%s) leaves the old state or the new one, never a mix', async (mode) => {
    const whole = await run(flow, 0, mode)
    expect(whole.error).toBeUndefined()
    expect(whole.calls).toBeGreaterThan(0)
    const done = shape(whole.after, whole.before)
    for (let failAt = 1; failAt <= whole.calls; failAt++) {
      const { site, known, before, after, answer, error } = await run(flow, failAt, mode)
      expect(error, `call ${failAt}`).toBeInstanceOf(StoreUnavailableError)
      expect(answer).toBeUndefined()
      const now = shape(after, before)
      const old = shape(before, before)
      expect(mode.endsWith('After') ? [old, done] : [old]).toContainEqual(now)
      // The old token opens the row as it is, or nothing any more.
      const opened = known && (await site.two.findSession(known.token))
      const row = after.find(({ id }) => id === known?.id)
      expect([undefined, row?.data]).toContain(opened && JSON.stringify(opened.data))
    }
  })
})

describe('R22 P14: a write that took effect and then hung', () => {
  test('is not made again by updateSession(token, fn)', async () => {
    const store = new WatchedStore()
    const sessions = managerOver(store, { storeTimeout: 5 })
    const token = await sessions.createSession({ n: 1 })
    store.hangingAfter.add('update')
    store.take()
    const change = (data: Data): void => void (data.n = (data.n ?? 0) + 1)
    await expect(sessions.updateSession(token, change)).rejects.toThrow(StoreUnavailableError)
    expect(store.take()).toEqual(['get', 'update'])
    store.hangingAfter.clear()
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
  })

  test('is not made again by committing after a save() that failed so', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store], { storeTimeout: 5 })
    const { token } = await site.begin({ n: 1 })
    const { session, finish } = await site.request(token)
    session.update((data) => void (data.n = (data.n ?? 0) + 1))
    store.hangingAfter.add('update')
    await expect(session.save()).rejects.toThrow(StoreUnavailableError)
    store.hangingAfter.clear()
    await finish()
    expect(await site.data(token)).toEqual({ n: 2 })
  })
})

describe('R22 P14: a write that took effect and then failed', () => {
  test('is not made again by updateSession(token, fn)', async () => {
    const store = new WatchedStore()
    const sessions = managerOver(store)
    const token = await sessions.createSession({ n: 1 })
    store.failingAfter.add('update')
    let runs = 0
    const change = (data: Data): void => {
      runs++
      data.n = (data.n ?? 0) + 1
    }
    store.take()
    await expect(sessions.updateSession(token, change)).rejects.toThrow(StoreUnavailableError)
    expect(store.take()).toEqual(['get', 'update'])
    expect(runs).toBe(1)
    store.failingAfter.clear()
    expect(await sessions.retrieveSession(token)).toEqual({ n: 2 })
  })

  test('is not made again by committing the error’s response', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token } = await site.begin({ n: 1 })
    const { session, finish } = await site.request(token)
    session.update((data) => void (data.n = (data.n ?? 0) + 1))
    store.failingAfter.add('update')
    await expect(finish()).rejects.toThrow(StoreUnavailableError)
    store.failingAfter.clear()
    store.take()
    expect(await finish(503)).toBeUndefined()
    expect(store.take()).toEqual([])
    expect(await site.data(token)).toEqual({ n: 2 })
  })

  test('is not made again by committing after a save() that failed so', async () => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token } = await site.begin({ n: 1 })
    const { session, finish } = await site.request(token)
    session.update((data) => void (data.n = (data.n ?? 0) + 1))
    store.failingAfter.add('update')
    await expect(session.save()).rejects.toThrow(StoreUnavailableError)
    store.failingAfter.clear()
    await finish()
    expect(await site.data(token)).toEqual({ n: 2 })
  })

  test.each(['create', 'touch', 'destroy'] as const)('is not made again when it is a %s', async (method) => {
    const store = new WatchedStore()
    const site = new Site([store, store])
    const { token } = await site.begin({ n: 1 })
    site.clock.now += 12 * HOUR
    const { session, finish } = await site.request(method === 'create' ? undefined : token)
    if (method === 'create') session.data.n = 1
    if (method === 'destroy') session.destroy()
    store.failingAfter.add(method)
    store.take()
    await expect(finish()).rejects.toThrow(StoreUnavailableError)
    expect(store.take()).toEqual([method])
  })
})
