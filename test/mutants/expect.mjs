import { isDeepStrictEqual } from 'node:util'
/** A value that judges instead of being equal. */
// oxlint-disable-next-line typescript/no-extraneous-class
class Asym {
  constructor(f) {
    this.f = f
  }
}
export const eq = (a, b, strict) => {
  if (b instanceof Asym) return b.f(a)
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false
  if (a instanceof Error && b instanceof Error) return a.message === b.message && a.name === b.name
  if (ArrayBuffer.isView(a) || a instanceof Date || a instanceof RegExp) return isDeepStrictEqual(a, b)
  if (a instanceof Map || a instanceof Set) return b.constructor === a.constructor && eq([...a], [...b], strict)
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const k = (o) => Object.keys(o).filter((x) => strict || o[x] !== undefined)
  const [ka, kb] = [k(a), k(b)]
  return (
    ka.length === kb.length &&
    kb.every((x) => Object.hasOwn(a, x) && eq(a[x], b[x], strict)) &&
    (!Array.isArray(a) || a.length === b.length)
  )
}
const has = (a, b) =>
  b instanceof Asym
    ? b.f(a)
    : typeof b === 'object' && b && !Array.isArray(b) && typeof a === 'object' && a
      ? Object.keys(b).every((x) => has(a[x], b[x]))
      : Array.isArray(b)
        ? Array.isArray(a) && a.length === b.length && b.every((x, i) => has(a[i], x))
        : eq(a, b)
const thrown = (fn, want, isError) => {
  let e = fn,
    did = isError
  if (!isError) {
    try {
      fn()
    } catch (x) {
      e = x
      did = true
    }
  }
  if (!did) return false
  if (want === undefined) return true
  if (want instanceof Asym) return want.f(e)
  if (typeof want === 'function') return e instanceof want
  const msg = String(e?.message ?? e)
  return typeof want === 'string' ? msg.includes(want) : want instanceof RegExp ? want.test(msg) : msg === want.message
}
const M = {
  toBe: Object.is,
  toEqual: (a, b) => eq(a, b),
  toStrictEqual: (a, b) => eq(a, b, true),
  toBeUndefined: (a) => a === undefined,
  toBeDefined: (a) => a !== undefined,
  toBeNull: (a) => a === null,
  toBeTruthy: (a) => !!a,
  toBeFalsy: (a) => !a,
  toMatch: (a, b) => typeof a === 'string' && (b instanceof RegExp ? b.test(a) : a.includes(b)),
  toContain: (a, b) => (typeof a === 'string' ? a.includes(b) : [...a].includes(b)),
  toContainEqual: (a, b) => [...a].some((x) => eq(x, b)),
  toHaveLength: (a, n) => a?.length === n,
  toBeGreaterThan: (a, b) => a > b,
  toBeGreaterThanOrEqual: (a, b) => a >= b,
  toBeLessThan: (a, b) => a < b,
  toBeLessThanOrEqual: (a, b) => a <= b,
  toBeInstanceOf: (a, b) => a instanceof b,
  toBeTypeOf: (a, b) => typeof a === b,
  toBeNaN: Number.isNaN,
  toMatchObject: has,
  toHaveProperty: (a, k, ...v) => {
    const p = String(k).split('.')
    let o = a
    for (const x of p) {
      if ((o ?? null) === null || !(x in Object(o))) return false
      o = o[x]
    }
    return !v.length || eq(o, v[0])
  },
  toHaveBeenCalledTimes: (a, n) => a.mock.calls.length === n,
  toHaveBeenCalledOnce: (a) => a.mock.calls.length === 1,
  toHaveBeenCalled: (a) => a.mock.calls.length > 0,
  toHaveBeenCalledWith: (a, ...x) => a.mock.calls.some((c) => eq(c, x)),
  toBeOneOf: (a, b) => b.some((x) => eq(a, x)),
  toSatisfy: (a, f) => f(a),
}
const make = (value, not, err) =>
  new Proxy(
    {},
    {
      get(_, k) {
        if (k === 'then') return undefined
        if (k === 'not') return make(value, !not, err)
        if (k === 'rejects' || k === 'resolves')
          return new Proxy(
            {},
            {
              get: (_2, m) =>
                m === 'not'
                  ? new Proxy(
                      {},
                      {
                        get:
                          (_3, m2) =>
                          async (...a) =>
                            settle(value, k, m2, a, true),
                      },
                    )
                  : async (...a) => settle(value, k, m, a, not),
            },
          )
        if (k === 'toThrow' || k === 'toThrowError') return (w) => done(thrown(value, w, err) !== !!not, k)
        if (!M[k]) throw new Error('no matcher ' + String(k))
        return (...a) =>
          done(
            !!M[k](value, ...a) !== !!not,
            k +
              ' ' +
              String(typeof value === 'object' ? JSON.stringify(value)?.slice(0, 80) : value) +
              ' vs ' +
              String(a[0]),
          )
      },
    },
  )
const done = (ok, what) => {
  if (!ok) throw new Error('expect ' + what)
}
const settle = async (value, kind, m, a, not) => {
  let v,
    ok = true
  try {
    v = await (typeof value === 'function' ? value() : value)
  } catch (e) {
    ok = false
    v = e
  }
  if (ok !== (kind === 'resolves')) throw new Error('expect ' + kind)
  make(v, not, kind === 'rejects')[m](...a)
}
export const expect = Object.assign((value) => make(value), {
  objectContaining: (o) => new Asym((a) => has(a, o)),
  any: (c) => new Asym((a) => (a ?? null) !== null && Object(a) instanceof c),
  anything: () => new Asym((a) => (a ?? null) !== null),
  stringContaining: (s) => new Asym((a) => String(a).includes(s)),
  stringMatching: (r) => new Asym((a) => new RegExp(r).test(a)),
  arrayContaining: (l) => new Asym((a) => l.every((x) => a.some((y) => eq(y, x)))),
})
