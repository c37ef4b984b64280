/** What a soak consists of: figures, each with a goal, a number of rounds, and what was found in the time there was. */
import type { Random } from './random.ts'

/** What one figure came to in one place. */
export interface Finding {
  /** The store, or what else it was measured on. */
  where: string
  rounds: number
  /** How many rounds the goal asks for. */
  of: number
  /** e.g. `0 lost`. */
  measured: string
  held: boolean
}

/** The time one figure has in one place, and its source of chance. */
export interface Budget {
  random: Random
  /** Whether there is time for another round. */
  left(): boolean
  milliseconds: number
  /** The whole soak's time, in minutes. */
  minutes: number
}

export interface Figure {
  name: string
  goal: string
  /** How many of the soak's shares of time it gets. */
  shares: number
  places: readonly Place[]
}

/** One figure in one place. */
export interface Place {
  where: string
  run(budget: Budget): Promise<Omit<Finding, 'where'>>
}
