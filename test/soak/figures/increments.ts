/** R11: eight processes, one number, one libSQL file. */
import { increments } from '../../scale/increments.ts'
import type { Figure } from '../figure.ts'

const PROCESSES = 8
const GOAL = 10_000
/** What a process is sure to manage in a second, all eight at work. */
const A_SECOND = 12

export const incrementsFigure: Figure = {
  name: '8 processes × 10,000 increments, one libSQL file',
  goal: '0 lost',
  shares: 4,
  places: [
    {
      where: 'libSQL file',
      async run({ milliseconds }) {
        const each = Math.max(50, Math.min(GOAL, Math.floor((milliseconds / 1000) * A_SECOND)))
        const { stored, distinct, acknowledged } = await increments(PROCESSES, each)
        const lost = acknowledged - stored
        return {
          rounds: acknowledged,
          of: PROCESSES * GOAL,
          measured: `${lost} lost`,
          held: lost === 0 && distinct === stored && stored === PROCESSES * each,
        }
      },
    },
  ],
}
