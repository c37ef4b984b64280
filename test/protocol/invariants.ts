/**
 * What must hold at the end of every run of the model, whatever the interleaving. Each line names its promise or case; a
 * failure shows the run that broke it.
 */
import { expect } from 'vitest'
import {
  HANDLERS,
  NEWCOMER,
  OLD_ID,
  OLD_TOKEN,
  startsSignedIn,
  USER,
  verifierOf,
  type Actor,
  type Data,
  type Kind,
  type World,
} from './world.ts'

export const ALL_KINDS = Object.keys(HANDLERS) as Kind[]
const SIGNS_IN: readonly Kind[] = ['login', 'loginAndWrite']
/** Bring in a new token, so that a write on the old one is dropped. */
const TURNS: readonly Kind[] = [...SIGNS_IN, 'regenerate', 'signOut']

/**
 * Where the protocol stops. Two new tokens can be on their way to one browser at once, and the answer that arrives last
 * wins (`overtaken`). A row remembers one replaced token: a request whose token was replaced twice, within the time it
 * took, is a stranger (`twiceReplaced`).
 */
export type Limit = 'overtaken' | 'twiceReplaced'

type Found = Awaited<ReturnType<World['sessions']['findSession']>>

/** Fails, with the run that shows it, when a promise is broken; otherwise the limits the run met. */
export async function checkInvariants(world: World): Promise<Set<Limit>> {
  const run = new Run(world)
  for (const token of world.tokens) run.found.set(token, await world.sessions.findSession(token))
  for (const actor of world.actors) {
    run.must(actor.answered && actor.error === undefined, `${actor.name} was not answered: ${String(actor.error)}`)
  }
  await run.oneTokenEach()
  run.endsStayEnded()
  run.oldTokenIsDead()
  run.browserIsNotLoggedOut()
  run.writesAreKept()
  await run.attackerGetsNothing()
  if (run.failures.length > 0) expect.fail(`${run.failures.join('\n')}\n  ${world.trace.join('\n  ')}`)
  return run.limits
}

class Run {
  readonly world: World
  readonly failures: string[]
  readonly limits = new Set<Limit>()
  readonly found = new Map<string, Found>()
  constructor(world: World) {
    this.world = world
    this.failures = [...world.broken]
  }

  must(holds: boolean, promise: string): void {
    if (!holds) this.failures.push(promise)
  }

  /** The requests of these kinds. */
  all(...kinds: readonly Kind[]): Actor[] {
    return this.world.actors.filter(({ kind }) => kinds.includes(kind))
  }

  /** Those whose change was not dropped. */
  held(...kinds: readonly Kind[]): Actor[] {
    return this.all(...kinds).filter(({ lost }) => !lost)
  }

  async oneTokenEach(): Promise<void> {
    const tokens = [...new Set(this.world.tokens)]
    for await (const { id, verifier, previous } of this.world.records.all()) {
      const opening = tokens.filter((token) => this.found.get(token)?.id === id)
      const which = id === OLD_ID ? 'from before' : 'begun here'
      const current = opening.filter((token) => verifierOf(token) === verifier)
      this.must(current.length === 1, `P7: ${current.length} tokens are the one of the session ${which}`)
      // Until the new token has been used for a while, a rotation serves the one before as well.
      const handedOver = previous?.handover === undefined ? 0 : 1
      this.must(opening.length <= 1 + handedOver, `P7: ${opening.length} tokens open the session ${which}`)
    }
  }

  endsStayEnded(): void {
    const { records, start } = this.world
    if (start === 'nothing') return
    const row = records.get(OLD_ID)
    const aware = (actor: Actor): boolean => actor.sentToken === OLD_TOKEN
    const late = this.world.turns > 1
    if (this.all('logout').some(aware) && row) {
      if (late) this.limits.add('twiceReplaced')
      else this.must(false, 'P6: a destroyed session has a row')
    }
    const signedIn = startsSignedIn(start) && row?.subject === USER
    if (this.all('signOut').some(aware) && signedIn) {
      if (late) this.limits.add('twiceReplaced')
      else this.must(false, 'P6: a sign-out left the subject')
    }
    if (this.held('signOut').some(({ session }) => session?.id === OLD_ID)) {
      this.must(!row?.data.includes('mine') || this.held(...SIGNS_IN).length > 0, 'a sign-out left data')
    }
  }

  oldTokenIsDead(): void {
    const turned = this.held(...TURNS).some(
      ({ sentToken, session }) => sentToken === OLD_TOKEN && session?.id === OLD_ID,
    )
    if (turned) this.must(!this.found.get(OLD_TOKEN), 'P7: the old token opens a session after a new one came in')
  }

  browserIsNotLoggedOut(): void {
    const { start, jar, lastCookieFrom } = this.world
    if (this.all('logout', 'signOut').length > 0) return
    const mine = jar === undefined ? undefined : this.found.get(jar)
    if (!mine) {
      const limit = start === 'rotating' && this.#limitOnTheWay()
      if (limit) this.limits.add(limit)
      else this.must(start === 'nothing' && !lastCookieFrom, 'R19: the browser holds a dead token')
      return
    }
    if (start === 'nothing') return
    const expected = this.held(...SIGNS_IN).length > 0 ? NEWCOMER : startsSignedIn(start) ? USER : undefined
    if (mine.subject === expected) return
    const limit = this.#limitOnTheWay()
    if (limit) this.limits.add(limit)
    else this.must(false, 'R19, R20, R21: the browser was logged out by requests that were no logout')
  }

  #limitOnTheWay(): Limit | undefined {
    const { actors, lastCookieFrom: last, turns, start } = this.world
    // A rotation brings a token on any answer, which a regenerate may have ended on the way.
    const rotating = start === 'rotating'
    const ahead = this.all(...(rotating ? TURNS : SIGNS_IN)).filter(({ arrivedAt }) => arrivedAt >= 0)
    const overtook = (actor: Actor): boolean =>
      (rotating || actor.kind === 'regenerate') &&
      ahead.some((other) => actor.sentAt < other.arrivedAt && other.arrivedAt < actor.arrivedAt)
    if (actors.some(overtook)) return 'overtaken'
    const stranger = last && !TURNS.includes(last.kind) && last.sentToken === OLD_TOKEN
    return turns > 1 && stranger ? 'twiceReplaced' : undefined
  }

  writesAreKept(): void {
    const { actors, start, records } = this.world
    if (start === 'rotating' && this.all(...TURNS, 'logout').length === 0) {
      this.must(
        actors.every(({ servedAs }) => servedAs === USER),
        'a rotation made a stranger of a request',
      )
      this.must(this.world.turns === 1, `${this.world.turns} rotations at once`)
    }
    if (this.all(...TURNS, 'logout').length === 0) {
      this.must(
        actors.every(({ lost }) => !lost),
        'P4: a write was dropped, though nobody replaced the token',
      )
    }
    const signsIn = this.held(...SIGNS_IN)
    // A user's sign-out that met another new token has ended the session, as a logout does.
    const ended = this.all('logout').length > 0 || (startsSignedIn(start) && this.all('signOut').length > 0)
    if (!ended) {
      const dropped = this.all(...SIGNS_IN).some(({ lost, knownBefore }) => lost && !knownBefore)
      this.must(!dropped, 'R21: a sign-in was dropped, though nobody logged out')
    }
    // A sign-out, and a sign-in over somebody else's session, replace what others wrote and merge nothing.
    if (this.all('signOut').length > 0 || (startsSignedIn(start) && signsIn.length > 0)) return
    const names = (...kinds: Kind[]): unknown[] => this.held(...kinds).map(({ name }) => name)
    for (const { kind, session, lost } of actors) {
      const record = session?.id === undefined ? undefined : records.get(session.id)
      if (lost || !record) continue
      const data = JSON.parse(record.data) as Data
      if (kind === 'writeA') this.must(names('writeA', 'loginAndWrite').includes(data.a), 'P4, P5: a was lost')
      if (kind === 'writeB') this.must(names('writeB').includes(data.b), 'P4: b was lost')
      if (kind === 'increment') {
        const here = this.held('increment').filter((other) => other.session?.id === record.id).length
        this.must(data.n === here, `P5: ${here} increments made ${data.n}`)
      }
      if (SIGNS_IN.includes(kind)) {
        this.must(record.subject === NEWCOMER && data.mine === 'private', 'R21: a sign-in was lost')
      }
    }
  }

  /** Somebody with a copy of the token from before the sign-in reads with it, and writes. */
  async attackerGetsNothing(): Promise<void> {
    const { records, start, tokens } = this.world
    if (start !== 'visitor' || this.held(...SIGNS_IN).length === 0) return
    const before = JSON.stringify(records.get(OLD_ID))
    let [mine, subject]: (string | undefined)[] = []
    const token = await this.world.visit(OLD_TOKEN, (session) => {
      mine = session.data.mine
      subject = session.subject
      session.data.a = 'attack'
    })
    this.must(mine === undefined && subject === undefined, 'P7: a token from before the sign-in sees what is behind it')
    const theirs = this.found.get(OLD_TOKEN)
    this.must(theirs !== undefined || JSON.stringify(records.get(OLD_ID)) === before, 'P7: a dead token changed a row')
    this.must(token === undefined || !tokens.includes(token), 'P8: a visitor was given another visitor’s token')
  }
}
