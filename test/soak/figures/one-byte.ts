/**
 * C01: seals and signed tokens with one byte changed. Every position is changed: to one other character, and where the last
 * character of a segment has unused bits, to all 63 others.
 */
import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { MemoryStore } from 'latchkey/stores/memory'
import type { Sessions } from '../client.ts'
import type { Budget, Figure, Finding } from '../figure.ts'
import { SECRET } from '../places.ts'
import type { Random } from '../random.ts'

const GOAL = 1_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export const oneByteFigure: Figure = {
  name: 'one-byte changes of 1,000 tokens, at every position',
  goal: '0 accepted',
  shares: 2,
  places: [
    {
      where: 'signed tokens',
      run: (budget) => change(new SessionManager({ store: new MemoryStore(), secret: SECRET }), budget),
    },
    {
      where: 'sealed cookie',
      run: (budget) => change(new SessionManager({ store: new CookieStore({ secret: SECRET }) }), budget),
    },
  ],
}

async function change(sessions: Sessions, { random, left }: Budget): Promise<Omit<Finding, 'where'>> {
  let rounds = 0
  let changes = 0
  let accepted = 0
  while (rounds < GOAL && left()) {
    rounds++
    const token = await sessions.createSession({ n: rounds }, { subject: 'u_1' })
    for (const changed of changesOf(token, random)) {
      changes++
      if (await sessions.findSession(changed)) accepted++
    }
  }
  return { rounds, of: GOAL, measured: `${accepted} of ${changes} accepted`, held: accepted === 0 && changes > 0 }
}

function* changesOf(token: string, random: Random): Generator<string> {
  for (let at = 0; at < token.length; at++) {
    const isLast = at === token.length - 1 || token[at + 1] === '.'
    const others = isLast ? ALPHABET : [token[at] === '.' ? '_' : random.pick(ALPHABET)]
    for (const char of others) {
      if (char !== token[at]) yield token.slice(0, at) + char + token.slice(at + 1)
    }
  }
}
