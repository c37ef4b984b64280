/** Races of two requests of one session, and of a sweep with a request (R01 to R06, R10). */
import { Store, type UpdateResult } from '../core/store.ts'
import { createSecret } from '../core/token.ts'
import { check, same } from './assert.ts'
import { aRecord, expecting, find, HOUR, MINUTE, noRow, opensNothing, overlapping, plant } from './bench.ts'
import { signIn, ticks, clientWith, type Bench, type Visitor } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { during, logOut, overOneAndTwo, prepare, together, type Race, type Side, type Sides } from './race.ts'

/** Checks that a logout held: no row, a dead token, and no cookie on the response that came too late. */
async function loggedOut(bench: Bench, sides: Sides, visitor: Visitor, late: Response): Promise<void> {
  await noRow(bench.store, visitor.id, 'u_1')
  for (const { sessions } of sides) await opensNothing(sessions, visitor)
  same(late.headers.getSetCookie(), [], 'the cookies that the late response sets')
}

/** Logs out while a request is held before its write and, in the base class's own methods, right within it. */
async function logOutDuring(
  bench: Bench,
  sides: Sides,
  method: 'update' | 'touch',
  act: (side: Side, visitor: Visitor) => Promise<() => Promise<Response>>,
): Promise<void> {
  const [one, other] = sides
  const visitor = await signIn(one.sessions, 'u_1')
  const late = await during(one, method, await act(one, visitor), () => logOut(other, visitor))
  await loggedOut(bench, sides, visitor, late)
  if (bench.store[method] !== Store.prototype[method]) return

  const next = await signIn(one.sessions, 'u_1')
  let leaving: Promise<Response> | undefined
  await during(one, 'set', await act(one, next), async () => {
    leaving = logOut(other, next)
    await ticks(50)
  })
  await leaving
  await noRow(bench.store, next.id, 'u_1')
}

const races: Race[] = [
  {
    name: 'R01 two requests that write different keys both keep their change',
    async run(_bench, racers) {
      const [one, other] = racers()
      const visitor = await signIn(one.sessions, 'u_1', { old: 0 })
      const left = await prepare(one, visitor, (session) => session.set('left', 1))
      const right = await prepare(other, visitor, (session) => session.set('right', 2))
      await together('update', [one, other], [left, right])
      same(await one.sessions.retrieveSession(visitor.token), { old: 0, left: 1, right: 2 }, 'the data')
    },
  },
  {
    name: 'R01 of many updates that expect the same record exactly one is "ok", and the rest are "conflict"',
    async run(bench, racers) {
      const [one, other] = racers()
      const record = await plant(bench.store, aRecord(bench))
      const update = (n: number): Promise<UpdateResult> => {
        const next = { ...record, version: 2, data: `{"n":${n}}` }
        return Promise.resolve((n % 2 === 0 ? one : other).door.update(next, expecting(record)))
      }
      const calls = Array.from({ length: 8 }, (_, n) => () => update(n))
      const answers = await together('update', [one, other], calls)
      same(answers.toSorted(), [...Array(7).fill('conflict'), 'ok'], 'the answers to eight updates')
      same((await find(bench.store, record.id))?.data, `{"n":${answers.indexOf('ok')}}`, 'the data that stays')
    },
  },
  {
    name: 'R02 two requests that add the same new key: `onConflict` decides, once',
    async run(_bench, racers) {
      let decisions = 0
      const [one, other] = racers({
        onConflict: (_base, mine, theirs) => {
          decisions++
          return { key: [mine['key'], theirs['key']].toSorted() }
        },
      })
      const visitor = await signIn(one.sessions, 'u_1')
      const a = await prepare(one, visitor, (session) => session.set('key', 'a'))
      const b = await prepare(other, visitor, (session) => session.set('key', 'b'))
      await together('update', [one, other], [a, b])
      same(await one.sessions.retrieveSession(visitor.token), { key: ['a', 'b'] }, 'the data')
      same(decisions, 1, 'how often `onConflict` was asked')
    },
  },
  {
    name: 'R03 a logout during a slow writing request stays a logout',
    run: (bench, racers) =>
      logOutDuring(bench, racers(), 'update', (side, visitor) =>
        prepare(side, visitor, (session) => session.set('n', 1)),
      ),
  },
  {
    name: 'R04 a logout during a slow read-only request that renews stays a logout',
    run: (bench, racers) =>
      logOutDuring(bench, racers(), 'touch', (side, visitor) => {
        bench.clock.advance(10 * MINUTE)
        return prepare(side, visitor, () => {})
      }),
  },
  {
    name: 'R05 of two concurrent regenerations one token lives, and the loser sets no cookie',
    async run(_bench, racers) {
      const sides = racers()
      const visitor = await signIn(sides[0].sessions, 'u_1', { kept: true })
      const calls = await Promise.all(sides.map((side) => prepare(side, visitor, (session) => session.regenerate())))
      const responses = await together('update', sides, calls)
      const cookies = responses.flatMap((response) => response.headers.getSetCookie().slice(0, 1))
      same(cookies.length, 1, 'how many of the two responses set a cookie')
      const winner = clientWith(new Headers({ cookie: cookies[0]?.split(';', 1)[0] ?? '' }))
      for (const { sessions } of sides) {
        same(await sessions.retrieveSession(winner.token), { kept: true }, 'the data under the new token')
        await opensNothing(sessions, visitor)
      }
    },
  },
  {
    name: 'R06 a logout during a regeneration: the session is gone, under the old token and the new',
    run: (bench, racers) =>
      logOutDuring(bench, racers(), 'update', (side, visitor) =>
        prepare(side, visitor, (session) => session.regenerate()),
      ),
  },
  {
    name: 'R06 a logout that was on its way when the token was replaced still ends the session',
    async run(bench, racers) {
      const [one, other] = racers()
      const visitor = await signIn(one.sessions, 'u_1')
      const leave = await prepare(other, visitor, (session) => session.destroy())
      const renew = await prepare(one, visitor, (session) => session.regenerate())
      let renewed: Response | undefined
      await during(other, 'destroy', leave, async () => (renewed = await renew()))
      const cookie = renewed?.headers.getSetCookie()[0]?.split(';', 1)[0]
      check(cookie, 'The response to a regeneration sets no cookie.')
      await noRow(bench.store, visitor.id, 'u_1')
      for (const { sessions } of [one, other]) await opensNothing(sessions, clientWith(new Headers({ cookie })))
    },
  },
  {
    name: 'R10 a sweep that races a touch: the live row survives',
    needs: ['removeExpired'],
    async run(bench, racers) {
      const [one, other] = racers()
      const visitor = await signIn(one.sessions, 'u_1')
      const expiresAt = bench.clock() + HOUR
      bench.clock.set(expiresAt - 1)
      const renew = await prepare(one, visitor, () => {})
      await during(one, 'touch', renew, () => other.sessions.removeExpiredSessions())
      bench.clock.set(expiresAt)
      same(await other.sessions.removeExpiredSessions(), 0, 'how many live sessions a sweep removed')
      check(!(await other.sessions.load(visitor.request())).isNew, 'A sweep removed a session that had been renewed.')

      const now = bench.clock()
      await overlapping(async () => {
        const record = await plant(bench.store, aRecord(bench, { expiresAt: now }))
        return {
          calls: [
            () => one.door.touch(record.id, now + HOUR, now, expecting(record)),
            () => other.door.removeExpired?.(now, 100),
          ],
          afterwards: async ([touched]) => {
            const left = (await find(bench.store, record.id)) !== undefined
            same(left, touched, 'whether the row is left, where touch said whether it held,')
          },
        }
      })
    },
  },
]

/** An update whose expected version is off by so much. */
async function expectingAnother(bench: Bench, by: number): Promise<void> {
  const record = await plant(bench.store, aRecord(bench, { version: 3 }))
  const { verifier } = record
  const version = record.version + by
  const answer = await bench.store.update(
    { ...record, version: version + 1, data: '{"late":true}' },
    { version, verifier },
  )
  same(answer, 'conflict', `update expecting version ${version} where it is 3`)
  same(await find(bench.store, record.id), record, 'the record')
}

export const raceCases: CaseDefinition[] = [
  ...races.flatMap(overOneAndTwo),
  {
    name: 'R01 update expecting an older version is "conflict", and changes nothing',
    needs: ['row'],
    run: (bench) => expectingAnother(bench, -1),
  },
  {
    // To an eventual store, a row older than the one expected is a row it does not see yet.
    name: 'R01 update expecting a newer version is "conflict", and changes nothing',
    needs: ['row', 'strong'],
    run: (bench) => expectingAnother(bench, +1),
  },
  {
    name: 'R05 update expecting another verifier is "conflict", and changes nothing',
    needs: ['row'],
    async run(bench) {
      const record = await plant(bench.store, aRecord(bench))
      const next = { ...record, version: 2, verifier: createSecret() }
      const answer = await bench.store.update(next, { version: 1, verifier: createSecret() })
      same(answer, 'conflict', 'update expecting another verifier')
      same(await find(bench.store, record.id), record, 'the record')
    },
  },
]
