/** C11: cookies that are not ours, random ones and mutated ones, at a manager with a secret and at sealed sessions. */
import { SessionManager, Store, type SessionRecord } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { Client, type Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { SECRET } from '../places.ts'
import type { Random } from '../random.ts'

const GOAL = 1_000_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
/** What a header can carry and a cookie value should not. */
const ODD = '"\\ ,;=%~\u00a0\u00ff\t{}[]<>'

/** Keeps one session, to have a real token of, and counts who asks. */
class CountingStore extends Store {
  calls = 0
  override get(): undefined {
    this.calls++
  }
  override set(_id: string, _record: SessionRecord): void {
    this.calls++
  }
  override destroy(): void {
    this.calls++
  }
}

export const garbageFigure: Figure = {
  name: 'garbage cookies, random and mutated',
  goal: '0 thrown, 0 accepted, 0 store calls',
  shares: 3,
  places: [
    { where: 'signed tokens', run: (budget) => throwAt(new CountingStore(), SECRET, budget) },
    { where: 'sealed cookie', run: (budget) => throwAt(new CookieStore({ secret: SECRET }), undefined, budget) },
  ],
}

async function throwAt(
  store: Store,
  secret: string | undefined,
  { random, left }: Budget,
): Promise<Omit<Finding, 'where'>> {
  const sessions: Sessions = new SessionManager({ store, ...(secret && { secret }) })
  const client = new Client()
  await client.visit(sessions, (session) => {
    session.data.n = 1
    session.subject = 'u_1'
  })
  const real = client.token as string
  const before = store instanceof CountingStore ? store.calls : 0
  let rounds = 0
  let thrown = 0
  let accepted = 0
  while (rounds < GOAL && (rounds % 256 > 0 || left())) {
    rounds++
    const value = random.below(2) === 0 ? randomText(random) : mutated(random, real)
    // What a cookie header says is the token itself: up to a semicolon, without the space around it.
    if (value.split(';')[0]?.trim() === real) continue
    try {
      const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${value}` } })
      const session = await sessions.load(request)
      if (!session.isNew || session.subject !== undefined) accepted++
    } catch {
      thrown++
    }
  }
  const calls = store instanceof CountingStore ? store.calls - before : 0
  const measured = `${thrown} thrown, ${accepted} accepted, ${calls} store calls`
  return { rounds, of: GOAL, measured, held: thrown + accepted + calls === 0 }
}

function randomText(random: Random): string {
  const from = random.below(3) === 0 ? ALPHABET + ODD : ALPHABET
  return Array.from({ length: random.below(300) }, () => random.pick(from)).join('')
}

function mutated(random: Random, token: string): string {
  const at = random.below(token.length)
  const cut = random.below(4) === 0 ? random.below(5) : random.below(2)
  const put = Array.from({ length: random.below(3) }, () => random.pick(ALPHABET + ODD)).join('')
  return token.slice(0, at) + put + token.slice(at + cut)
}
