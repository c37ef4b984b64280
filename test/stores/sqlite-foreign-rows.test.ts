/** Rows that are corrupt, or that somebody else wrote, through a manager: no session, one `rejected` event, nothing thrown. */
import { SessionManager, SessionNotFoundError, type SessionEvent } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { DRIVERS } from './sqlite-databases.ts'

/** What is wrong, how it came to be, and the reason that is reported. */
const WRONG: [string, string, string][] = [
  ['an expiry that is text', `expires_at = 'soon'`, 'unknown'],
  ['times that are no numbers', `created_at = 'x', last_seen_at = x'00'`, 'unknown'],
  ['a version that is text', `version = 'one'`, 'unknown'],
  ['a lifetime that is no number', `lifetime = '{"ttl":"1d"}'`, 'unknown'],
  ['info that is no JSON', `info = '{'`, 'unknown'],
  ['info that holds a number', `info = '{"device":7}'`, 'unknown'],
  ['a previous token cut short', `previous = '{"verifier":'`, 'unknown'],
  ['a previous token that is none', `previous = '{}'`, 'unknown'],
  ['a verifier that is a blob', `verifier = x'00'`, 'unknown'],
  ['a subject with a broken escape', `subject = char(1) || '{'`, 'unknown'],
  ['data that is a blob', `data = x'00ff'`, 'unknown'],
  ['data that is no JSON', `data = 'cart=1'`, 'schema'],
  ['data that is cut short', `data = '{"n":'`, 'schema'],
  ['data that is a list', `data = '[1]'`, 'schema'],
  ['data that is null', `data = 'null'`, 'schema'],
]

describe.each(DRIVERS)('a foreign row under a manager, on $driver', ({ open }) => {
  async function site() {
    const { db, elsewhere } = open()
    const store = new SqliteStore(db)
    await store.migrate()
    const events: string[] = []
    const note = (name: string) => (event: SessionEvent) => void events.push([name, event.reason].join(' '))
    const on = { rejected: note('rejected'), storeError: note('storeError'), lost: note('lost') }
    const sessions = new SessionManager<{ n?: number }, { notice: string }>({ store, on })
    const token = await sessions.createSession({ n: 1 }, { subject: 'u_1' })
    const visit = withSession(sessions, (request, session) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/write') session.data.n = 2
      if (pathname === '/flash' && session.flash('notice') !== undefined) throw new Error('there is no notice')
      return Response.json({ isNew: session.isNew, data: session.data })
    })
    const ask = (path: string) =>
      visit(new Request(`https://shop.example${path}`, { headers: { cookie: `__Host-session=${token}` } }))
    return { sessions, token, ask, elsewhere, events }
  }

  it.each(WRONG)('%s: the visitor has no session, and nothing is thrown', async (_what, change, reason) => {
    const { sessions, token, ask, elsewhere, events } = await site()
    await elsewhere(`update sessions set ${change}`)
    const response = await ask('/')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ isNew: true, data: {} })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(events).toEqual([`rejected ${reason}`])
    await expect(sessions.retrieveSession(token)).rejects.toThrow(SessionNotFoundError)
    expect(await sessions.findSession(token)).toBeUndefined()
    await sessions.listSessions('u_1')
    expect(events.filter((event) => event.startsWith('storeError'))).toEqual([])
  })

  it('flash messages that are no JSON are none, and the session goes on', async () => {
    const { ask, elsewhere, events } = await site()
    await elsewhere(`update sessions set flash = '{'`)
    const response = await ask('/flash')
    expect(await response.json()).toEqual({ isNew: false, data: { n: 1 } })
    expect((await ask('/write')).status).toBe(200)
    expect(await elsewhere('select data from sessions')).toMatchObject([{ data: '{"n":2}' }])
    expect(events).toEqual([])
  })

  it('a visitor who writes gets a session of their own, and the row is left alone', async () => {
    const { ask, elsewhere } = await site()
    await elsewhere(`update sessions set expires_at = 'soon'`)
    const response = await ask('/write')
    expect(await response.json()).toEqual({ isNew: true, data: { n: 2 } })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    const rows = await elsewhere('select data, expires_at from sessions order by data')
    expect(rows).toMatchObject([{ data: '{"n":1}', expires_at: 'soon' }, { data: '{"n":2}' }])
  })

  it('a row that becomes corrupt during a request drops its write as lost, and the response goes out', async () => {
    const { sessions, token, elsewhere, events } = await site()
    const visit = withSession(sessions, async (_request, session) => {
      session.data.n = 2
      await elsewhere(`update sessions set version = 'one'`)
      return new Response('done')
    })
    const headers = { cookie: `__Host-session=${token}` }
    const response = await visit(new Request('https://shop.example/', { headers }))
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
    expect(events.filter((event) => event.startsWith('lost'))).toHaveLength(1)
    expect(await elsewhere('select data from sessions')).toMatchObject([{ data: '{"n":1}' }])
  })
})
