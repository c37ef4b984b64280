/**
 * C11 and C13: 20,000 garbage cookies, made at random and by mutating real tokens, reach nothing; and what is secret is
 * found in nothing the library prints. To repeat a run: `FUZZ_SEED=<number>`.
 */
import { format, inspect } from 'node:util'
import * as fc from 'fast-check'
import {
  SessionManager,
  StoreUnavailableError,
  type Session,
  type SessionEvent,
  type SessionHooks,
  type SessionRecord,
  type StoreModel,
} from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EVENT_NAMES } from '../../src/core/events.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = 20_000
const SECRET = 'a secret of more than 32 bytes for tests'
const NAME = '__Host-session'
const URL = 'https://example.com/'

afterEach(() => vi.restoreAllMocks())

/** A store that must not be asked: it counts every call of any kind. */
function untouchable(): { store: StoreModel; calls: () => number } {
  let count = 0
  const refuse = (): never => {
    count++
    throw new Error('the store was asked')
  }
  const store = { get: refuse, set: refuse, destroy: refuse, create: refuse, update: refuse, touch: refuse }
  return { store, calls: () => count }
}

/** Characters a Cookie header can carry through `Headers`: Latin-1 without NUL, CR and LF. */
const headerChar = fc
  .integer({ min: 1, max: 255 })
  .map((code) => String.fromCharCode(code))
  .filter((char) => char !== '\r' && char !== '\n')
const headerText = fc.string({ unit: headerChar, maxLength: 300 })
const likely = fc.string({
  unit: fc.constantFrom(...'ABCxyz019-_.', '.', ';', '=', ' ', '\t', '"', '%', ',', '\u00a0', '~', '{', '}'),
  maxLength: 200,
})

/** What is done to a real token. */
const mutation = fc.oneof(
  fc.record({
    kind: fc.constant('replace' as const),
    at: fc.nat(200),
    text: fc.string({ unit: headerChar, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(200),
    text: fc.string({ unit: headerChar, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(200), text: fc.constant('') }),
  fc.record({ kind: fc.constant('swap' as const), at: fc.nat(200), text: fc.constant('') }),
  fc.record({ kind: fc.constant('case' as const), at: fc.nat(200), text: fc.constant('') }),
  fc.record({ kind: fc.constant('double' as const), at: fc.nat(200), text: fc.constant('') }),
)

function mutate(token: string, { kind, at, text }: { kind: string; at: number; text: string }): string {
  const index = at % token.length
  const [before, char, after] = [token.slice(0, index), token[index] ?? '', token.slice(index + 1)]
  switch (kind) {
    case 'replace':
      return before + text + after
    case 'insert':
      return before + text + char + after
    case 'cut':
      return before
    case 'swap':
      return before + after.slice(0, 1) + char + after.slice(1)
    case 'case':
      return before + (/[a-zA-Z]/.test(char) ? String.fromCharCode(char.charCodeAt(0) ^ 32) : '~') + after
    default:
      return token + before
  }
}

/** What the server makes of a header by the letter of RFC 6265bis: the value of our first cookie. */
function ours(header: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at >= 0 && pair.slice(0, at).replaceAll(/^[ \t]+/g, '') === NAME)
      return pair.slice(at + 1).replace(/^[ \t]+/, '')
  }
  return undefined
}

describe(`C11: ${RUNS} garbage cookies (FUZZ_SEED=${SEED})`, () => {
  it(
    'with a secret: none throws, none is accepted, none reaches the store, and none is answered with a cookie',
    { timeout: 120_000 },
    async () => {
      const tokens: string[] = []
      const minter = new SessionManager({ secret: SECRET })
      for (let index = 0; index < 20; index++) tokens.push(await minter.createSession({ n: index }))

      const { store, calls } = untouchable()
      const rejected = new Map<string, number>()
      const sessions = new SessionManager({
        store,
        secret: SECRET,
        on: {
          loaded: () => rejected.set('LOADED', 1),
          rejected: ({ reason = '' }) => rejected.set(reason, (rejected.get(reason) ?? 0) + 1),
        },
      })
      const mutated = fc
        .tuple(fc.constantFrom(...tokens), fc.array(mutation, { minLength: 1, maxLength: 3 }))
        .map(([token, steps]) => steps.reduce(mutate, token))
      const mixed = fc
        .tuple(...[0, 1, 2].map(() => fc.constantFrom(...tokens)))
        .map((list) => list.map((token, part) => token.split('.')[part]).join('.'))
      const cookie = fc.oneof(
        { weight: 4, arbitrary: mutated.map((value) => `${NAME}=${value}`) },
        { weight: 1, arbitrary: mixed.map((value) => `${NAME}=${value}`) },
        { weight: 2, arbitrary: likely.map((value) => `${NAME}=${value}`) },
        { weight: 1, arbitrary: headerText.map((value) => `${NAME}=${value}`) },
        { weight: 1, arbitrary: headerText },
        { weight: 1, arbitrary: fc.tuple(headerText, mutated).map(([before, value]) => `${before}; ${NAME}=${value}`) },
      )
      let tried = 0
      await fc.assert(
        fc.asyncProperty(cookie, async (header) => {
          const value = ours(header)?.replace(/[ \t]+$/, '')
          if (value !== undefined && tokens.includes(value)) return
          tried++
          const session = await sessions.load(new Request(URL, { headers: { cookie: header } }))
          expect(session.isNew).toBe(true)
          expect(session.data).toEqual({})
          const response = await sessions.commit(session, new Response())
          expect(response.headers.getSetCookie()).toEqual([])
        }),
        { numRuns: RUNS, seed: SEED },
      )
      expect(tried).toBeGreaterThan(RUNS * 0.9)
      expect(calls()).toBe(0)
      expect([...rejected.keys()].toSorted()).toEqual(['malformed', 'signature'])
      console.info(`C11: seed ${SEED}, ${tried} cookies, rejected:`, Object.fromEntries(rejected))
    },
  )

  it('headless calls take any text or value for a token: none is found', async () => {
    const { store, calls } = untouchable()
    const sessions = new SessionManager({ store, secret: SECRET })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), likely, fc.anything()), async (token) => {
        // What cannot become text at all, such as an object without prototype, is a mistake of the caller.
        if (typeof token === 'object' || typeof token === 'symbol') return
        expect(await sessions.findSession(token as string)).toBeUndefined()
        expect(await sessions.removeSession(token as string)).toBe(false)
      }),
      { numRuns: 2_000, seed: SEED },
    )
    expect(calls()).toBe(0)
  })

  it('without a secret: none throws, none is accepted, and the store is asked for possible ids only', async () => {
    const asked: string[] = []
    class Asked extends MemoryStore {
      override get(id: string): SessionRecord | undefined {
        asked.push(id)
        return super.get(id)
      }
    }
    const sessions = new SessionManager({ store: new Asked() })
    const token = await sessions.createSession({ n: 1 })
    const cookie = fc.oneof(
      mutation.map((step) => mutate(token, step)),
      fc.string({ unit: fc.constantFrom(...'aA0-_./\\%:\0'), maxLength: 8 }).map((id) => `${id}.${'x'.repeat(43)}`),
    )
    await fc.assert(
      fc.asyncProperty(cookie, async (value) => {
        if (value === token) return
        expect(await sessions.findSession(value)).toBeUndefined()
      }),
      { numRuns: 4_000, seed: SEED },
    )
    expect(asked.length).toBeGreaterThan(100)
    expect(asked.filter((id) => !/^[\w-]{1,128}$/.test(id))).toEqual([])
  })
})

describe('C13, P13: a canary in token, data, flash, info and secret', () => {
  const CANARY = 'CANARY-in-the-data'
  const CANARY_SECRET = 'CANARY-in-the-secret-of-more-than-32-bytes'

  it('is found nowhere in output, errors, events, inspect or JSON', async () => {
    const output: string[] = []
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      vi.spyOn(console, method).mockImplementation((...args) => void output.push(format(...args)))
    }
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((chunk) => (output.push(String(chunk)), true))
    }
    const events: [string, SessionEvent][] = []
    const on = Object.fromEntries(
      EVENT_NAMES.map((name) => [name, (event: SessionEvent) => void events.push([name, event])]),
    ) as SessionHooks

    const memory = new MemoryStore()
    let failing: false | 'with params' | 'in its text' = false
    const quoting = (record?: SessionRecord): void => {
      if (!failing) return
      const failure = new Error(`Failed query: ${JSON.stringify(record)}`)
      throw failing === 'with params' ? Object.assign(failure, { params: [record], record }) : failure
    }
    const model: StoreModel = {
      get: (id) => (quoting(memory.get(id)), memory.get(id)),
      set: (_id, record) => (quoting(record), memory.set(record.id, record)),
      destroy: (id) => (quoting(memory.get(id)), memory.destroy(id)),
    }
    const sessions = new SessionManager({ store: model, secret: CANARY_SECRET, on })
    const secrets = [CANARY, 'CANARY']
    const keep = (token = ''): string => {
      secrets.push(token, ...token.split('.').slice(1))
      return token
    }
    const load = (token: string): Promise<Session> =>
      sessions.load(new Request(URL, { headers: { cookie: `${NAME}=${token}` } }))

    const printed: string[] = []
    const print = (value: unknown): void => {
      printed.push(
        inspect(value, { depth: 20, showHidden: true, getters: false }),
        inspect(value, { depth: 20, showHidden: true, customInspect: false, showProxy: true }),
        JSON.stringify(value) ?? '',
        format('%o %O %j', value, value, value),
        format(value),
      )
      if (value instanceof Error) printed.push(value.message, String(value), value.stack ?? '')
      else if (typeof value === 'object') printed.push(JSON.stringify({ ...value }))
    }
    const fails = async (promise: Promise<unknown>): Promise<void> => {
      const error: unknown = await promise.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(Error)
      for (let one = error; one instanceof Error; one = one.cause) print(one)
    }

    const token = keep(await sessions.createSession({ card: CANARY }, { subject: 'u_1', info: { device: CANARY } }))
    const session = await load(token)
    session.flash('notice', CANARY)
    session.data['more'] = [CANARY]
    print(session)
    await session.save()
    print(session)
    keep(session.token)

    await fails(session.save().then(() => sessions.updateSession(token, { card: CANARY, bad: 1n })))
    await fails(sessions.updateSession(token, (data) => ({ ...data, [CANARY.length]: () => CANARY })))
    await fails(sessions.retrieveSession(`${token}x`))
    await fails(sessions.retrieveSession(token.replace('.', '.x')))
    for (failing of ['with params', 'in its text'] as const) {
      await fails(sessions.createSession({ card: CANARY, long: CANARY.repeat(50) }))
      session.data['more'] = CANARY.repeat(3)
      if (failing === 'in its text') await fails(sessions.commit(session, new Response()))
    }
    failing = false
    const renewed = keep(await sessions.regenerateSession(token))
    const ended = await load(renewed)
    ended.destroy()
    await fails(
      (async () => {
        ended.data['card'] = CANARY
      })(),
    )
    print(ended)
    await sessions.commit(ended, new Response())
    await load(renewed)
    await load(`${NAME}${token}`)

    for (const value of [sessions, memory, model, new StoreUnavailableError(CANARY.slice(0, 0))]) print(value)
    for (const options of [{ secret: 'CANARY' }, { secret: CANARY_SECRET, ttl: CANARY }, { store: CANARY }]) {
      await fails((async () => new SessionManager(options as object))())
    }

    expect(events.length).toBeGreaterThan(8)
    const everything = [...output, ...printed, JSON.stringify(events), inspect(events, { depth: 9 })].join('\n')
    expect(everything.length).toBeGreaterThan(5_000)
    expect(output).toEqual([])
    for (const secret of secrets.filter((text) => text !== '')) {
      const at = everything.indexOf(secret)
      expect(at < 0 ? '' : everything.slice(Math.max(0, at - 200), at), 'what stands before a canary').toBe('')
    }
  })

  it('a session prints its id and nothing else', async () => {
    const sessions = new SessionManager({ store: new MemoryStore() })
    const token = await sessions.createSession({ card: CANARY }, { subject: 'u_1' })
    const session = await sessions.load(new Request(URL, { headers: { cookie: `${NAME}=${token}` } }))
    expect(inspect(session)).toBe(`Session { id: ${session.id} }`)
    expect(JSON.stringify(session)).toBe(`{"id":"${session.id}"}`)
    expect(Object.keys(session)).toEqual([])
    expect(inspect(await sessions.load(new Request(URL)))).toBe('Session { id: (not stored) }')
  })
})
