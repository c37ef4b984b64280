/** Cases of subjects, device lists and events, through a real manager (I01 to I05). */
import { SessionNotFoundError } from '../core/errors.ts'
import type { SessionHooks } from '../core/events.ts'
import type { SessionManager } from '../core/manager.ts'
import { check, rejects, same } from './assert.ts'
import { DAY, manage, MINUTE, opensNothing, signIn, clientWith, type Client } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { faulty } from './faulty.ts'
import { loginAs } from './login.ts'
import { prepare } from './race.ts'

/** Every text in a value, however deep. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
}

/** Whether a text holds what makes a token a token: anything of it beyond the public id. */
function holdsSecret(text: string, { token }: Client): boolean {
  const [, ...secrets] = token.split('.')
  return secrets.some((secret) => secret !== '' && text.includes(secret))
}

/** A visitor after a response that may have brought a new token. */
function after(visitor: Client, response: Response): Client {
  const [name] = (visitor.headers.get('cookie') ?? '').split('=', 1)
  const found = response.headers.getSetCookie().find((header) => header.startsWith(`${name}=`))
  const cookie = found?.split(';', 1)[0]
  return clientWith(cookie ? new Headers({ cookie }) : visitor.headers)
}

async function regenerated(sessions: SessionManager, visitor: Client): Promise<Client> {
  const session = await sessions.load(visitor.request())
  session.regenerate()
  return after(visitor, await sessions.commit(session, new Response()))
}

const EVENTS = [
  'created',
  'loaded',
  'updated',
  'touched',
  'regenerated',
  'destroyed',
  'expired',
  'rejected',
  'conflict',
  'merged',
  'lost',
  'storeError',
] as const

export const subjectCases: CaseDefinition[] = [
  {
    name: "I01 a list of a user's sessions yields nothing that can be used as a token",
    needs: ['row', 'findBySubject'],
    async run(bench) {
      const sessions = manage(bench)
      const visitors = [await signIn(sessions, 'u_1'), await signIn(sessions, 'u_1')]
      const records = await bench.store.findBySubject?.('u_1')
      const listed = await sessions.listSessions('u_1', { current: visitors[0]?.id })
      same(listed.length, 2, 'how many sessions are listed')
      const texts = textsIn([listed, records])
      for (const visitor of visitors) {
        check(!texts.some((text) => holdsSecret(text, visitor)), 'A list of sessions holds the secret of a token.')
      }
      for (const text of texts) await rejects(sessions.retrieveSession(text), [SessionNotFoundError], 'a listed text')
    },
  },
  {
    name: 'I02 log out everywhere else keeps the current session, also when its token was renewed in the same request',
    needs: ['row', 'removeBySubject'],
    async run(bench) {
      const sessions = manage(bench)
      const others = [await signIn(sessions, 'u_1'), await signIn(sessions, 'u_1')]
      const stranger = await signIn(sessions, 'u_2')
      for (const saved of [false, true]) {
        const mine = await signIn(sessions, 'u_1', { mine: true })
        const session = await sessions.load(mine.request())
        session.regenerate()
        if (saved) await session.save()
        await sessions.removeSessionsOf('u_1', { except: session })
        const now = after(mine, await sessions.commit(session, new Response()))
        same(await sessions.retrieveSession(now.token), { mine: true }, 'the current session')
        for (const dead of [...others, mine]) await opensNothing(sessions, dead)
        others.push(await signIn(sessions, 'u_1'))
      }
      same(await sessions.retrieveSession(stranger.token), {}, "somebody else's session")
    },
  },
  {
    name: 'I03 five sign-ins at the same time are five sessions in the list',
    needs: ['row', 'findBySubject'],
    async run(bench) {
      const store = faulty(bench.store)
      const sessions = manage(bench, { store })
      const release = store.stall('create')
      const signingIn = Promise.all(Array.from({ length: 5 }, () => loginAs(sessions, 'u_1')))
      await Promise.race([release.reached(5), signingIn])
      release()
      const ids = (await signingIn).map((headers) => clientWith(headers).token.split('.', 1)[0])
      const listed = await sessions.listSessions('u_1')
      same(listed.map(({ id }) => id).toSorted(), ids.toSorted(), 'the sessions listed')
    },
  },
  {
    name: 'I04 the subject survives regenerate()',
    needs: [],
    async run(bench) {
      const sessions = manage(bench)
      const visitor = clientWith(await loginAs(sessions, 'u_1', { data: { cart: 1 } }))
      const since = (await sessions.load(visitor.request())).authenticatedAt
      bench.clock.advance(10 * MINUTE)
      const next = await regenerated(sessions, visitor)
      check(next.token !== visitor.token, 'The token is the same after regenerate().')
      const session = await sessions.load(next.request())
      same([session.subject, session.authenticatedAt, session.data], ['u_1', since, { cart: 1 }], 'the session')
      if (!bench.store.findBySubject) return
      same(
        (await sessions.listSessions('u_1')).map(({ id }) => id),
        [session.id],
        'the sessions listed',
      )
    },
  },
  {
    name: 'I05 every event carries the public id, never the token',
    needs: [],
    async run(bench) {
      const events: [string, object][] = []
      const on: SessionHooks = {}
      for (const name of EVENTS) on[name] = (event) => void events.push([name, { ...event }])
      const sessions = manage(bench, { on })
      const visitor = clientWith(await loginAs(sessions, 'u_1'))
      const { id } = await sessions.load(visitor.request())
      const [one, other] = [await sessions.load(visitor.request()), await sessions.load(visitor.request())]
      one.set('a', 1)
      other.set('b', 2)
      let next = after(visitor, await sessions.commit(one, new Response()))
      await sessions.commit(other, new Response())
      bench.clock.advance(10 * MINUTE)
      await sessions.commit(await sessions.load(next.request()), new Response())
      next = await regenerated(sessions, next)
      const kept = (await sessions.load(next.request())).id
      const leaving = await sessions.load(next.request())
      const late = await prepare({ sessions }, next, (session) => session.set('late', 1))
      leaving.destroy()
      await sessions.commit(leaving, new Response())
      await late()
      const last = clientWith(await loginAs(sessions, 'u_2'))
      const lastId = (await sessions.load(last.request())).id
      bench.clock.advance(DAY)
      await sessions.load(last.request())

      const names = new Set(events.map(([name]) => name))
      for (const name of ['created', 'updated', 'expired']) check(names.has(name), `There was no \`${name}\` event.`)
      const texts = textsIn(events.map(([, event]) => event))
      for (const client of [visitor, next, last]) {
        check(!texts.some((text) => holdsSecret(text, client)), 'An event holds the secret of a token.')
      }
      const known = [id, kept, lastId]
      for (const [name, event] of events) {
        const about = (event as { id?: string }).id
        check(about === undefined ? name === 'rejected' : known.includes(about), `\`${name}\` names another id.`)
      }
    },
  },
]
