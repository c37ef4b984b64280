/** Signing in and out: new tokens, old tokens, and what is left after a logout (F03, F04, F05, F19). */
import { SessionStateError } from 'latchkey'
import { check, same, throws } from './assert.ts'
import type { FlowCase } from './case.ts'
import { setting } from './site.ts'

export const signInFlows: readonly FlowCase[] = [
  {
    title: 'F03 a new subject brings a new token by itself, and keeps the data',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']))
      const before = site.browser.value()
      const response = await site.visit((session) => (session.subject = 'u_42'))
      same(setting(response).length, 1, 'the Set-Cookie lines of the login')
      check(before !== undefined && site.browser.value() !== before, 'The token is the same after the login.')
      same(await site.see(({ subject, data }) => [subject, data]), ['u_42', { cart: ['mug'] }], 'the session')
    },
  },
  {
    title: 'F03 P7 the token from before the login opens nothing any more',
    needs: 'end',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']))
      const thief = site.thief()
      await site.visit((session) => (session.subject = 'u_42'))
      const seen = await site.see(({ isNew, subject, data }) => [isNew, subject, data], { by: thief })
      same(seen, [true, undefined, {}], 'what the old token opens')
    },
  },
  {
    title: 'F03 P7 a second factor by regenerate() rotates again, and keeps subject and data',
    async run(open) {
      const site = await open()
      await site.visit((session) => {
        session.subject = 'u_42'
        session.set('factors', 1)
      })
      const before = site.browser.value()
      await site.visit((session) => {
        session.regenerate()
        session.set('factors', 2)
      })
      check(site.browser.value() !== before, 'The token is the same after regenerate().')
      same(await site.see(({ subject, data }) => [subject, data]), ['u_42', { factors: 2 }], 'the session')
    },
  },
  {
    title: 'F04 csrfToken() is good for later requests, changes with the token, and the old one is refused',
    async run(open) {
      const site = await open()
      const before = await site.see((session) => session.csrfToken())
      same(await site.see((session) => session.verifyCsrf(before)), true, 'its own, in the next request')
      await site.visit((session) => (session.subject = 'u_42'))
      same(await site.see((session) => session.verifyCsrf(before)), false, 'the one from before the login')
      const after = await site.see((session) => session.csrfToken())
      same(await site.see((session) => session.verifyCsrf(after)), true, 'the one from after the login')
      const stranger = site.stranger()
      const foreign = await site.see((session) => session.csrfToken(), { by: stranger })
      const bad = [foreign, `${after}A`, after.slice(1), '', undefined, null, [after]]
      for (const value of bad) same(await site.see((session) => session.verifyCsrf(value)), false, 'another one')
    },
  },
  {
    title: 'F05 destroy(), then a write in the same request, is a SessionStateError, and the session ends',
    async run(open) {
      const site = await open()
      await site.visit((session) => (session.subject = 'u_42'))
      const response = await site.visit((session) => {
        session.destroy()
        throws(() => session.set('n', 1), SessionStateError, 'set()')
        throws(() => (session.data['n'] = 1), SessionStateError, 'a write to data')
        throws(() => (session.subject = 'u_1'), SessionStateError, 'a subject')
      })
      same([response.status, site.browser.value()], [200, undefined], 'the answer, and the cookie that is left')
      check(await site.see((session) => session.isNew), 'The session goes on.')
    },
  },
  {
    title: 'F05 a session started after the one of this request was ended has a fresh id and none of its data',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']))
      const before = await site.see((session) => session.id)
      await site.visit(async (_session, request) => {
        const next = await site.sessions.regenerate(request)
        next.set('fresh', true)
      })
      const seen = await site.see(({ id, data }) => [id !== undefined && id !== before, data])
      same(seen, [true, { fresh: true }], 'whether its id is another, and its data')
    },
  },
  {
    title: 'F05 P6 the token of a session that was ended and started again opens nothing',
    needs: 'end',
    async run(open) {
      const site = await open()
      await site.visit((session) => session.set('cart', ['mug']))
      const thief = site.thief()
      await site.visit(async (_session, request) => void (await site.sessions.regenerate(request)).set('fresh', true))
      check(await site.see((session) => session.isNew, { by: thief }), 'The old token still opens a session.')
    },
  },
  {
    title: 'F19 destroy() without reading first ends the session for this browser',
    async run(open) {
      const site = await open()
      await site.visit((session) => (session.subject = 'u_42'))
      const response = await site.visit((session) => session.destroy())
      same([setting(response).length, site.browser.value()], [1, undefined], 'Set-Cookie lines, and what is left')
      same(await site.see(({ isNew, subject }) => [isNew, subject]), [true, undefined], 'the next request')
    },
  },
  {
    title: 'F19 P6 after destroy() the row is gone, and replaying the cookie gives nothing',
    needs: 'end',
    async run(open) {
      const site = await open()
      await site.visit((session) => (session.subject = 'u_42'))
      const [thief, id] = [site.thief(), await site.see((session) => session.id)]
      await site.visit((session) => session.destroy())
      same((await site.door.get(String(id))) === undefined, true, 'whether the row is gone')
      const replayed = await site.visit((session) => session.set('n', 1), { by: thief })
      same([replayed.status, await site.see(({ subject }) => subject, { by: thief })], [200, undefined], 'a replay')
      same((await site.door.get(String(id))) === undefined, true, 'whether the row is still gone')
    },
  },
]
