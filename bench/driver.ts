/**
 * Opens contestants, checks them, and runs samples of them. In Node, Bun and Deno the harness holds one itself; in a Worker
 * it stands behind a request, because a Worker's clock does not move while it computes.
 */
import type { Contestant, Fetch, World } from './contestant.ts'
import { PLANS, type Group, type Plan } from './scenarios.ts'
import { check, garbage, requestTo, seeded, tampered } from './visitor.ts'

/** A case by its place: of its group, and in it. */
export interface Place {
  group: number
  contestant: number
}

export interface Driver {
  /** Opens and checks a contestant; why it is left out, or `undefined`. */
  open: (place: Place) => Promise<string | undefined>
  /** Makes what a sample of so many calls needs. Not timed. */
  prepare: (place: Place, calls: number) => Promise<void>
  /** Makes the calls, so many at a time; milliseconds. */
  run: (place: Place, calls: number, inFlight: number) => Promise<number>
  /** Closes every contestant of a group. */
  close: (group: number) => Promise<void>
}

interface Case {
  contestant: Contestant
  world: World
  app: Fetch
  pool: string[]
  /** What the next sample sends. */
  cookies: string[]
  path: string
}

function keyOf({ group, contestant }: Place): string {
  return `${group}:${contestant}`
}

/** Known cookies, sent over and over, where a scenario wants them known. */
const FEW = 16

/** Cookies of sessions, as a scenario sends them. */
async function cookiesOf(world: World, { bend }: Plan, count: number): Promise<string[]> {
  const cookies = await seeded(world, await world.app(), count)
  return bend ? cookies.map({ garbage, tampered }[bend]) : cookies
}

export function localDriver(
  groups: readonly Group[],
  directory: string,
  now: () => number = () => performance.now(),
): Driver {
  const cases = new Map<string, Case>()
  const caseAt = (place: Place): Case => cases.get(keyOf(place)) as Case
  /** Who keeps no sessions answers the very requests that latchkey does: a request is made with its headers. */
  const cookiesOfOurs = async (group: number): Promise<string[]> => {
    const { scenario, payload, contestants } = groups[group] as Group
    const world = await (contestants.find(({ role }) => role === 'latchkey') as Contestant).open(payload, directory)
    try {
      return await cookiesOf(world, PLANS[scenario], FEW)
    } finally {
      await world.close?.()
    }
  }
  return {
    async open(place) {
      const group = groups[place.group] as Group
      const contestant = group.contestants[place.contestant] as Contestant
      const missing = contestant.without?.[group.scenario]
      if (missing !== undefined) return missing
      let world: World | undefined
      try {
        world = await contestant.open(group.payload, directory)
        await check(contestant, world, group.scenario, group.payload)
        const app = await world.app()
        cases.set(keyOf(place), { contestant, world, app, pool: [], cookies: [], path: PLANS[group.scenario].path })
        return undefined
      } catch (error) {
        await world?.close?.()
        return error instanceof Error ? error.message : String(error)
      }
    },

    async prepare(place, calls) {
      const { scenario } = groups[place.group] as Group
      const plan = PLANS[scenario]
      const one = caseAt(place)
      if (plan.cookies === 'none') {
        one.cookies = ['']
        return
      }
      if (one.contestant.kind === 'none') {
        if (one.cookies.length === 0) one.cookies = await cookiesOfOurs(place.group)
        return
      }
      const wanted = plan.cookies === 'few' ? FEW : calls
      if (plan.spent) one.pool = []
      if (one.pool.length < wanted) {
        one.pool.push(...(await cookiesOf(one.world, plan, wanted - one.pool.length)))
      }
      one.cookies = one.pool.slice(0, wanted)
      if (plan.cookies === 'few') {
        for (const cookie of one.cookies) await (await one.app(requestTo(one.path, cookie))).text()
        return
      }
      // A new instance has seen nothing; a visitor without a cookie, and one with a cookie of no session in the pool, make its
      // keys, as the first request of a process does.
      one.app = await one.world.app()
      await (await one.app(requestTo('/read', ''))).text()
      const [first = ''] = await seeded(one.world, await one.world.app(), 1)
      await (await one.app(requestTo('/read', first))).text()
    },

    async run(place, calls, inFlight) {
      const { app, cookies, path } = caseAt(place)
      let next = 0
      const client = async (): Promise<void> => {
        while (next < calls) {
          const cookie = cookies[next++ % cookies.length] as string
          const response = await app(requestTo(path, cookie))
          if (response.status !== 200) throw new Error(`answered ${response.status}`)
        }
      }
      const start = now()
      if (inFlight === 1) await client()
      else await Promise.all(Array.from({ length: inFlight }, client))
      return now() - start
    },

    async close(group) {
      for (const [key, { world }] of cases) {
        if (!key.startsWith(`${group}:`)) continue
        await world.close?.()
        cases.delete(key)
      }
    },
  }
}
