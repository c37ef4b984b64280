/** R11 in small; `npm run increments` is the whole of it: 8 processes × 10,000. */
import { expect, it } from 'vitest'
import { increments } from '../scale/increments.ts'

it('R11 P5: 4 processes × 50 increments of one number in one libSQL file make 200, each answered by its own', async () => {
  const { acknowledged, distinct, stored } = await increments(4, 50)
  expect({ acknowledged, distinct, stored }).toEqual({ acknowledged: 200, distinct: 200, stored: 200 })
}, 120_000)
