import { SessionManager, SessionNotFoundError, type Session } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { secondConnection, temporaryFile } from './sqlite-databases.ts'

const START = Date.UTC(2030, 0, 1)
const HOUR = 3_600_000

type Data = { n?: number; cart?: string[] }

/** Two managers on one file, as two processes of one app would have them, and a clock. */
function app() {
  const file = temporaryFile()
  const clock = { now: START }
  const manager = () => {
    const store = new LibsqlStore({ url: `file:${file}` })
    onTestFinished(() => store.close())
    return new SessionManager<Data>({ store, ttl: '1h', now: () => clock.now })
  }
  return { clock, here: manager(), there: manager(), elsewhere: secondConnection(file) }
}

/** A request with this cookie, whose handler is `handle`; the token that its response sets, if it does. */
async function visit(
  sessions: SessionManager<Data>,
  token: string | undefined,
  handle: (session: Session<Data>) => unknown,
): Promise<string | undefined> {
  const headers = new Headers(token ? { cookie: `__Host-session=${token}` } : {})
  const session = await sessions.load(new Request('https://shop.example/', { headers }))
  await handle(session)
  const response = await sessions.commit(session, new Response('ok'))
  return /^__Host-session=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1]
}

const noteSubject = (seen: unknown[]) => (session: Session<Data>) => void seen.push(session.subject, session.isNew)

describe('whole flows on LibsqlStore', () => {
  it('F01 a visitor who writes nothing leaves no row; one who writes has one, under an id that is no token', async () => {
    const { here, elsewhere } = app()
    expect(await visit(here, undefined, (session) => session.data.n)).toBeUndefined()
    const token = await visit(here, undefined, (session) => void (session.data.cart = ['tea']))
    const rows = await elsewhere('select * from sessions')
    expect(rows).toHaveLength(1)
    expect(token?.startsWith(`${String(rows[0]?.['id'])}.`)).toBe(true)
    expect(JSON.stringify(rows)).not.toContain(token?.split('.')[1])
  })

  it('a login rotates the token in the same row; the old one ends, and what was in the cart stays (P7, F03)', async () => {
    const { here, there, elsewhere } = app()
    const before = await visit(here, undefined, (session) => void (session.data.cart = ['tea']))
    const after = await visit(there, before, (session) => void (session.subject = 'u_1'))
    expect(after).toBeDefined()
    expect(after).not.toBe(before)
    expect(await here.retrieveSession(after!)).toEqual({ cart: ['tea'] })
    await expect(here.retrieveSession(before!)).rejects.toThrow(SessionNotFoundError)
    expect(await elsewhere('select subject, version, authenticated_at from sessions')).toMatchObject([
      { subject: 'u_1', version: 2, authenticated_at: START },
    ])
  })

  it('P6, R03 destroy wins over a slow request that writes, in another process', async () => {
    const { here, there, elsewhere } = app()
    const token = await here.createSession({ n: 1 }, { subject: 'u_1' })
    const sent = await visit(here, token, async (session) => {
      session.data.n = 2
      await visit(there, token, (same) => same.destroy())
    })
    expect(sent).toBeUndefined()
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('P6, R04, R06 destroy wins over a slow touch and a slow regenerate', async () => {
    const { here, there, clock, elsewhere } = app()
    for (const slow of ['touch', 'regenerate'] as const) {
      const token = await here.createSession({ n: 1 })
      clock.now += HOUR / 2
      const sent = await visit(here, token, async (session) => {
        session[slow]()
        await there.removeSession(token)
      })
      expect(sent).toBeUndefined()
    }
    expect(await elsewhere('select id from sessions')).toEqual([])
  })

  it('P4, R01 two requests that change different keys both keep their change', async () => {
    const { here, there } = app()
    const token = await here.createSession({ n: 0 })
    await visit(here, token, async (session) => {
      session.data.n = 1
      await visit(there, token, (same) => void (same.data.cart = ['tea']))
    })
    expect(await there.retrieveSession(token)).toEqual({ n: 1, cart: ['tea'] })
  })

  it('P5 increments from two managers at once: none is lost', async () => {
    const { here, there, elsewhere } = app()
    const token = await here.createSession({ n: 0 })
    const increment = (current: Data): Data => ({ ...current, n: (current.n ?? 0) + 1 })
    await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 ? here : there).updateSession(token, increment)))
    expect(await here.retrieveSession(token)).toEqual({ n: 60 })
    expect(await elsewhere('select data, version from sessions')).toMatchObject([{ data: '{"n":60}', version: 61 }])
  })

  it('lists the sessions of a subject, ends all but one, and tells each (I02, S23)', async () => {
    const { here, there, clock, elsewhere } = app()
    const tokens: string[] = []
    for (const device of ['phone', 'laptop', 'tv']) {
      clock.now += 1_000
      tokens.push(
        (await visit(here, undefined, (session) => {
          session.subject = 'u_1'
          session.info = { device }
        }))!,
      )
    }
    await here.createSession({}, { subject: 'u_2' })
    const [phone, laptop] = tokens.map((token) => token.split('.')[0]!)
    const listed = await there.listSessions('u_1', { current: laptop })
    expect(listed.map(({ info, current }) => [info['device'], current])).toEqual([
      ['tv', false],
      ['laptop', true],
      ['phone', false],
    ])
    expect(await there.removeSessionById(phone!, { subject: 'u_2' })).toBe(false)
    expect(await there.removeSessionsOf('u_1', { except: laptop })).toBe(2)
    const seen: unknown[] = []
    for (const token of tokens) await visit(here, token, noteSubject(seen))
    expect(seen).toEqual([undefined, true, 'u_1', false, undefined, true])
    expect(await elsewhere('select subject from sessions order by subject')).toMatchObject([
      { subject: 'u_1' },
      { subject: 'u_2' },
    ])
  })

  it('P9, S20 expired sessions are refused, counted and swept in batches, and the others stay', async () => {
    const { here, there, clock, elsewhere } = app()
    for (let n = 0; n < 25; n++) await here.createSession({ n })
    const kept = await here.createSession({ n: 99 }, { ttl: '2h' })
    clock.now += HOUR - 1
    expect(await here.countExpiredSessions()).toBe(0)
    clock.now += 1
    expect(await here.countExpiredSessions()).toBe(25)
    const progress: number[] = []
    const removed = await there.removeExpiredSessions({
      batch: 10,
      onProgress: (now) => void progress.push(now.removed),
    })
    expect([removed, progress]).toEqual([25, [10, 20, 25]])
    expect(await here.retrieveSession(kept)).toEqual({ n: 99 })
    expect(await elsewhere('select count(*) as n from sessions')).toMatchObject([{ n: 1 }])
  })

  it('P1, P10 a session in use is touched at most once per touchEvery, and only its expiry moves', async () => {
    const { here, clock, elsewhere } = app()
    const token = await here.createSession({ n: 1 })
    const row = async () => (await elsewhere('select expires_at, last_seen_at, version from sessions'))[0]
    clock.now += HOUR / 20
    await visit(here, token, (session) => session.data.n)
    expect(await row()).toMatchObject({ expires_at: START + HOUR, last_seen_at: START, version: 1 })
    clock.now += HOUR / 20
    await visit(here, token, (session) => session.data.n)
    expect(await row()).toMatchObject({ expires_at: clock.now + HOUR, last_seen_at: clock.now, version: 1 })
  })
})
