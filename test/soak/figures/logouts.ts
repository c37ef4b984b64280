/** R03, R04, R06: a logout and something else of the same session, in the store's hands at once. */
import { RACES, ROTATION_RACE, repeat, type Race } from '../../scale/races.ts'
import type { Figure } from '../figure.ts'
import { STRONG } from '../places.ts'

const GOAL = 10_000
/** So many rounds between two looks at the clock. */
const BATCH = 20

export function logoutFigure(race: Race): Figure {
  return {
    name: race.name,
    goal: '0 resurrected',
    shares: 1,
    places: STRONG.map((backend) => ({
      where: backend.name,
      async run(budget) {
        const total = { rounds: 0, resurrected: 0, wrong: 0 }
        const opened = await backend.open()
        try {
          while (total.rounds < GOAL && budget.left()) {
            const tally = await repeat(race, opened, BATCH)
            total.rounds += BATCH
            total.resurrected += tally.resurrected
            total.wrong += tally.wrongTokens + tally.strayCookies
          }
        } finally {
          opened.close()
        }
        const held = total.resurrected + total.wrong === 0
        return { rounds: total.rounds, of: GOAL, measured: `${total.resurrected} resurrected`, held }
      },
    })),
  }
}

export const logoutFigures: Figure[] = [...RACES.filter(({ alive }) => alive === 0), ROTATION_RACE].map(logoutFigure)
