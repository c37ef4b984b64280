/** What the core makes of a store that fails: which session it was, and nothing that was in it. */
import {
  SessionManager,
  SessionNotFoundError,
  StoreUnavailableError,
  type SessionEvent,
  type SessionRecord,
  type Store,
} from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'

type Method = 'get' | 'create' | 'update' | 'destroy' | 'findBySubject' | 'removeBySubject'

function shop() {
  const store = new MemoryStore()
  const failed: SessionEvent[] = []
  const sessions = new SessionManager({ store, on: { storeError: (event) => void failed.push(event) } })
  const fail = (method: Method, error: (first: unknown) => Error): void => {
    ;(store as Store)[method] = (first: unknown) => {
      throw error(first)
    }
  }
  return { sessions, fail, failed }
}

async function outage(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  return (error as StoreUnavailableError).cause as Error
}

const idOf = (token: string): string => String(token.split('.')[0])

describe('the cause of an outage', () => {
  it.each([
    ['data', ({ data }: SessionRecord) => (JSON.parse(data) as { card: string }).card],
    ['flash', ({ flash }: SessionRecord) => (JSON.parse(String(flash)) as { notice: string }).notice],
    ['info', ({ info }: SessionRecord) => info?.['city']],
    ['subject', ({ subject }: SessionRecord) => subject],
    ['verifier', ({ verifier }: SessionRecord) => verifier],
  ])('P13: holds nothing of the %s that was to be stored, quoted or not', async (_what, part) => {
    const { sessions, fail } = shop()
    fail('create', (record) => new Error(`bad value ${part(record as SessionRecord)} in row 1`))
    const session = await sessions.load(new Request('https://shop.example/'))
    session.data = { card: 'CANARYcard' }
    session.flash('notice', 'CANARYnotice')
    session.info = { city: 'CANARYcity' }
    session.subject = 'CANARYsubject'
    const cause = await outage(session.save())
    expect(cause.message).toContain('withheld')
    expect(`${cause.message} ${cause.stack}`).not.toMatch(/CANARY|bad value/)
  })

  it('keeps a message with quotation marks where what it could quote is known', async () => {
    const { sessions, fail } = shop()
    fail('create', () => new Error('no such column: "flash"'))
    expect((await outage(sessions.createSession({ card: 'CANARY' }))).message).toBe('no such column: "flash"')
  })

  it.each([
    ['listSessions', 'findBySubject', (sessions: SessionManager) => sessions.listSessions('u_CANARY')],
    ['removeSessionsOf', 'removeBySubject', (sessions: SessionManager) => sessions.removeSessionsOf('u_CANARY')],
  ] as const)('P13: %s keeps the subject that was asked for out of it', async (_name, method, call) => {
    const { sessions, fail } = shop()
    fail(method, (subject) => new Error(`no index for ${String(subject)}`))
    const cause = await outage(call(sessions))
    expect(`${cause.message} ${cause.stack}`).not.toContain('CANARY')
  })
})

describe('the event of an outage', () => {
  it('tells the session that was to be ended', async () => {
    const { sessions, fail, failed } = shop()
    const token = await sessions.createSession({}, { subject: 'u_42' })
    const down = (): Error => new Error('down')
    fail('destroy', down)
    await outage(sessions.removeSession(token))
    await outage(sessions.removeSessionById(idOf(token)))
    fail('get', down)
    await outage(sessions.removeSessionById(idOf(token)))
    expect(failed).toEqual([
      { id: idOf(token), reason: 'destroy' },
      { id: idOf(token), reason: 'destroy' },
      { id: idOf(token), reason: 'get' },
    ])
  })
})

it('a write that throws SessionNotFoundError says so to who asked for it; only a read says "missing" by that', async () => {
  const { sessions, fail, failed } = shop()
  let tries = 0
  fail('create', () => {
    tries++
    return new SessionNotFoundError()
  })
  await expect(sessions.createSession()).rejects.toThrow(SessionNotFoundError)
  expect([tries, failed]).toEqual([1, []])
})
