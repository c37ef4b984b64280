import { SessionConflictError } from 'latchkey'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patience } from '../../src/core/patience.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('waits before each try, at first not at all and then by a random part of twice as much, up to 50 ms', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const again = patience()
  for (let tries = 0; tries < 8; tries++) {
    const turn = again()
    await vi.advanceTimersByTimeAsync(100)
    await turn
  }
  expect(timers.mock.calls.map(([, wait]) => wait)).toEqual([0, 1, 2, 4, 8, 16, 25, 25])
})

it('P5: gives up after ten seconds, as a SessionConflictError', async () => {
  const again = patience()
  await vi.advanceTimersByTimeAsync(10_000)
  const last = again()
  await vi.advanceTimersByTimeAsync(1)
  await expect(last).resolves.toBeUndefined()
  await expect(again()).rejects.toThrow(SessionConflictError)
})
