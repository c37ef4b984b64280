/** What `npm run million` measures, in small: nothing live is swept, everything expired is, and reads go on meanwhile. */
import { expect, it } from 'vitest'
import { million } from '../scale/million.ts'

it('S20 on a file of 5,000 sessions the sweep takes the 500 that have expired, by batches, while reads go on', async () => {
  const { timings, sweeps, left, expected } = await million(5_000, 20)
  expect(sweeps.map(({ removed }) => removed)).toEqual(sweeps.map(() => 500))
  expect(left).toBe(expected)
  const during = timings.find(({ what }) => what.includes('while it sweeps'))
  expect(during?.calls).toBeGreaterThan(1)
})
