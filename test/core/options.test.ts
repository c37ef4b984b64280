import { SessionConfigError, SessionManager, Store } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { resolveOptions } from '../../src/core/settings.ts'

const DAY = 86_400_000
const SECRET = 'a secret of more than 32 bytes for tests'

function refusal(options: unknown): SessionConfigError {
  try {
    void new SessionManager(options as object)
  } catch (error) {
    if (error instanceof SessionConfigError) return error
    throw error
  }
  throw new Error('accepted')
}

afterEach(() => vi.unstubAllGlobals())

describe('defaults', () => {
  it('are those of the design', () => {
    expect(resolveOptions({})).toMatchObject({
      ttl: DAY,
      renewal: DAY,
      absolute: 30 * DAY,
      touchEvery: DAY / 10,
      transports: ['cookie'],
      trustProxy: false,
      saveInitial: false,
      saveUnchanged: false,
      anonymousOnOutage: false,
      storeTimeout: 5_000,
      cacheControl: true,
      onConflict: 'merge',
      signer: undefined,
      genid: undefined,
    })
    expect(resolveOptions({}).store).toBeInstanceOf(MemoryStore)
    expect(resolveOptions({}).initial()).toEqual({})
    expect(resolveOptions({}).now()).toBeCloseTo(Date.now(), -4)
  })

  it.each([
    // given, renewal, touchEvery
    [{ ttl: '10h' }, 36_000_000, 3_600_000],
    [{ ttl: '10h', renewal: '1h' }, 3_600_000, 360_000],
    [{ ttl: '1h', renewal: '10h' }, 36_000_000, 360_000],
    [{ ttl: '10h', touchEvery: '1s' }, 36_000_000, 1_000],
  ])('%j: renewal %d, touchEvery %d', (given, renewal, touchEvery) => {
    expect(resolveOptions(given)).toMatchObject({ renewal, touchEvery })
  })

  it('`undefined` means left out, for every option but `secret`', () => {
    const names = Object.keys(ALLOWED)
    const blank = Object.fromEntries(names.filter((name) => name !== 'secret').map((name) => [name, undefined]))
    expect(() => new SessionManager(blank)).not.toThrow()
  })

  it('settings cannot be changed afterwards, and giving the same object twice is fine', () => {
    expect(Object.isFrozen(resolveOptions({}))).toBe(true)
    const options = Object.freeze({ ttl: '1h', cookie: Object.freeze({ name: 'sid' }) } as const)
    expect(() => [new SessionManager(options), new SessionManager(options)]).not.toThrow()
  })

  it('construction reads nothing, draws nothing and computes nothing, as module scope on Workers demands', () => {
    const never = (): never => {
      throw new Error('not at module scope')
    }
    vi.stubGlobal('crypto', { getRandomValues: never, randomUUID: never, subtle: new Proxy({}, { get: never }) })
    vi.stubGlobal('fetch', never)
    vi.stubGlobal('setTimeout', never)
    class Untouched extends Store {
      get = never
      set = never
      destroy = never
    }
    const build = (): unknown =>
      new SessionManager({ secret: SECRET, store: new Untouched(), genid: never, now: never })
    expect(build).not.toThrow()
  })
})

/** For every option: what its message must say is allowed, and values that are wrong. */
const ALLOWED: Record<string, { says: RegExp; wrong: unknown[] }> = {
  store: { says: /`get`, `set` and `destroy`/, wrong: [null, 5, 'memory', {}, MemoryStore, { get() {}, set() {} }] },
  secret: { says: /at least 32 bytes/, wrong: [undefined, null, '', 'short', 5, [], {}, ['short'], true] },
  ttl: {
    says: /milliseconds above 0, or text like '90s'/,
    wrong: [null, 0, -1, NaN, Infinity, '', '5', 'soon', {}, true, 5n],
  },
  renewal: { says: /milliseconds above 0/, wrong: [null, 0, -1, NaN, '1w', [], false] },
  absolute: { says: /milliseconds above 0/, wrong: [null, 0, -1, NaN, 'never', true, {}] },
  touchEvery: { says: /milliseconds above 0/, wrong: [null, 0, -1, NaN, 'often', false] },
  initial: { says: /a function/, wrong: [null, {}, 'x', 5, true] },
  cookie: { says: /an object/, wrong: [null, 5, 'sid', true, [], () => ({})] },
  transport: {
    says: /'cookie', 'bearer' or a list/,
    wrong: [null, 'header', '', [], ['cookie', 'x'], [['cookie']], 5, true],
  },
  trustProxy: { says: /true or false/, wrong: [null, 'true', 1, 0, {}] },
  genid: { says: /a function/, wrong: [null, 'uuid', {}, 5] },
  saveInitial: { says: /true or false/, wrong: [null, 'no', 1] },
  saveUnchanged: { says: /true or false/, wrong: [null, 'no', 1] },
  serializer: {
    says: /`stringify` and `parse`/,
    wrong: [null, 'json', {}, { parse() {} }, { stringify: 1, parse: 1 }, () => 1],
  },
  onConflict: { says: /'merge', 'fail' or a function/, wrong: [null, 'theirs', '', 5, {}] },
  onStoreError: { says: /'throw' or 'anonymous'/, wrong: [null, 'ignore', true, () => 1] },
  cacheControl: { says: /true or false/, wrong: [null, 'no-store', 0] },
  on: { says: /object of functions by event name/, wrong: [null, 5, 'created', () => 1, []] },
  now: { says: /a function/, wrong: [null, 0, Date.UTC(2030), new Date()] },
}

const CASES = Object.entries(ALLOWED).flatMap(([name, { says, wrong }]) =>
  wrong.map((value, index) => ({ name, says, value, what: `${index}: ${value === null ? 'null' : typeof value}` })),
)

describe('a wrong option is a SessionConfigError that names it and says what is allowed', () => {
  it.each(CASES)('`$name`, $what', ({ name, says, value }) => {
    const { message, problems } = refusal({ [name]: value })
    expect(problems).toHaveLength(1)
    expect(message).toContain(`\`${name}`)
    expect(message).toMatch(says)
    expect(message).toMatch(/null|undefined|number|string|boolean|object|function|bigint|bytes|list/)
  })

  it('all that is wrong is told at once', () => {
    const wrong = Object.fromEntries(
      Object.entries(ALLOWED).map(
        ([
          name,
          {
            wrong: [value],
          },
        ]) => [name, value],
      ),
    )
    const error = refusal({ ...wrong, tll: 5 })
    for (const name of Object.keys(wrong)) expect(error.message).toContain(`\`${name}`)
    expect(error.message).toContain('`tll`')
    expect(error.message).toMatch(/^\d+ options are wrong:\n- /)
    expect(error.problems.length).toBe(Object.keys(wrong).length + 1)
  })

  it('P13: no value is ever printed', () => {
    for (const name of Object.keys(ALLOWED)) {
      for (const value of ['CANARY', ['CANARY'], { CANARY: 'CANARY-VALUE' }, Object('CANARY'), new Error('CANARY')]) {
        const error = refusal({ [name]: value, never: 1 })
        expect(
          `${error.message}${error.stack?.split('\n    at ')[0]}`.replaceAll(/`(cookie|on)\.CANARY`/g, ''),
        ).not.toContain('CANARY')
      }
    }
    expect(refusal({ secret: 'CANARY' }).message).not.toContain('CANARY')
    expect(refusal({ ttl: 123_456_789_123_456 }).message).not.toContain('123')
    expect(refusal({ store: class CANARY extends MemoryStore {} }).message).not.toContain('CANARY')
  })

  it('P13: a wrong option beside a good secret does not print the secret', () => {
    const { message } = refusal({ secret: [SECRET, new TextEncoder().encode(SECRET)], ttl: 'x' })
    expect(message).not.toContain(SECRET)
  })

  it.each([null, 5, 'memory', true, () => ({})])('%s in the place of all options is refused', (options) => {
    expect(refusal(options).message).toMatch(/options are .*must be an object/)
  })

  it('of a number it says whether it is too small', () => {
    for (const ttl of [0, -1, NaN])
      expect(refusal({ ttl }).message).toContain('`ttl` is a number that is not above 0; it must be')
    expect(refusal({ ttl: Infinity }).message).toContain('`ttl` is a number; it must be')
  })

  it('`initial` is left alone where nothing has to judge it, and what is wrong with it is told once', () => {
    const initial = vi.fn<() => object>(() => ({}))
    void new SessionManager({ initial })
    const schema = z.object({ cart: z.array(z.string()) })
    expect(refusal({ ttl: 'soon', schema, initial }).problems).toEqual([expect.stringContaining('`ttl`')])
    expect(initial).not.toHaveBeenCalled()
    expect(refusal({ schema, initial: 5 }).problems).toEqual(['`initial` is a number; it must be a function.'])
  })

  it('an unknown option is refused, with a list of those there are', () => {
    const { message } = refusal({ maxAge: '1d' })
    expect(message).toContain('`maxAge` is no option')
    for (const name of Object.keys(ALLOWED)) expect(message).toContain(name)
    expect(refusal({ ['x'.repeat(5_000)]: 1 }).message.length).toBeLessThan(1_000)
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(refusal(Object.defineProperty({}, name, { value: 1, enumerable: true })).message).toContain(name)
    }
  })

  it('of several unknown options each is named, and those there are once', () => {
    const { message } = refusal({ resave: false, saveUninitialized: true, rolling: true })
    expect(message).toMatch(
      /`resave` is no option; there are .*`saveUninitialized` is no option\..*`rolling` is no option\./s,
    )
    expect(message.match(/there are/g)).toHaveLength(1)
  })

  it('a store in the place of the options is refused, whatever its own names are', () => {
    for (const store of [new MemoryStore(), { get() {}, set() {}, destroy() {} }])
      expect(refusal(store).message).toMatch(/options are a store.*new SessionManager\(\{ store \}\)/)
  })

  it('an unknown event is refused, and so is a hook that is no function', () => {
    expect(refusal({ on: { login: () => 1 } }).message).toMatch(/`on\.login` is no event; there are created, loaded/)
    expect(refusal({ on: { created: 'log' } }).message).toMatch(/`on\.created` is a string.*must be a function/)
    expect(refusal({ on: { toString: () => 1 } }).message).toContain('`on.toString` is no event')
    expect(() => new SessionManager({ on: { created: undefined } as object })).not.toThrow()
  })
})

describe('options that do not fit each other', () => {
  it.each([
    ['touchEvery of exactly `renewal`', { renewal: '1h', touchEvery: '1h' }, /`touchEvery` is not less than `renewal`/],
    ['touchEvery beyond `renewal`', { ttl: '1h', touchEvery: 3_600_001 }, /`touchEvery` is not less than `renewal`/],
    ['`rotateEvery` without a cookie', { rotateEvery: '1h', transport: 'bearer' }, /`rotateEvery` works by cookie/],
    ['ttl 1 ms beyond `absolute`', { ttl: 3_600_001, absolute: '1h' }, /`ttl` is longer than `absolute`/],
    ['ttl beyond the default `absolute`', { ttl: '31d' }, /`ttl` is longer than `absolute`/],
  ])('%s', (_what, options, message) => {
    expect(refusal(options).message).toMatch(message)
  })

  it.each([
    [{ renewal: 3_600_000, touchEvery: 3_599_999 }],
    [{ ttl: '1h', absolute: '1h' }],
    [{ ttl: '30d' }],
    [{ ttl: '1y', absolute: false }],
    [{ ttl: '1h', renewal: '90d' }],
    [{ ttl: 1 }],
  ])('while %j fits', (options) => {
    expect(() => new SessionManager(options as object)).not.toThrow()
  })

  it('a wrong duration raises no second complaint about what it was compared with', () => {
    expect(refusal({ ttl: 'soon', absolute: '1h' }).problems).toHaveLength(1)
    expect(refusal({ renewal: 'soon', ttl: '2d', touchEvery: '1d' }).problems).toHaveLength(1)
    expect(refusal({ absolute: 'never', ttl: '1y' }).problems).toHaveLength(1)
  })
})

describe('secret', () => {
  it('present but undefined is refused, with what to look at: a missing variable is no choice', () => {
    const env: { SESSION_SECRET?: string } = {}
    expect(refusal({ secret: env.SESSION_SECRET }).message).toMatch(/is SESSION_SECRET set\?.*npx latchkey secret/)
    expect(refusal({ secret: [env.SESSION_SECRET] }).message).toMatch(/is the variable set\?.*npx latchkey secret/)
  })
})

describe('store', () => {
  it('may be any object with the three methods', () => {
    const model = { get: () => undefined, set: () => {}, destroy: () => {} }
    expect(() => new SessionManager({ store: model })).not.toThrow()
  })

  it('left out on Cloudflare Workers it is refused: isolates share no memory', () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(refusal({}).message).toMatch(/`store` is missing; on Cloudflare Workers isolates share no memory/)
    expect(refusal({ store: undefined }).message).toMatch(/Cloudflare Workers/)
    expect(() => new SessionManager({ store: new MemoryStore() })).not.toThrow()
  })

  it('left out anywhere else it is a MemoryStore, also where there is no navigator', () => {
    for (const navigator of [undefined, {}, { userAgent: 'Node.js/24' }, { userAgent: 'Deno/2' }]) {
      vi.stubGlobal('navigator', navigator)
      expect(() => new SessionManager()).not.toThrow()
    }
  })
})
