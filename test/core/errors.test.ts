import { inspect } from 'node:util'
import * as latchkey from 'latchkey'
import { SessionError, SessionTooLargeError, StoreUnavailableError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { describeFailure } from '../../src/core/errors.ts'

const DATA = JSON.stringify({ card: 'CANARY-4111', name: 'Zoë "Z" O’Neil', pad: 'x'.repeat(400), end: 'CANARY-END' })

describe('codes', () => {
  const make = (name: string, ...args: unknown[]): SessionError => {
    const errors = latchkey as unknown as Record<string, new (...args: unknown[]) => SessionError>
    const Class = errors[name]
    if (!Class) throw new Error(`${name} is not exported`)
    return new Class(...args)
  }

  it.each([
    ['SessionNotFoundError', 'SESSION_NOT_FOUND'],
    ['SessionExpiredError', 'SESSION_EXPIRED'],
    ['SessionConflictError', 'SESSION_CONFLICT'],
    ['SessionTooLargeError', 'SESSION_TOO_LARGE'],
    ['SessionStateError', 'SESSION_STATE'],
    ['SessionConfigError', 'SESSION_CONFIG'],
    ['SessionUnsupportedError', 'SESSION_UNSUPPORTED'],
    ['SessionDataError', 'SESSION_DATA'],
    ['StoreUnavailableError', 'STORE_UNAVAILABLE'],
  ])('%s has the stable code %s, its own name, and is a SessionError', (name, code) => {
    const error = make(name, 'a message', 1, 'x')
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toBeInstanceOf(Error)
    expect([error.code, error.name]).toEqual([code, name])
    expect(String(error)).toContain(`${name}: `)
    expect(error.stack).toContain('errors.test.ts')
  })

  it('messages are there without being given, where nothing needs to be told', () => {
    for (const name of ['SessionNotFoundError', 'SessionExpiredError', 'StoreUnavailableError']) {
      expect(make(name).message.length).toBeGreaterThan(20)
    }
  })

  it('P17: too large tells the bytes and the limit', () => {
    const error = new SessionTooLargeError(5_000, 4_096, 'Keep less in it.')
    expect([error.bytes, error.limit]).toEqual([5_000, 4_096])
    expect(error.message).toBe('The session takes 5000 bytes where 4096 fit. Keep less in it.')
  })
})

describe('StoreUnavailableError', () => {
  it('P11, F16: answers a bare 503 with Retry-After, no-store, no cookie, and nothing of the failure', async () => {
    const cause = new Error('CANARY')
    const response = new StoreUnavailableError('CANARY', { cause }).getResponse()
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-store',
      'content-type': 'text/plain;charset=UTF-8',
      'retry-after': '5',
    })
    expect(await response.text()).toBe('Service Unavailable')
  })

  it('gives a new response each time, so that nobody shares one', () => {
    const error = new StoreUnavailableError()
    expect(error.getResponse()).not.toBe(error.getResponse())
  })
})

describe('F25, P13: describeFailure keeps what helps and drops what may hold data', () => {
  /** All that a logger could print of an error. */
  const printed = (error: Error): string =>
    [error.message, error.stack, inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)].join('\n')
  const describeWith = (error: unknown): string =>
    printed(describeFailure(error, { verifier: 'a-verifier', data: DATA, flash: undefined, version: 3 }))

  it('name, code, first line and stack frames stay', () => {
    class SqliteError extends Error {
      override name = 'SqliteError'
      code = 'SQLITE_BUSY'
    }
    const described = describeFailure(new SqliteError('database is locked'))
    expect(described).toMatchObject({ name: 'SqliteError', message: 'database is locked', code: 'SQLITE_BUSY' })
    expect(described.stack).toContain('errors.test.ts')
  })

  it('further properties go: params, query, cause, errors', () => {
    const error = Object.assign(new AggregateError([new Error('CANARY')], 'several', { cause: new Error('CANARY') }), {
      query: 'CANARY',
      detail: { row: 'CANARY' },
    })
    expect(describeWith(error)).not.toContain('CANARY')
  })

  it("a query error of Drizzle's kind, which repeats the parameters, gives way to the driver's own below it", () => {
    const query = (cause: unknown): Error =>
      Object.assign(new Error(`Failed query: insert into sessions values (?)\nparams: ${DATA}`, { cause }), {
        params: [DATA],
      })
    const described = describeFailure(query(query(new Error('disk I/O error'))), { data: DATA })
    expect(described.message).toBe('disk I/O error')
    expect(printed(described)).not.toContain('CANARY')
    for (const cause of [undefined, null, '', 'CANARY', 5, { message: 'CANARY' }]) {
      expect(describeWith(query(cause))).not.toContain('CANARY')
    }
  })

  it('further lines of a message go', () => {
    expect(describeWith(new Error(`insert failed\nparams: ${DATA}`))).not.toContain('CANARY')
    expect(describeFailure(new Error('insert failed\nparams')).message).toBe('insert failed')
  })

  it.each([
    ['whole', DATA],
    ['whole, between other words', `cannot store ${DATA} here`],
    ['cut off by the driver', `bad value: ${DATA.slice(0, 60)}…`],
    ['cut off by us, since it is long', `${'y'.repeat(100)} ${DATA}`],
    ['without its beginning', `near "${DATA.slice(2, 80)}"`],
    ['escaped as JSON', `params: ${JSON.stringify([DATA])}`],
    ['escaped for SQL', `values ('${DATA.replaceAll('"', '""')}')`],
    ['as a piece', 'unexpected CANARY-4111 in column data'],
    ['the verifier', 'no row with a-verifier'],
  ])('a first line that holds what was to be stored is withheld: %s', (_what, message) => {
    const text = describeWith(new Error(message))
    expect(text).not.toContain('CANARY')
    expect(text).not.toContain('a-verifier')
  })

  it('a long value that was cut off, by the driver or by us, is withheld too', () => {
    const bio = `CANARY was born in Łódź. ${'And lived there. '.repeat(40)}`
    const data = JSON.stringify({ bio })
    for (const message of [`bad: ${data.slice(0, 50)}`, `bad: ${data}`, `bad: ${JSON.stringify(data).slice(0, 90)}`]) {
      expect(printed(describeFailure(new Error(message), { data })), message.slice(0, 20)).not.toContain('CANARY')
    }
  })

  it('an ordinary message is kept although the data has short and common values', () => {
    const data = JSON.stringify({ a: 1, b: 'x', c: true, d: '', e: null, f: [0, 'on', 'get'] })
    const record = { data, version: 1, endsAt: null, flash: undefined, persistent: true }
    for (const message of [
      'SQLITE_CONSTRAINT: UNIQUE constraint failed: sessions.id',
      "Cannot read properties of undefined (reading 'get')",
      'expected true, got null',
    ]) {
      expect(describeFailure(new Error(message), record).message).toBe(message)
    }
  })

  it('data with a line break in it is withheld too', () => {
    const data = 'CANARY one\n    at CANARY two\nCANARY three'
    expect(printed(describeFailure(new Error(`cannot store ${data}`), { data }))).not.toContain('CANARY')
  })

  it.each([undefined, null, 'CANARY', 5, { message: 'CANARY', code: 'CANARY' }, Symbol('CANARY'), ['CANARY']])(
    'what is no error leaves its type only (%#)',
    (thrown) => {
      const described = describeFailure(thrown)
      expect(described.message).toBe(`a ${typeof thrown} was thrown`)
      expect(printed(described)).not.toContain('CANARY')
    },
  )

  it('a code that is no text or number goes, since it may be anything', () => {
    expect(describeWith(Object.assign(new Error('failed'), { code: { sql: 'CANARY' } }))).not.toContain('CANARY')
  })

  it('where nothing is known of the record, what may be a value is withheld: of a query, of a parser, and what is quoted', () => {
    const query = Object.assign(new Error('Failed query: select CANARY'), { params: ['CANARY'] })
    for (const error of [
      query,
      new SyntaxError('Unexpected token C, CANARY is no number'),
      new Error("near 'CANARY'"),
    ]) {
      const described = describeFailure(error)
      expect(described.message).toBe('(message withheld: it held session data)')
      expect(printed(described)).not.toContain('CANARY')
    }
  })

  it('a name or a stack frame that holds data goes too', () => {
    const error = new Error('failed')
    error.name = 'CANARY-4111'
    error.stack = 'CANARY-4111: failed\n    at CANARY-4111 (row.js:1:1)\n    at query (driver.js:2:2)'
    const described = describeFailure(error, { data: DATA })
    expect([described.name, described.stack]).toEqual(['Error', 'Error: failed\n    at query (driver.js:2:2)'])
  })

  it('of a stack only the frames after the message stay, whatever else a driver writes there', () => {
    const withStack = (stack: string | undefined): string | undefined =>
      describeFailure(Object.assign(new Error('failed'), { stack })).stack
    expect(withStack('Error: failed\n    at query (driver.js:2:2)\n  detail: look at CANARY')).toBe(
      'Error: failed\n    at query (driver.js:2:2)',
    )
    expect(withStack('Error: failed\n    at CANARY\nfailed\n    at query (driver.js:2:2)')).toBe(
      'Error: failed\n    at query (driver.js:2:2)',
    )
    expect(withStack(undefined)).toBe('Error: failed')
  })

  it('a long first line is cut', () => {
    expect(describeFailure(new Error('y'.repeat(5_000))).message).toBe('y'.repeat(200))
  })

  it('P11: a word of many megabytes in the data is no error of its own', () => {
    const data = JSON.stringify({ file: 'f'.repeat(9_000_000) })
    expect(describeFailure(new Error('connection reset'), { data }).message).toBe('connection reset')
  })

  it('an error that is its own cause ends', () => {
    const error: Error & { params?: unknown } = Object.assign(new Error('failed'), { params: [] })
    error.cause = new Error('inner')
    expect(describeFailure(error).message).toBe('inner')
    const ring = Object.assign(new Error('CANARY'), { params: [] as unknown[], turns: 0 })
    Object.defineProperty(ring, 'cause', { get: () => (++ring.turns > 1_000 ? undefined : ring) })
    expect(describeWith(ring)).not.toContain('CANARY')
    expect(ring.turns).toBeLessThan(100)
  })
})
