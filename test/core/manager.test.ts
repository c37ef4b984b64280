/** The public calls where they meet others, and where an app has put its own in their place. */
import { Hono } from 'hono'
import { SessionManager, type SessionEvent } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session as honoSession } from 'latchkey/hono'
import { describe, expect, it } from 'vitest'
import { HOUR } from '../support/flow.ts'
import { WatchedStore } from '../support/watched-store.ts'

type Shop = { n?: number; other?: boolean }
const URL_ = 'https://shop.example/'

function shop() {
  const clock = { now: Date.UTC(2030, 0, 1) }
  const store = new WatchedStore()
  const events: string[] = []
  const note = (name: string) => (_event: SessionEvent) => void events.push(name)
  const sessions = new SessionManager<Shop>({
    store,
    now: () => clock.now,
    on: { updated: note('updated'), touched: note('touched') },
  })
  return { clock, store, sessions, events }
}

describe('renewing', () => {
  it('P3: updateSession that changes nothing is a touch, and no write of the data', async () => {
    const { clock, store, sessions, events } = shop()
    const token = await sessions.createSession({ n: 1 })
    store.take()
    clock.now += HOUR
    expect(await sessions.updateSession(token, { n: 1 })).toEqual({ n: 1 })
    expect([store.take(), events]).toEqual([['get', 'touch'], ['touched']])
    expect(await store.row()).toMatchObject({ version: 1, lastSeenAt: clock.now })
  })

  it.each([
    ['renewSession', (sessions: SessionManager<Shop>, token: string) => sessions.renewSession(token)],
    ['updateSession', (sessions: SessionManager<Shop>, token: string) => sessions.updateSession(token, () => {})],
  ] as const)(
    'P4: %s, with nothing to change, goes through although another writes in between',
    async (_name, renew) => {
      const { clock, store, sessions } = shop()
      const token = await sessions.createSession({ n: 1 })
      clock.now += HOUR
      store.before = async (method) => {
        if (method !== 'touch') return
        store.before = () => undefined
        await sessions.updateSession(token, { n: 2 })
        clock.now += HOUR
      }
      await renew(sessions, token)
      expect(await store.row()).toMatchObject({ data: '{"n":2}', version: 2, lastSeenAt: clock.now })
    },
  )
})

it('removeSessionsOf another subject leaves the sign-in that is named in `except` as it is', async () => {
  const { clock, sessions } = shop()
  const session = await sessions.load(new Request(URL_))
  session.subject = 'u_42'
  const signedInAt = clock.now
  clock.now += HOUR
  await sessions.removeSessionsOf('u_1', { except: session })
  expect(session.authenticatedAt).toBe(signedInAt)
  await sessions.removeSessionsOf('u_42', { except: session })
  expect(session.authenticatedAt).toBe(clock.now)
})

it('P13: a manager prints as an empty object', () => {
  expect(JSON.stringify({ sessions: shop().sessions })).toBe('{"sessions":{}}')
})

describe('a class that extends the manager', () => {
  class Noting extends SessionManager<Shop> {
    override async commit(...args: Parameters<SessionManager<Shop>['commit']>): Promise<Response> {
      const response = await super.commit(...args)
      response.headers.set('x-own', 'commit')
      return response
    }
  }
  const adapters = [
    [
      'latchkey/fetch',
      (sessions: Noting, handler: (request: Request) => Promise<void>) =>
        withSession(
          sessions,
          async (request) => {
            await handler(request)
            return new Response('ok')
          },
          { lazy: true },
        ),
    ],
    [
      'latchkey/hono',
      (sessions: Noting, handler: (request: Request) => Promise<void>) => {
        const app = new Hono().use(honoSession(sessions, { lazy: true }) as never).get('/', async (c) => {
          await handler(c.req.raw)
          return c.text('ok')
        })
        return async (request: Request) => app.fetch(request)
      },
    ],
  ] as const

  it.each(adapters)(
    'has its own commit called by %s, also for a session that the handler asked it for',
    async (_, serve) => {
      const sessions = new Noting()
      const fetch = serve(sessions, async (request) => void ((await sessions.load(request)).data.n = 1))
      const { headers } = await fetch(new Request(URL_))
      expect([headers.get('x-own'), headers.getSetCookie().length]).toEqual(['commit', 1])
    },
  )
})
