/**
 * The measuring: cases in turn, A B C A B C, so that whatever else the machine does falls on all of them alike. A sample is
 * as many calls as fill some milliseconds; garbage is collected before it, where the runtime allows.
 */
import type { Driver, Place } from './driver.ts'
import { PLANS, type Group } from './scenarios.ts'
import { spreadOf, type Spread } from './stats.ts'

export interface Effort {
  rounds: number
  /** How long a sample should take. */
  sampleMs: number
}

export const FULL: Effort = { rounds: 9, sampleMs: 25 }
export const QUICK: Effort = { rounds: 3, sampleMs: 5 }
export const IN_FLIGHT: readonly number[] = [1, 16]

/** One row of a table: microseconds a call. */
export interface Row {
  contestant: string
  role: string
  note?: string
  /** Why it was not measured. */
  left?: string
  /** By calls in flight, as `IN_FLIGHT` has them. */
  micros?: readonly Spread[]
}

export interface Table {
  scenario: string
  kind: string
  payload: number
  floor: string
  rows: readonly Row[]
}

const FEWEST = 16
/** Of calls that each need a cookie of their own, and of the others. */
const [MOST_COOKIES, MOST] = [4000, 100_000]

function collect(): void {
  const { gc } = globalThis as { gc?: (options?: object) => void }
  gc?.({ type: 'minor' })
}

/** Calls that fill a sample, found by trying; that warms the code up too. */
async function callsFor(driver: Driver, place: Place, most: number, { sampleMs }: Effort): Promise<number> {
  const clamp = (calls: number): number => Math.min(most, Math.max(FEWEST, Math.round(calls)))
  let calls = FEWEST
  for (;;) {
    await driver.prepare(place, calls)
    const took = await driver.run(place, calls, 1)
    if (took >= sampleMs / 2 || calls === most) return clamp((calls * sampleMs) / took)
    calls = clamp(calls * 4)
  }
}

export async function measure(driver: Driver, groups: readonly Group[], index: number, effort: Effort): Promise<Table> {
  const group = groups[index] as Group
  const { scenario, kind, payload, floor } = group
  const left = new Map<number, string>()
  const runners: { place: Place; calls: number; samples: number[][] }[] = []
  for (const [contestant, one] of group.contestants.entries()) {
    const place = { group: index, contestant }
    const reason = await driver.open(place)
    if (reason !== undefined) {
      left.set(contestant, reason)
      continue
    }
    const most = PLANS[scenario].cookies === 'many' && one.kind !== 'none' ? MOST_COOKIES : MOST
    const calls = await callsFor(driver, place, most, effort)
    runners.push({ place, calls, samples: IN_FLIGHT.map(() => []) })
  }
  for (let round = 0; round < effort.rounds; round++) {
    for (const [level, inFlight] of IN_FLIGHT.entries()) {
      for (const { place, calls, samples } of runners) {
        await driver.prepare(place, calls)
        collect()
        samples[level]?.push(((await driver.run(place, calls, inFlight)) * 1000) / calls)
      }
    }
  }
  await driver.close(index)
  const rows = group.contestants.map(({ name, role, note }, contestant): Row => {
    const runner = runners.find(({ place }) => place.contestant === contestant)
    const reason = left.get(contestant)
    return {
      contestant: name,
      role,
      ...(note !== undefined && { note }),
      ...(reason !== undefined && { left: reason }),
      ...(runner && { micros: runner.samples.map(spreadOf) }),
    }
  })
  return { scenario, kind, payload, floor, rows }
}
