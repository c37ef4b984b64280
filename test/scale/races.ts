/**
 * R03 to R06, many times over. In each round two requests of one session are held at the door of the store until both have
 * come; then they are let in together, in either order and a few steps apart. Where the base class compares and sets, a round
 * in four holds the first request within its write. Afterwards every token that was ever issued is tried on both instances.
 *
 *     npm run races            1,000 rounds of each race on each store
 *     npm run races -- 50      fewer
 */
import { pathToFileURL } from 'node:url'
import { SessionManager, Store, type SessionOptions, type SessionRecord } from 'latchkey'
import { faulty, testClock, type FaultyStore, type StoreMethod, type TestClock } from 'latchkey/testing'
import { STRONG_STORES, type OpenStores } from './stores.ts'

type Manager = SessionManager
type Change = (session: Awaited<ReturnType<Manager['load']>>) => void

/** One request of a race: what it does, and where it is held. */
interface Racer {
  change: Change
  at: StoreMethod
}

export interface Race {
  name: string
  racers: readonly [Racer, Racer]
  /** How many tokens are alive afterwards. */
  alive: 0 | 1
  options?: SessionOptions
}

const write: Racer = { change: (session) => session.set('late', true), at: 'update' }
const read: Racer = { change: (session) => void session.subject, at: 'touch' }
const regenerate: Racer = { change: (session) => session.regenerate(), at: 'update' }
const logOut: Racer = { change: (session) => session.destroy(), at: 'destroy' }

export const RACES: Race[] = [
  { name: 'R03 a write against a logout', racers: [write, logOut], alive: 0 },
  { name: 'R04 a read that renews against a logout', racers: [read, logOut], alive: 0 },
  { name: 'R05 two regenerations', racers: [regenerate, regenerate], alive: 1 },
  { name: 'R06 a regeneration against a logout', racers: [regenerate, logOut], alive: 0 },
]

/** Where tokens are replaced as they age: a read that finds one old, against a logout. */
export const ROTATION_RACE: Race = {
  name: 'R06 a rotation against a logout',
  racers: [{ change: (session) => void session.subject, at: 'update' }, logOut],
  alive: 0,
  options: { rotateEvery: '5m' },
}

export interface Tally {
  rounds: number
  /** Rounds in which both requests were in the store's hands at once. */
  overlapped: number
  /** Rounds in which the first racer's write took effect before the other one's; the rest went the other way. */
  firstWon: number
  /** Rounds after a logout with a row, or a token that opened something. */
  resurrected: number
  /** Rounds that did not leave exactly as many live tokens as they should. */
  wrongTokens: number
  /** Rounds in which the loser set a cookie with a token. */
  strayCookies: number
}

interface Side {
  door: FaultyStore
  sessions: Manager
}

const MINUTE = 60_000

/** Runs one race `rounds` times on stores that share a backend. */
export async function repeat(race: Race, { stores }: OpenStores, rounds: number): Promise<Tally> {
  const tally: Tally = { rounds, overlapped: 0, firstWon: 0, resurrected: 0, wrongTokens: 0, strayCookies: 0 }
  const clock = testClock()
  const sides = sidesOf(stores, clock, race.options)
  for (let round = 0; round < rounds; round++) await runRound(race, sides, clock, round, tally)
  return tally
}

function sidesOf(stores: readonly [Store, Store], now: TestClock, options: SessionOptions = {}): readonly [Side, Side] {
  // A store that both share has one door: the base class's lock is behind it.
  const doors = new Map(stores.map((store) => [store, faulty(store)]))
  const side = (store: Store): Side => {
    const door = doors.get(store) as FaultyStore
    return {
      door,
      sessions: new SessionManager({ store: door, now, initial: () => ({}), touchEvery: '5m', ...options }),
    }
  }
  return [side(stores[0]), side(stores[1])]
}

async function runRound(
  race: Race,
  sides: readonly [Side, Side],
  clock: TestClock,
  round: number,
  tally: Tally,
): Promise<void> {
  const [one, other] = sides
  const token = await one.sessions.createSession({ kept: true }, { subject: 'u_1' })
  const id = token.slice(0, token.indexOf('.'))
  clock.advance(10 * MINUTE)
  const commits = await Promise.all(
    race.racers.map(({ change }, index) => prepared(sides[index] as Side, token, change)),
  )
  const within = one.door === other.door && one.door.update === Store.prototype.update
  const responses = await (within && round % 4 === 3 ? insideOneAnother : sideBySide)(
    race,
    sides,
    commits,
    round,
    tally,
  )

  const issued = responses.map(tokenIn)
  const live = await alive([token, ...issued], sides)
  const row = await other.door.get(id)
  if (race.alive === 0 && (row || live.length > 0)) tally.resurrected++
  const right = live.length === race.alive && !live.includes(token) && (race.alive === 0 || (await opens(row, live)))
  if (!right) tally.wrongTokens++
  // A regeneration that came before its logout had set a cookie in all honesty; of two regenerations only one did.
  const cookies = issued.filter(Boolean).length
  if (cookies > (race.racers[0] === regenerate || race.options ? 1 : 0)) tally.strayCookies++
}

/** Both are held at the door, then let in, one or the other a few steps ahead. */
async function sideBySide(
  { racers }: Race,
  sides: readonly [Side, Side],
  commits: readonly (() => Promise<Response>)[],
  round: number,
  tally: Tally,
): Promise<Response[]> {
  const [first, second] = racers
  const oneDoor = sides[0].door === sides[1].door && first.at === second.at
  const gates = oneDoor
    ? [sides[0].door.stall(first.at)]
    : racers.map(({ at }, index) => (sides[index] as Side).door.stall(at))
  const done: number[] = []
  const start = async (index: number): Promise<Response> => {
    const response = (await commits[index]?.()) as Response
    done.push(index)
    return response
  }
  // At one door it is the order of arrival that is let in; at two, the order of the gates below.
  const running = round % 2 === 0 ? [start(0), start(1)] : [start(1), start(0)].toReversed()
  await Promise.all(gates.map((gate) => gate.reached(oneDoor ? 2 : 1)))
  tally.overlapped++
  const [ahead, behind] = round % 2 === 0 ? gates : gates.toReversed()
  ahead?.()
  for (let step = (round >> 1) % 12; step > 0; step--) await Promise.resolve()
  behind?.()
  const responses = await Promise.all(running)
  if (done[0] === 0) tally.firstWon++
  return responses
}

/** The first is held within its write, the lock of the base class in its hands, while the second comes. */
async function insideOneAnother(
  _race: Race,
  [{ door }]: readonly [Side, Side],
  [first, second]: readonly (() => Promise<Response>)[],
  round: number,
  tally: Tally,
): Promise<Response[]> {
  const gate = door.stall('set')
  const one = first?.()
  await gate.reached()
  const other = second?.()
  for (let step = round % 40; step > 0; step--) await Promise.resolve()
  tally.overlapped++
  tally.firstWon++
  gate()
  return Promise.all([one, other]) as Promise<Response[]>
}

/** A request under way, loaded and changed by its handler; the function commits it. */
async function prepared({ sessions }: Side, token: string, change: Change): Promise<() => Promise<Response>> {
  const session = await sessions.load(requestWith(token))
  change(session)
  return () => sessions.commit(session, new Response())
}

function requestWith(token: string): Request {
  return new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
}

function tokenIn(response: Response): string | undefined {
  return /^__Host-session=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]
}

/** Those of the tokens that open a session, for a request or for a headless call, on either instance. */
async function alive(tokens: readonly (string | undefined)[], sides: readonly Side[]): Promise<string[]> {
  const live = new Set<string>()
  for (const token of tokens) {
    for (const { sessions } of sides) {
      if (token === undefined) continue
      if (await sessions.findSession(token)) live.add(token)
      if (!(await sessions.load(requestWith(token))).isNew) live.add(token)
    }
  }
  return [...live]
}

/** Whether the row is the one that the live token opens. */
async function opens(row: SessionRecord | undefined, [token]: readonly string[]): Promise<boolean> {
  const secret = new TextEncoder().encode(token?.split('.')[1])
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', secret)).toString('base64url')
  return row?.verifier === hash
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rounds = Number(process.argv[2] ?? 1_000)
  const table: Record<string, Record<string, number | string>> = {}
  const total = { rounds: 0, failures: 0 }
  for (const { name, open } of STRONG_STORES) {
    for (const race of RACES) {
      const opened = await open()
      const start = performance.now()
      const tally = await repeat(race, opened, rounds)
      opened.close()
      const { overlapped, firstWon, resurrected, wrongTokens, strayCookies } = tally
      total.rounds += rounds
      total.failures += resurrected + wrongTokens + strayCookies
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      table[`${name}: ${race.name}`] = {
        rounds,
        overlapped,
        'first came first': firstWon,
        resurrected,
        'wrong live tokens': wrongTokens,
        'stray cookies': strayCookies,
        seconds,
      }
    }
  }
  console.table(table)
  console.log(`${total.rounds} rounds, ${total.failures} that broke a promise`)
  if (total.failures > 0) process.exitCode = 1
}
