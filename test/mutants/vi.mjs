const undo = []
export const vi = {
  spyOn(o, k) {
    const own = Object.getOwnPropertyDescriptor(o, k)
    const real = o[k]
    let impl = (...a) => real.apply(o, a)
    const f = Object.assign(
      function (...a) {
        f.mock.calls.push(a)
        return impl(...a)
      },
      {
        mock: { calls: [] },
        mockImplementation(i) {
          impl = i
          return f
        },
        mockRestore() {
          if (own) Object.defineProperty(o, k, own)
          else delete o[k]
        },
      },
    )
    Object.defineProperty(o, k, { value: f, configurable: true, writable: true })
    undo.push(() => f.mockRestore())
    return f
  },
  fn(i = () => {}) {
    const f = Object.assign(
      (...a) => {
        f.mock.calls.push(a)
        return i(...a)
      },
      { mock: { calls: [] } },
    )
    return f
  },
  restoreAllMocks() {
    while (undo.length) undo.pop()()
  },
  stubGlobal(k, v) {
    const d = Object.getOwnPropertyDescriptor(globalThis, k)
    Object.defineProperty(globalThis, k, { value: v, configurable: true, writable: true })
    undo.push(() => (d ? Object.defineProperty(globalThis, k, d) : delete globalThis[k]))
  },
  unstubAllGlobals() {
    while (undo.length) undo.pop()()
  },
}
