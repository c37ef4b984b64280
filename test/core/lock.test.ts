/** The lock of one id of one store: turns never overlap, however many wait, and the overdue one takes nobody else's away. */
import { Store, type SessionRecord } from 'latchkey'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exclusively } from '../../src/core/lock.ts'
import { gate } from '../support/flow.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** Turns of one id of one store: each is begun when it runs, and ends when it is opened. */
function turns() {
  const store = {}
  const begun: string[] = []
  const gates = new Map<string, () => void>()
  const take = (name: string, options: { signal?: AbortSignal } = {}): Promise<void> => {
    const { promise, open } = gate()
    gates.set(name, () => open(undefined))
    return exclusively(store, 'id', options, () => {
      begun.push(name)
      return promise
    })
  }
  return { begun, take, open: (name: string): void => gates.get(name)?.() }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('turns', () => {
  it('P6: one that ends lets in the next, and nobody beside it', async () => {
    const { begun, take, open } = turns()
    const [first, second] = [take('first'), take('second')]
    await settled()
    expect(begun).toEqual(['first'])
    open('first')
    await first
    const third = take('third')
    await settled()
    expect(begun).toEqual(['first', 'second'])
    open('second')
    await second
    await settled()
    expect(begun).toEqual(['first', 'second', 'third'])
    open('third')
    await third
  })

  it.each([
    ['with', 59_999, false],
    ['with', 60_001, true],
    ['without', 3_600_000, false],
  ] as const)('R14: a turn %s a limit is passed over after %i ms: %s', async (limit, after, isPassed) => {
    const { begun, take, open } = turns()
    const slow = take('slow', limit === 'with' ? { signal: new AbortController().signal } : {})
    await settled()
    vi.advanceTimersByTime(after)
    const next = take('next')
    await settled()
    expect(begun).toEqual(isPassed ? ['slow', 'next'] : ['slow'])
    open('slow')
    await slow
    open('next')
    await next
  })

  it('P6: one that was passed over, and ends after all, does not let a third in beside the second', async () => {
    const { begun, take, open } = turns()
    const slow = take('slow', { signal: new AbortController().signal })
    await settled()
    vi.advanceTimersByTime(60_001)
    const second = take('second')
    open('slow')
    await slow
    const third = take('third')
    await settled()
    expect(begun).toEqual(['slow', 'second'])
    open('second')
    await second
    await settled()
    expect(begun).toEqual(['slow', 'second', 'third'])
    open('third')
    await third
  })
})

describe('a turn that waits for a read which never answers', () => {
  class Silent extends Store {
    silent = false
    /** Answers are no `Promise`, as those of query builders. */
    builds = false
    readonly written: string[] = []
    get(): Promise<SessionRecord | undefined> {
      const answer = this.silent ? new Promise<undefined>(() => {}) : Promise.resolve(undefined)
      // oxlint-disable-next-line unicorn/no-thenable -- that is the point
      return this.builds ? ({ then: answer.then.bind(answer) } as typeof answer) : answer
    }
    set(id: string): void {
      this.written.push(id)
    }
    destroy(): void {}
  }

  it.each([
    ['a promise', false],
    ['a query that can be awaited', true],
  ])(
    'R14: of %s, ends with its time-out, for the reason that it gives, and lets in the next at once',
    async (_, builds) => {
      const store = Object.assign(new Silent(), { builds })
      const controller = new AbortController()
      const { signal } = controller
      store.silent = true
      const create = (options?: { signal: AbortSignal }) => store.create({ id: 'a' } as SessionRecord, options)
      const slow = Promise.resolve(create({ signal })).catch((error: unknown) => error)
      await settled()
      store.silent = false
      const next = create()
      const reason = new Error('it took too long')
      controller.abort(reason)
      expect(await slow).toBe(reason)
      expect(await next).toBe(true)
      expect(store.written).toEqual(['a'])
    },
  )
})
