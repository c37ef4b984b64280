/** Revocable sealed sessions in a Worker: remembered by D1 at once, by KV within its window. */
import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/d1'
import { SessionManager } from 'latchkey'
import { CloudflareKVStore } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { sessionsTableNamed, SqliteStore } from 'latchkey/stores/sqlite'
import { testClock } from 'latchkey/testing'
import { describe, expect, it } from 'vitest'
import { StaleKV } from '../support/stale-kv.ts'

const secret = 's'.repeat(32)

async function onD1(name: string): Promise<SqliteStore> {
  const store = new SqliteStore(drizzle(env.DB), { table: sessionsTableNamed(name) })
  await store.migrate()
  return store
}

describe.each(['D1', 'KV'])('remembered by %s', (where) => {
  const open = async (): Promise<SessionManager> => {
    const revocations =
      where === 'D1'
        ? await onD1('revocations')
        : new CloudflareKVStore(env.SESSIONS, { prefix: `revocations:${crypto.randomUUID()}:` })
    return new SessionManager({ store: new CookieStore({ secret, revocations }) })
  }

  it('C06: a copied cookie is dead after its logout', async () => {
    const sessions = await open()
    const token = await sessions.createSession({ n: 1 })
    const request = new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })
    const session = await sessions.load(request)
    session.destroy()
    await sessions.commit(session, new Response())
    expect(await sessions.findSession(token)).toBeUndefined()
  })

  it('P7, I02: regenerate ends the old one, removeSessionsOf all but one, whatever its token by then', async () => {
    const sessions = await open()
    const subject = crypto.randomUUID()
    const [mine, other] = [
      await sessions.createSession({ n: 1 }, { subject }),
      await sessions.createSession({ n: 2 }, { subject }),
    ]
    const id = (await sessions.findSession(mine))?.id
    await sessions.removeSessionsOf(subject, { except: id })
    const next = await sessions.regenerateSession(mine)
    expect((await sessions.findSession(next))?.data).toEqual({ n: 1 })
    expect([await sessions.findSession(mine), await sessions.findSession(other)]).toEqual([undefined, undefined])
    await sessions.removeSessionsOf(subject)
    expect(await sessions.findSession(next)).toBeUndefined()
    expect(await sessions.findSession(await sessions.createSession({}, { subject }))).toBeDefined()
  })
})

describe('the window of KV', () => {
  it('P6: a logout holds at once where it happened, and elsewhere within 60 seconds', async () => {
    const now = testClock(Date.now())
    const kv = new StaleKV(env.SESSIONS, now)
    const at = (place: string): SessionManager => {
      const revocations = new CloudflareKVStore(kv.from(place), { prefix: 'window:', now })
      return new SessionManager({ store: new CookieStore({ secret, revocations }), now })
    }
    const [here, there] = [at('here'), at('there')]
    const token = await here.createSession()
    expect([await here.findSession(token), await there.findSession(token)]).not.toContain(undefined)
    await here.removeSession(token)
    expect(await here.findSession(token)).toBeUndefined()
    expect(await there.findSession(token)).toBeDefined()
    now.advance('60s')
    expect(await there.findSession(token)).toBeUndefined()
  })

  it('says so: `consistency` is the one of the store that remembers', () => {
    const store = new CookieStore({ secret, revocations: new CloudflareKVStore(env.SESSIONS) })
    expect(store.capabilities).toEqual({ atomic: false, consistency: 'eventual', carriesRecord: true })
  })
})
