import { inspect } from 'node:util'
import { type } from 'arktype'
import { SessionConfigError, SessionDataError, SessionManager, type SessionRecord, type StandardSchema } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { libraries, own } from '../support/schemas.ts'

const SHOP = { cart: [], theme: 'light' }
const shopOf = z.object({ cart: z.array(z.string()), theme: z.enum(['light', 'dark']) })

function make(options: object): SessionManager<any> {
  return new SessionManager<any>(options)
}

function problem(options: object): string {
  try {
    make(options)
  } catch (error) {
    if (error instanceof SessionConfigError) return error.message
    throw error
  }
  throw new Error('accepted')
}

async function thrown(call: Promise<unknown>): Promise<SessionDataError> {
  const error: unknown = await call.then(
    () => 'nothing',
    (reason: unknown) => reason,
  )
  if (error instanceof SessionDataError) return error
  throw new Error(`no SessionDataError: ${String(error)}`)
}

describe('the options', () => {
  it.each([
    ['a shape', { cart: z.string() }],
    ['a function', () => true],
    ['null', null],
    ['text', 'zod'],
    ['another version of the standard', { '~standard': { version: 2, vendor: 'x', validate: () => ({ value: {} }) } }],
    ['one without `validate`', { '~standard': { version: 1, vendor: 'x' } }],
  ])('%s is no schema', (_name, schema) => {
    expect(problem({ schema })).toMatch(/^`schema` is .*; it must be a Standard Schema/)
  })

  it('a wrong `migrate` or `onInvalid` is named with what is allowed', () => {
    expect(problem({ migrate: {} })).toMatch(/^`migrate` is .*; it must be a function/)
    expect(problem({ onInvalid: 'ignore' })).toMatch(/^`onInvalid` is .*; it must be 'throw' or 'reset'/)
  })

  it('arktype’s schemas, which are functions, are schemas', () => {
    expect(() => make({ schema: type({ 'n?': 'number' }) })).not.toThrow()
  })
})

describe('`initial` at construction', () => {
  it('must pass the schema, and the error names it and the path, not the value', () => {
    const message = problem({ schema: shopOf, initial: () => ({ cart: ['CANARY', 1], theme: 'dark' }) })
    expect(message).toMatch(/^`initial` .*`schema` at `cart\[1\]`/)
    expect(message).not.toContain('CANARY')
  })

  it('is judged as it comes back from the store: a Date that JSON makes text is no date', () => {
    const schema = z.object({ at: z.date() })
    expect(problem({ schema, initial: () => ({ at: new Date() }) })).toMatch(/^`initial` .*`at`/)
  })

  it('is what the schema makes of {} where it is missing', async () => {
    for (const { schema } of libraries.slice(0, 3)) {
      const sessions = new SessionManager({ schema })
      expect(await sessions.retrieveSession(await sessions.createSession())).toEqual(SHOP)
      expect((await sessions.load(new Request('https://shop.test/'))).data).toEqual(SHOP)
    }
  })

  it('must be given where the schema does not accept {}', () => {
    expect(problem({ schema: shopOf })).toMatch(/^`initial` is missing.*`cart`/)
  })

  it('must be given where the schema is async, and is judged when a session is first stored', async () => {
    const schema = own((value) => shopOf['~standard'].validate(value), true)
    expect(problem({ schema })).toMatch(/^`initial` is missing.*async/)
    const sessions = make({ schema, initial: () => ({ cart: 'none', theme: 'light' }) })
    expect((await thrown(sessions.createSession())).path).toBe('cart')
  })

  it('that throws here, as random values do at module scope on Workers, is judged later too', async () => {
    let requests = false
    const initial = (): object => {
      if (!requests) throw new Error('Disallowed operation called within global scope')
      return { cart: [crypto.randomUUID()], theme: 'light' }
    }
    const sessions = make({ schema: shopOf, initial })
    requests = true
    expect((await sessions.retrieveSession(await sessions.createSession())).cart).toHaveLength(1)
  })

  it('of a promise that is refused leaves no unhandled rejection behind', () => {
    const schema = own(() => Promise.reject(new Error('down')))
    expect(() => make({ schema, initial: () => ({}) })).not.toThrow()
  })
})

describe('a schema that does not give back its own output', () => {
  const initial = (): object => ({ n: '1' })
  it.each<[string, StandardSchema]>([
    ['zod', z.object({ n: z.string().transform(Number) })],
    ['valibot', v.object({ n: v.pipe(v.string(), v.transform(Number)) })],
    ['arktype', type({ n: type('string').pipe(Number) })],
  ])('is refused at construction: %s', (_name, schema) => {
    expect(problem({ schema, initial })).toMatch(/^`schema` does not give back its own output as it is at `n`/)
  })

  it('also where it passes, but changes each time', () => {
    const schema = z.object({ n: z.number().transform((n) => n + 1) })
    expect(problem({ schema, initial: () => ({ n: 1 }) })).toMatch(/^`schema` does not give back its own output/)
  })

  it('and one that coerces, trims or fills in is fine', () => {
    const schema = z.object({ n: z.coerce.number(), name: z.string().trim().default('nobody') })
    expect(() => make({ schema, initial: () => ({ n: '1' }) })).not.toThrow()
  })

  it('nor may it give what cannot be stored', () => {
    const schema = z.object({}).transform(() => ({ seen: new Map() }))
    expect(problem({ schema })).toMatch(/^`initial`: `seen` holds a Map/)
  })
})

describe('what a failed check says', () => {
  const CANARY = 'CANARY-4111'
  const secretive = own((value) =>
    value.card === undefined
      ? { value }
      : { issues: [{ message: `"${value.card}" is no card`, path: [{ key: 'list' }, 3, 'x', 0] }] },
  )

  it('P13: the path of the first issue, and nothing of the schema’s message, which may quote the value', async () => {
    for (const schema of [secretive, v.looseObject({ card: v.optional(v.number()) })] as StandardSchema<any>[]) {
      const error = await thrown(make({ schema }).createSession({ card: CANARY }))
      expect(inspect(error, { depth: 9 })).not.toContain(CANARY)
    }
    const error = await thrown(make({ schema: secretive }).createSession({ card: CANARY }))
    expect(error.path).toBe('list[3].x[0]')
    expect(error.message).toContain('`list[3].x[0]`')
  })

  it('no path where the data as a whole is refused', async () => {
    const schema = z.looseObject({}).refine((data) => data['a'] === data['b'])
    const error = await thrown(make({ schema }).createSession({ a: 1 }))
    expect(error.path).toBe('')
    expect(error.message).toContain('does not pass the `schema`.')
  })

  it('nor where an issue names none', async () => {
    const schema = own((value) => (value.bad ? { issues: [{ message: 'bad' }] } : { value }))
    const error = await thrown(make({ schema }).createSession({ bad: true }))
    expect([error.path, error.message]).toEqual(['', expect.stringContaining('does not pass the `schema`.')])
  })

  it('P13: a schema that throws is an error whose cause holds no data', async () => {
    const schema = own((value) => {
      if (value.card) throw new TypeError(`no look-up for ${value.card}`)
      return { value }
    })
    const error = await thrown(make({ schema }).createSession({ card: CANARY }))
    expect(error.message).toContain('`schema` threw')
    expect((error.cause as Error).name).toBe('TypeError')
    expect(inspect(error, { depth: 9 })).not.toContain(CANARY)
  })
})

it('data that cannot be read is an error before `migrate` or the schema sees it, however little they ask for', async () => {
  const store = new MemoryStore()
  const migrate = vi.fn<(raw: unknown) => object>((raw) => ({ ...(raw as object) }))
  const sessions = make({ store, migrate, schema: own((value) => ({ value })) })
  const token = await sessions.createSession({ a: 1 })
  const record = store.get(String(token.split('.')[0])) as SessionRecord
  store.set(record.id, { ...record, data: '{"a":' })
  expect((await thrown(sessions.retrieveSession(token))).message).toContain('cannot be read')
  expect(migrate).not.toHaveBeenCalled()
})

it('`onInvalid` alone says what becomes of data that cannot be read; without it such a session is nobody’s', async () => {
  const outcomes = []
  for (const onInvalid of ['reset', 'throw', undefined] as const) {
    const store = new MemoryStore()
    const sessions = make({ store, onInvalid, initial: () => ({ cart: [] }) })
    const token = await sessions.createSession({ a: 1 })
    const record = store.get(String(token.split('.')[0])) as SessionRecord
    store.set(record.id, { ...record, data: 'no JSON' })
    outcomes.push(await sessions.retrieveSession(token).catch((error: Error) => error.name))
  }
  expect(outcomes).toEqual([{ cart: [] }, 'SessionDataError', 'SessionNotFoundError'])
})
