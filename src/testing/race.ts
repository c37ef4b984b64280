/**
 * How races are forced to overlap: each racer is held at the door of its store, in a known call, until the others are
 * there too. Nothing sleeps and nothing depends on luck.
 */
import type { SessionManager } from '../core/manager.ts'
import type { SessionOptions } from '../core/options.ts'
import { completeStore, type Store } from '../core/store.ts'
import { manage, type Bench, type Client } from './bench.ts'
import type { CaseDefinition, Need } from './case.ts'
import { faulty, type FaultyStore, type StoreMethod } from './faulty.ts'

/** One racer: a manager, and the door in front of its store. */
export interface Side {
  door: FaultyStore
  sessions: SessionManager
}

/** Two racers: over one store, or each over an instance of its own. */
export type Sides = readonly [Side, Side]

/** One race, for one instance and for two. */
export interface Race {
  name: string
  needs?: readonly Need[]
  run: (bench: Bench, racers: (options?: SessionOptions) => Sides) => Promise<void>
}

function sidesOf(bench: Bench, stores: readonly [Store, Store], options: SessionOptions = {}): Sides {
  const doors = new Map(stores.map((store) => [store, faulty(store)]))
  const side = (store: Store): Side => {
    const door = doors.get(store) as FaultyStore
    return { door, sessions: manage(bench, { ...options, store: door }) }
  }
  return [side(stores[0]), side(stores[1])]
}

/** The race over one instance, and again through two where the store claims `atomic`. */
export function overOneAndTwo(race: Race): CaseDefinition[] {
  const { name, needs = [], run } = race
  return [
    {
      name,
      needs: ['row', 'strong', ...needs],
      run: (bench) => run(bench, (options) => sidesOf(bench, [bench.store, bench.store], options)),
    },
    {
      name: `${name}, through two instances on one backend`,
      needs: ['row', 'strong', 'atomic', 'peer', ...needs],
      async run(bench) {
        const peer = completeStore(await bench.peer())
        await run(bench, (options) => sidesOf(bench, [bench.store, peer], options))
      },
    },
  ]
}

/** Holds each call at its first use of `method` until all are there; then lets them go, and waits for them. */
export async function together<T>(
  method: StoreMethod,
  sides: readonly Side[],
  calls: readonly (() => Promise<T>)[],
): Promise<T[]> {
  const doors = [...new Set(sides.map(({ door }) => door))]
  const releases = doors.map((door) => door.stall(method))
  const running = Promise.all(calls.map((call) => call()))
  const held = Promise.all(releases.map((release) => release.reached(calls.length / doors.length)))
  try {
    await Promise.race([held, running])
  } finally {
    for (const release of releases) release()
  }
  return running
}

/** Runs `meanwhile` while `call` is held at its first use of `method`. */
export async function during<T>(
  { door }: Side,
  method: StoreMethod,
  call: () => Promise<T>,
  meanwhile: () => unknown,
): Promise<T> {
  const release = door.stall(method)
  const running = call()
  try {
    await Promise.race([release.reached(), running])
    await meanwhile()
  } finally {
    release()
  }
  return running
}

/** Loads a visitor's session and prepares a change; what is returned commits it. */
export async function prepare(
  { sessions }: Pick<Side, 'sessions'>,
  visitor: Client,
  change: (session: Awaited<ReturnType<SessionManager['load']>>) => void,
): Promise<() => Promise<Response>> {
  const session = await sessions.load(visitor.request())
  change(session)
  return () => sessions.commit(session, new Response())
}

/** Logs a visitor out, by a request of their own. */
export async function logOut(side: Side, visitor: Client): Promise<Response> {
  const commit = await prepare(side, visitor, (session) => session.destroy())
  return commit()
}
