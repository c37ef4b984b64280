/** Visitors: those who leave no trace, and those who come with a cookie that opens nothing (F01, F02, F23, F24). */
import { check, same } from './assert.ts'
import type { AnySession } from './adapters.ts'
import type { FlowCase } from './case.ts'
import { SESSION, setting } from './site.ts'

const SECRET_FORM = 'b'.repeat(43)
const READS: readonly ((session: AnySession) => unknown)[] = [
  (session) => session.data['theme'],
  (session) => 'theme' in session.data,
  (session) => Object.keys(session.data),
  (session) => session.get('theme'),
  (session) => session.has('theme'),
  (session) => [session.id, session.token, session.subject, session.isNew, session.expiresAt, session.transport],
  (session) => [session.info, session.lifetime, session.flash('notice')],
  (session) => session.verifyCsrf('x'),
]

export const visitorFlows: readonly FlowCase[] = [
  {
    title: 'F01 P2 an anonymous visitor whose handler does not write leaves no row and no cookie',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => same([session.isNew, session.data], [true, {}], 'a new session'))
      same([response.status, response.headers.getSetCookie()], [200, []], 'the answer')
      same([site.calls(), site.browser.cookies], [0, []], 'store calls and cookies')
    },
  },
  {
    title: 'F01 P2 reading every member of a new session is still nothing to store',
    async run(open) {
      const site = await open()
      for (const read of READS) {
        const response = await site.visit(async (session) => void (await read(session)))
        same([response.status, response.headers.getSetCookie()], [200, []], 'the answer')
      }
      same(site.calls(), 0, 'store calls')
    },
  },
  {
    title: 'F02 P8 an unknown id in the cookie is never adopted, even when the handler writes',
    async run(open) {
      const site = await open()
      const chosen = `chosen-by-an-attacker.${SECRET_FORM}`
      site.browser.plant(chosen)
      const attacker = site.thief()
      await site.visit((session) => {
        same([session.isNew, session.id, session.token], [true, undefined, undefined], 'the session')
        session.set('cart', ['mug'])
      })
      const [id, value] = [await site.see((session) => session.id), site.browser.value()]
      check(typeof id === 'string' && id !== 'chosen-by-an-attacker', 'The id that the client chose was adopted.')
      check(value !== chosen && !value?.includes('chosen-by-an-attacker'), 'The cookie still has the chosen token.')
      same(await site.see((session) => session.data, { by: attacker }), {}, 'what the attacker sees')
    },
  },
  {
    title: 'F02 P8 a known id with another secret is a new session, and the row is left alone',
    needs: 'row',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('theme', 'dark'))
      const attacker = site.stranger()
      attacker.plant(`${await site.see((session) => session.id)}.${SECRET_FORM}`)
      const response = await site.visit((session) => check(session.isNew, 'The session was opened.'), { by: attacker })
      same(response.headers.getSetCookie(), [], 'the cookies of the answer')
      same(await site.see((session) => session.data), { theme: 'dark' }, 'the data')
    },
  },
  {
    title: 'F23 a session used for weeks stays in the browser without any further Set-Cookie',
    needs: 'row',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']))
      const cookie = site.browser.value()
      for (let half = 0; half < 58; half++) {
        site.now.advance('12h')
        const response = await site.visit((session) => same(session.data, { cart: ['mug'] }, `after ${half} half days`))
        same(setting(response), [], `the session's Set-Cookie after ${half} half days`)
      }
      same(site.browser.value(), cookie, 'the cookie')
    },
  },
  {
    title: 'F23 a login on day 29 of an anonymous cart lasts its own full life',
    async run(open) {
      const site = await open({ ttl: '30d', absolute: '30d' })
      await site.visit((session) => session.set('cart', ['mug']))
      site.now.advance('29d')
      await site.visit((session) => (session.subject = 'u_42'))
      site.now.advance('29d')
      const seen = await site.see(({ subject, data }) => [subject, data])
      same(seen, ['u_42', { cart: ['mug'] }], 'the session 29 days after the login')
      site.now.advance('1d')
      check(await site.see((session) => session.isNew), 'The session must end 30 days after its login.')
    },
  },
  {
    title: 'F24 P12 a garbage or unknown cookie never throws, is not cleared, and is replaced only by a write',
    async run(open) {
      const values = ['', 'garbage', '%F0%28', `a.${SECRET_FORM}`, `${'a'.repeat(22)}.${SECRET_FORM}`, 'x'.repeat(4000)]
      for (const value of values) {
        const site = await open()
        site.browser.plant(value)
        const response = await site.visit((session) => same([session.isNew, session.data], [true, {}], 'the session'))
        same([response.status, response.headers.getSetCookie()], [200, []], `the answer to ${value.slice(0, 60)}`)
        same(site.browser.value(), value, 'the cookie')
        same(setting(await site.visit((session) => session.set('n', 1))).length, 1, 'Set-Cookie of a write')
        same(await site.see((session) => session.data), { n: 1 }, 'the data')
      }
    },
  },
  {
    title: 'F24 P9 a cookie is good until the millisecond its session expires, then a new session; it is not cleared',
    async run(open) {
      const site = await open({ ttl: '1h', touchEvery: '59m' })
      await site.visit((session) => session.set('theme', 'dark'))
      const [cookie, expiresAt] = [site.browser.value(), await site.see((session) => session.expiresAt)]
      site.now.set(expiresAt - 1)
      same((await site.sessions.findSession(String(cookie)))?.data, { theme: 'dark' }, 'a millisecond before')
      site.now.set(expiresAt)
      const response = await site.visit((session) => same([session.isNew, session.data], [true, {}], 'at its end'))
      same([setting(response), site.browser.value(SESSION)], [[], cookie], 'the cookie')
    },
  },
]
