import { runInNewContext } from 'node:vm'
import { SessionDataError, SessionManager } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { assign, Codec, define, guarded, isPlainObject } from '../../src/core/data.ts'

const json = new Codec(undefined)

class Money {
  amount = 5
}

function refusal(value: unknown, codec = json): SessionDataError {
  try {
    codec.encode(value)
  } catch (error) {
    if (error instanceof SessionDataError) return error
    throw error
  }
  throw new Error('encoded')
}

describe('isPlainObject', () => {
  it.each([
    ['{}', {}, true],
    ['an object without prototype', Object.create(null), true],
    ['an object with a property called constructor', { constructor: 5 }, true],
    ['an object of another realm', runInNewContext('({ a: 1 })'), true],
    ['an array of another realm', runInNewContext('[]'), false],
    ['an array', [], false],
    ['null', null, false],
    ['a function', () => 1, false],
    ['text', 'x', false],
    ['a Date', new Date(), false],
    ['a Map', new Map(), false],
    ['an instance', new Money(), false],
    ['an object that inherits from another', Object.create({ a: 1 }), false],
    ['a promise', Promise.resolve({}), false],
  ])('%s: %#', (_what, value, expected) => {
    expect(isPlainObject(value)).toBe(expected)
  })
})

describe('what JSON cannot hold is a SessionDataError with its key path', () => {
  const cycle: Record<string, unknown> = { a: { b: [1] } }
  ;((cycle['a'] as { b: unknown[] }).b as unknown[]).push(cycle)
  const self: unknown[] = []
  self.push(self)

  it.each([
    ['a bigint', { cart: [{ n: 1 }, { n: 2n }] }, 'cart[1].n'],
    ['a function', { user: { name: () => 'x' } }, 'user.name'],
    ['a symbol', { tag: Symbol('x') }, 'tag'],
    ['a Map', { seen: new Map([['a', 1]]) }, 'seen'],
    ['a Set', { a: { seen: new Set([1]) } }, 'a.seen'],
    ['a class instance', { a: [[new Money()]] }, 'a[0][0]'],
    ['an error', { failed: new Error('x') }, 'failed'],
    ['a regular expression', { pattern: /x/ }, 'pattern'],
    ['bytes', { key: new Uint8Array(3) }, 'key'],
    ['a promise', { user: Promise.resolve(1) }, 'user'],
    ['a WeakMap', { w: new WeakMap() }, 'w'],
    ['a boxed string', { s: Object('x') }, 's'],
    ['a cycle', cycle, 'a.b[1]'],
    ['a cycle at once', { list: self }, 'list[0]'],
    ['a bigint beside a cycle', { big: 1n, self }, 'big'],
    ['a function at the very top', () => 1, ''],
    ['a function in a list at the very top', [{ f() {} }], '[0].f'],
    ['a function that is a property of a list', { list: Object.assign([1], { f() {} }) }, 'list[f]'],
  ])('%s', (_what, value, path) => {
    const error = refusal(value)
    expect(error.path).toBe(path)
    expect(error.message).toContain(path ? `\`${path}\`` : 'The session data')
    expect(error.message).toContain('serializer')
  })

  it('a value met twice without a cycle is fine, also where every object inherits what JSON cannot hold', () => {
    const one = { n: 1 }
    Object.assign(Object.prototype, { inherited: { f() {} } })
    try {
      expect(new Codec(undefined).encode({ a: one, b: one })).toBe('{"a":{"n":1},"b":{"n":1}}')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'inherited')
    }
  })

  it('a value met twice without a cycle is fine', () => {
    const shared = { n: 1 }
    expect(json.encode({ a: shared, b: [shared, shared] })).toBe('{"a":{"n":1},"b":[{"n":1},{"n":1}]}')
  })

  it('P13: the message holds no data, and there is no cause that would', () => {
    const error = refusal({ card: 'CANARY', bad: 1n, other: ['CANARY'] })
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain('CANARY')
    expect(error.cause).toBeUndefined()
  })

  it('data nested too deep is one too, however it got there', () => {
    for (const depth of [2_000, 5_000, 20_000, 200_000]) {
      const top = JSON.parse(`${'{"n":'.repeat(depth)}1${'}'.repeat(depth)}`) as object
      let outcome: unknown = 'stored'
      try {
        json.encode(top)
      } catch (error) {
        outcome = error instanceof SessionDataError ? 'refused' : error
      }
      expect(['stored', 'refused'], `${depth} levels: ${outcome}`).toContain(outcome)
    }
  })

  it('data nested deeper than can be looked through says so', () => {
    const deep = JSON.parse(`${'{"n":'.repeat(200_000)}1${'}'.repeat(200_000)}`) as object
    expect(refusal(deep).message).toMatch(/^The session data holds values nested too deep\./)
  })

  it('an instance of a class without a name is one too', () => {
    expect(refusal({ a: Object.create(Object.create(Object.create(null))) }).message).toContain(
      '`a` holds a class instance',
    )
  })

  it('a cycle that its own `toJSON` hides is one too', () => {
    const sly: Record<string, unknown> = {}
    sly['self'] = sly
    sly['toJSON'] = () => ({})
    expect(refusal({ sly }).path).toMatch(/^sly\./)
  })

  it('happens before anything is stored: the old data is intact', async () => {
    const store = new MemoryStore()
    const sessions = new SessionManager({ store })
    const token = await sessions.createSession({ n: 1 })
    await expect(sessions.updateSession(token, { n: 2n })).rejects.toThrow(SessionDataError)
    await expect(sessions.createSession({ f: () => 1 })).rejects.toThrow(SessionDataError)
    expect(await sessions.retrieveSession(token)).toEqual({ n: 1 })
    expect(store.length()).toBe(1)
  })
})

describe('decode', () => {
  it.each(['', '{', 'null', '5', '"x"', '[]', '[{}]', 'true', 'undefined', '{"a":1}x', '\0', "{'a':1}"])(
    'what is no object comes back as undefined: %j',
    (text) => {
      expect(json.decode(text)).toBeUndefined()
    },
  )

  it('S13: text of any kind comes back the same', () => {
    const data = { a: 'NUL \0, 👩‍🚀, \ud800 and \udfff, \u2028\u2029, "quotes"', '\ud800': 1, '': 2, 'a.b': 3 }
    expect(json.decode(json.encode(data))).toEqual(data)
  })
})

describe('P18: keys that mean something to JavaScript are plain data', () => {
  const hostile = JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1,"hasOwnProperty":2}',
  ) as Record<string, unknown>

  it('they are stored and come back as own keys, and pollute nothing', () => {
    const back = json.decode(json.encode(hostile)) ?? {}
    expect(Object.keys(back)).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect((back as { admin?: unknown }).admin).toBeUndefined()
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })

  it('assign and define write them as own keys', () => {
    const target: Record<string, unknown> = { old: 1 }
    assign(target, hostile)
    expect(Object.keys(target)).toEqual(Object.keys(hostile))
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype)
    define(target, '__proto__', null)
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype)
    assign(target, {})
    expect(Object.keys(target)).toEqual([])
  })

  it('F21: through a session, on every way in', async () => {
    const sessions = new SessionManager({ store: new MemoryStore() })
    const token = await sessions.createSession(hostile)
    await sessions.updateSession(token, (data) => {
      define(data, 'exp', 1)
      define(data, '__proto__', { admin: 2 })
    })
    const data = await sessions.retrieveSession(token)
    expect(Object.keys(data)).toContain('__proto__')
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    expect(data['exp']).toBe(1)
    expect(data['admin']).toBeUndefined()

    const session = await sessions.load(new Request('https://example.com/'))
    expect([session.has('constructor'), session.get('toString'), session.get('__proto__')]).toEqual([
      false,
      undefined,
      undefined,
    ])
    session.set('__proto__', { admin: true }).set('constructor', 5)
    expect([session.has('__proto__'), session.get('constructor')]).toEqual([true, 5])
    expect(Object.getPrototypeOf(session.data)).toBe(Object.prototype)
    expect(session.unset('__proto__')).toBe(true)
    expect(session.has('__proto__')).toBe(false)
  })
})

describe('a custom serializer', () => {
  const dates = {
    stringify: (value: unknown) => JSON.stringify(value, (_key, item) => (item instanceof Map ? [...item] : item)),
    parse: (text: string): unknown => JSON.parse(text),
  }

  it('decides what can be stored', () => {
    const codec = new Codec(dates)
    expect(codec.encode({ m: new Map([['a', 1]]) })).toBe('{"m":[["a",1]]}')
    expect(codec.encode({ i: new Money() })).toBe('{"i":{"amount":5}}')
  })

  it('what it refuses is a SessionDataError with its path where it names one, and nothing else of its error', () => {
    const codec = new Codec({
      ...dates,
      stringify: () => {
        throw Object.assign(new Error('cannot hold CANARY'), { path: '.cart[0]', value: 'CANARY' })
      },
    })
    const error = refusal({ a: 'CANARY' }, codec)
    expect(error.path).toContain('cart[0]')
    expect(error.cause).toBeUndefined()
    expect(`${error.message}${error.stack}`).not.toContain('CANARY')
  })

  it.each([undefined, null, 5, Symbol('x'), { path: undefined }, { path: null }])(
    'may throw anything (%#)',
    (thrown) => {
      const codec = new Codec({
        ...dates,
        stringify: () => {
          throw thrown
        },
      })
      expect(refusal({}, codec).path).toBe('')
    },
  )

  it('must return text', () => {
    for (const result of [undefined, null, 5, {}, Promise.resolve('{}')]) {
      expect(refusal({}, new Codec({ ...dates, stringify: () => result as never })).message).toContain('no string')
    }
  })

  it('what it cannot read is as if it were not there', () => {
    const codec = new Codec({
      ...dates,
      parse: () => {
        throw new Error('x')
      },
    })
    expect(codec.decode('{}')).toBeUndefined()
    for (const result of [undefined, null, [], 'x', new Map(), Promise.resolve({})]) {
      expect(new Codec({ ...dates, parse: () => result }).decode('{}')).toBeUndefined()
    }
  })
})

describe('guarded', () => {
  const refuse = (): never => {
    throw new Error('refused')
  }

  it('reads like the object, at any depth', () => {
    const view = guarded({ a: { b: [1, { c: 2 }] }, d: new Date(0) }, refuse)
    expect(view).toEqual({ a: { b: [1, { c: 2 }] }, d: new Date(0) })
    expect(JSON.stringify(view)).toBe('{"a":{"b":[1,{"c":2}]},"d":"1970-01-01T00:00:00.000Z"}')
    expect([...view.a.b, Object.keys(view), 'a' in view]).toEqual([1, { c: 2 }, ['a', 'd'], true])
    expect(Array.isArray(view.a.b)).toBe(true)
  })

  it('answers every kind of change with the refusal, and changes nothing', () => {
    const target = { a: { b: [3, 1, 2] } }
    const view: any = guarded(target, refuse)
    const changes: (() => unknown)[] = [
      () => (view.x = 1),
      () => (view.a.x = 1),
      () => (view.a.b[0] = 9),
      () => view.a.b.push(9),
      () => view.a.b.unshift(9),
      () => (view.a.b.length = 0),
      () => delete view.a,
      () => Object.defineProperty(view.a, 'x', { value: 1 }),
      () => Object.setPrototypeOf(view, null),
      () => Object.assign(view.a, { x: 1 }),
      () => (view.__proto__ = null),
    ]
    for (const change of changes) expect(change, String(change)).toThrow('refused')
    expect(target).toEqual({ a: { b: [3, 1, 2] } })
  })

  it('also refuses to be frozen from outside', () => {
    const target = { a: 1 }
    expect(() => Object.freeze(guarded(target, refuse))).toThrow('refused')
    expect(Object.isExtensible(target)).toBe(true)
  })

  it('reads frozen values too, as immutable libraries make them', () => {
    const state = Object.freeze({ list: Object.freeze([Object.freeze({ n: 1 })]), inner: Object.freeze({ x: 2 }) })
    const view = guarded({ state }, refuse)
    expect(view.state.inner.x).toBe(2)
    expect(view.state.list.map(({ n }) => n)).toEqual([1])
    expect(JSON.stringify(view)).toBe('{"state":{"list":[{"n":1}],"inner":{"x":2}}}')
  })
})
