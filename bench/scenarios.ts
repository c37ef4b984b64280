/** Which scenarios there are, and who takes part in each: the groups, whose cases are timed in turn. */
import type { Contestant, Kind, Scenario } from './contestant.ts'

export interface Group {
  scenario: Scenario
  payload: number
  kind: Kind
  contestants: readonly Contestant[]
  /** The name of the floor that the group's times are a ratio to. */
  floor: string
}

/** How a scenario is asked for. */
export interface Plan {
  path: string
  /** `none`: no cookie. `few`: some known cookies over and over. `many`: a new instance, and each cookie once in a sample. */
  cookies: 'none' | 'few' | 'many'
  /** Each cookie is good for one call, so the next sample needs new ones. */
  spent?: boolean
  /** What is done to a cookie before it is sent. */
  bend?: 'garbage' | 'tampered'
}

export const PLANS: Record<Scenario, Plan> = {
  anonymous: { path: '/none', cookies: 'none' },
  'anonymous, looked at': { path: '/read', cookies: 'none' },
  'read, warm': { path: '/read', cookies: 'few' },
  'read, cold': { path: '/read', cookies: 'many' },
  write: { path: '/write', cookies: 'many' },
  'sign-in': { path: '/login', cookies: 'none' },
  'sign-in, from a session': { path: '/login', cookies: 'many', spent: true },
  garbage: { path: '/none', cookies: 'few', bend: 'garbage' },
  'garbage, looked at': { path: '/read', cookies: 'few', bend: 'garbage' },
  tampered: { path: '/read', cookies: 'many', bend: 'tampered' },
}

const SMALL: readonly number[] = [1000]
const ALL: readonly number[] = [200, 1000, 3000]

/** The sizes of data that a scenario is measured with. */
const PAYLOADS: Record<Scenario, readonly number[]> = {
  anonymous: SMALL,
  'anonymous, looked at': SMALL,
  'read, warm': ALL,
  'read, cold': ALL,
  write: ALL,
  'sign-in': SMALL,
  'sign-in, from a session': SMALL,
  garbage: SMALL,
  'garbage, looked at': SMALL,
  tampered: SMALL,
}

/** What a scenario can cost at the least is asked of the floor of its kind; without a cookie of ours, Hono's no-op. */
function floorOf(scenario: Scenario, kind: Kind): string {
  if (scenario.startsWith('anonymous') || scenario.startsWith('garbage')) return 'Hono, no-op middleware'
  return { none: '', memory: 'a Map and a hash', sealed: 'jose compact, imported key', libsql: 'raw libSQL client' }[
    kind
  ]
}

/** Every group; `quick` has one payload. Contestants of the kind `none` are in all of them. */
export function groupsOf(contestants: readonly Contestant[], quick: boolean): Group[] {
  const kinds: readonly Kind[] = ['memory', 'sealed', 'libsql']
  return kinds.flatMap((kind) => {
    if (!contestants.some((one) => one.kind === kind)) return []
    return (Object.keys(PLANS) as Scenario[]).flatMap((scenario) =>
      (quick ? SMALL : PAYLOADS[scenario]).map((payload) => ({
        scenario,
        payload,
        kind,
        floor: floorOf(scenario, kind),
        contestants: contestants.filter((one) => one.kind === kind || one.kind === 'none'),
      })),
    )
  })
}
