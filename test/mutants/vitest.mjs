export { vi } from './vi.mjs'
export { expect } from './expect.mjs'
const tests = (globalThis.__tests ??= [])
let suite = { before: [], after: [], name: '' }
export const describe = (name, fn) => {
  const up = suite
  suite = { before: [...up.before], after: [...up.after], name: up.name + ' ' + name, own: [] }
  fn()
  suite = up
}
const title = (n, i) => n + ' #' + i
const each =
  (reg) =>
  (rows) =>
  (name, ...rest) =>
    rows.forEach((row, i) => {
      const fn = rest.at(-1)
      const all = rows.every(Array.isArray)
      reg(title(name, i), () => fn(...(all ? row : [row])))
    })
describe.each = each((n, f) => describe(n, f))
export const it = (name, a, b) => {
  const fn = typeof a === 'function' ? a : b
  const s = suite
  tests.push({
    name: s.name + ' > ' + name,
    fn,
    get before() {
      return s.before
    },
    get after() {
      return s.after
    },
  })
}
it.each = each(it)
it.for =
  (rows) =>
  (name, ...rest) =>
    rows.forEach((row, i) => it(title(name, i), () => rest.at(-1)(row)))
it.concurrent = it
export const test = it
export const beforeEach = (f) => suite.before.push(f)
export const afterEach = (f) => suite.after.push(f)
export const beforeAll = (f) => suite.before.push(f)
export const afterAll = () => {}
export const onTestFinished = () => {}

const deep = new Proxy(function () {}, { get: () => deep, apply: () => deep })
export const expectTypeOf = deep
