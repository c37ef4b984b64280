/**
 * Every interleaving of requests in flight on sealed sessions, call by call of their store of revocations: whatever the
 * order, what ended stays ended, one new token takes the place of the old one, and who was spared lives (P6, P7, I02).
 */
import { SessionManager, type Session } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { withoutWaiting } from './explore.ts'
import { SteppedStore, SteppedThreeMethodStore, type Step } from './stepped-store.ts'

const SECRET = 's'.repeat(32)
const SUBJECT = 'u_42'

/** Two sessions of one subject, `mine` and `other`; the requests are all on `mine`, and loaded already. */
type Kind = keyof typeof KINDS
const KINDS = {
  write: (world, session) => (session.set('n', 2), world.commit(session)),
  regenerate: (world, session) => (session.regenerate(), world.commit(session)),
  login: (world, session) => ((session.subject = 'u_1'), world.commit(session)),
  signOut: (world, session) => (session.regenerate({ keepData: false }), world.commit(session)),
  logout: (world, session) => (session.destroy(), world.commit(session)),
  endAll: (world) => world.sessions.removeSessionsOf(SUBJECT),
  endOthers: (world, session) => world.sessions.removeSessionsOf(SUBJECT, { except: session }),
  endAllButOther: (world) => world.sessions.removeSessionsOf(SUBJECT, { except: world.otherId }),
} satisfies Record<string, (world: World, session: Session) => unknown>

withoutWaiting()

/** Encryption under way: only when there is none does every request wait for its store, or is done. */
let busy = 0
beforeAll(() => {
  for (const name of ['encrypt', 'decrypt', 'importKey', 'deriveBits'] as const) {
    const real = crypto.subtle[name].bind(crypto.subtle) as (...args: unknown[]) => Promise<unknown>
    const counted = (...args: unknown[]): Promise<unknown> => {
      busy++
      return real(...args).finally(() => busy--)
    }
    vi.spyOn(crypto.subtle, name).mockImplementation(counted as never)
  }
})

async function settled(): Promise<void> {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  do await turn()
  while (busy > 0)
  await turn()
}

class World {
  readonly sessions: SessionManager
  readonly tokens: string[] = []
  readonly trace: string[] = []
  readonly failures: unknown[] = []
  otherId = ''
  /** The store calls that wait, oldest first. */
  waiting: { label: string; go: () => void }[] = []
  stepping = false
  lost = 0
  #now = 1_700_000_000_000

  constructor(methods: 'own' | 'three') {
    const step: Step = (call, id, _writes, run) => {
      if (!this.stepping) return run()
      return new Promise((resolve) =>
        this.waiting.push({ label: `${call} ${id.slice(8, 11)}`, go: () => resolve(run()) }),
      )
    }
    const Memory = methods === 'own' ? SteppedStore : SteppedThreeMethodStore
    this.sessions = new SessionManager({
      store: new CookieStore({ secret: SECRET, revocations: new Memory(new MemoryStore(), step) }),
      // Never the same millisecond twice: nobody has to wait for the next.
      now: () => this.#now++,
      on: { lost: () => void this.lost++ },
    })
  }

  async run(kinds: readonly Kind[], choices: readonly number[]): Promise<number[]> {
    const [mine, other] = [await this.#signIn(), await this.#signIn()]
    this.tokens.push(mine, other)
    this.otherId = (await this.sessions.findSession(other))?.id ?? ''
    const requests = kinds.map(
      () => new Request('https://shop.example/', { headers: { cookie: `__Host-session=${mine}` } }),
    )
    const loaded: Session[] = []
    for (const request of requests) loaded.push(await this.sessions.load(request))
    this.stepping = true
    const done = kinds.map(async (kind, index) => {
      try {
        await KINDS[kind](this, loaded[index] as Session)
      } catch (error) {
        this.failures.push(error)
      }
    })
    /** How many calls there were to choose from, each time. */
    const widths: number[] = []
    await settled()
    while (this.waiting.length > 0) {
      const [next] = this.waiting.splice(choices[widths.length] ?? 0, 1)
      widths.push(this.waiting.length + 1)
      this.trace.push(next?.label ?? '')
      next?.go()
      await settled()
    }
    await Promise.all(done)
    this.stepping = false
    return widths
  }

  async commit(session: Session): Promise<void> {
    const response = await this.sessions.commit(session, new Response('ok'))
    const token = /^__Host-session=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]
    if (token) this.tokens.push(token)
  }

  /** The ids that are open at the end to whoever kept every cookie there was, and whether as the subject of the start. */
  async open(): Promise<{ mine: string[]; other: boolean; still: number }> {
    const found = new Map<string, string | undefined>()
    for (const token of this.tokens) {
      const one = await this.sessions.findSession(token)
      if (one) found.set(one.id, one.subject)
    }
    const other = found.delete(this.otherId)
    return { mine: [...found.keys()], other, still: [...found.values()].filter((one) => one === SUBJECT).length }
  }

  #signIn(): Promise<string> {
    return this.sessions.createSession({ n: 1 }, { subject: SUBJECT })
  }
}

/** Every order of the calls, depth first; how many. */
async function explore(
  kinds: readonly Kind[],
  methods: 'own' | 'three',
  check: (open: Awaited<ReturnType<World['open']>>, world: World) => void,
): Promise<number> {
  let runs = 0
  for (let choices: number[] | undefined = []; choices; runs++) {
    const world = new World(methods)
    const widths: number[] = await world.run(kinds, choices)
    const open = await world.open()
    try {
      expect(world.failures).toEqual([])
      check(open, world)
    } catch (error) {
      throw new Error(`${kinds.join(' + ')}: ${world.trace.join(', ')}\n${String(error)}`, { cause: error })
    }
    // The last choice that has a next one takes it; those after it begin anew.
    const made: number[] = widths.map((_, index) => choices?.[index] ?? 0)
    const last = made.findLastIndex((choice, index) => choice + 1 < (widths[index] ?? 0))
    choices = last < 0 ? undefined : [...made.slice(0, last), (made[last] ?? 0) + 1]
  }
  return runs
}

describe.each(['own', 'three'] as const)('with a compare-and-set of %s', (methods) => {
  const explored = async (kinds: readonly Kind[], check: Parameters<typeof explore>[2]): Promise<void> => {
    const runs = await explore(kinds, methods, check)
    console.log(`${runs} interleavings of ${kinds.join(' + ')}`)
    // Three methods take turns by themselves: there two logouts have one order.
    expect(runs).toBeGreaterThan(methods === 'own' ? 1 : 0)
  }

  test.each([
    [['logout', 'write']],
    [['logout', 'regenerate']],
    [['logout', 'signOut']],
    [['logout', 'logout']],
    [['endAll', 'write']],
    [['endAll', 'regenerate']],
    [['endAllButOther', 'regenerate']],
    [['logout', 'endOthers']],
  ] satisfies [Kind[]][])('P6: %s leave nothing of that subject open', async (kinds) => {
    await explored(kinds, ({ still }) => expect(still).toBe(0))
  })

  test.each(['regenerate', 'login'] as const)(
    'P6: logout and %s leave no session at all, whoever was first',
    async (kind) => {
      await explored(['logout', kind], ({ mine, other }) => expect([mine, other]).toEqual([[], true]))
    },
  )

  test('R05 P7: of two regenerates one takes the place', async () => {
    await explored(['regenerate', 'regenerate'], ({ mine }, { lost }) => expect([mine.length, lost]).toEqual([1, 1]))
  })

  test('R09 P7: a write beside a regenerate never leaves two sessions', async () => {
    await explored(['regenerate', 'write'], ({ mine }) => expect(mine).toHaveLength(1))
  })

  test('R21: two sign-ins both hold', async () => {
    await explored(['login', 'login'], ({ mine, still }, { lost }) =>
      expect([mine.length, still, lost]).toEqual([2, 0, 0]),
    )
  })

  test('I02: and twice at once', async () => {
    await explored(['endOthers', 'endOthers'], ({ mine, other }) => expect([mine.length, other]).toEqual([1, false]))
  })

  test('two that spare different sessions end both', async () => {
    await explored(['endOthers', 'endAllButOther'], ({ mine, other }) => expect([mine, other]).toEqual([[], false]))
  })
})

test('I02: who is spared lives, also when the token is renewed at the same time', { timeout: 120_000 }, async () => {
  const kinds: Kind[] = ['endOthers', 'regenerate']
  const runs = await explore(kinds, 'own', ({ mine, other }) => expect([mine.length, other]).toEqual([1, false]))
  console.log(`${runs} interleavings of ${kinds.join(' + ')}`)
  expect(runs).toBeGreaterThan(1000)
})

describe('three at once', () => {
  test.each([[['logout', 'regenerate', 'write']], [['endAll', 'regenerate', 'regenerate']]] satisfies [Kind[]][])(
    'P6: %s leave nothing of that subject open',
    { timeout: 120_000 },
    async (kinds) => {
      const runs = await explore(kinds, 'own', ({ still }) => expect(still).toBe(0))
      console.log(`${runs} interleavings of ${kinds.join(' + ')}`)
    },
  )
})
