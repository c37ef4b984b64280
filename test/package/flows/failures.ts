/** Failures: of the handler, which drops its changes, and of the store, which tells nobody anything (F07, F08, F16, F25). */
import { HTTPException } from 'hono/http-exception'
import { check, same } from './assert.ts'
import type { FlowCase } from './case.ts'
import { setting, type Site } from './site.ts'

const CANARY = 'c4n4ry-4111-1111'

async function signedIn(site: Site): Promise<void> {
  await site.visit((session) => {
    session.subject = 'u_42'
    session.set('cart', ['mug'])
  })
}

const oops = (): Response => new Response('oops', { status: 500 })

/** All that an error says, its causes and properties too. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return `${JSON.stringify(error)} ${String(error)}`
  const { name, message, stack, cause } = error
  const own = Object.getOwnPropertyNames(error).filter((key) => key !== 'cause')
  const properties = own.map((key) => JSON.stringify((error as unknown as Record<string, unknown>)[key]))
  return [name, message, stack, ...properties, cause === undefined ? '' : told(cause)].join('\n')
}

/** What is printed meanwhile. */
async function printed(run: () => Promise<void>): Promise<string> {
  const names = ['log', 'info', 'warn', 'error', 'debug'] as const
  const lines: string[] = []
  const before = names.map((name) => console[name])
  for (const name of names) console[name] = (...parts: unknown[]) => void lines.push(parts.map(told).join(' '))
  try {
    await run()
  } finally {
    names.forEach((name, index) => (console[name] = before[index] as typeof console.log))
  }
  return lines.join('\n')
}

export const failureFlows: readonly FlowCase[] = [
  {
    title: 'F07 P15 after a 5xx, or an error, the data is as it was',
    async run(open) {
      const site = await open()
      await signedIn(site)
      const failing = [oops, () => Promise.reject(new Error('oops')), () => Promise.reject(new HTTPException(502))]
      for (const fail of failing) {
        const response = await site.visit((session) => {
          session.data['cart'].push('pen')
          session.flash('notice', 'bought')
          return fail()
        })
        check(response.status >= 500, `The answer is ${response.status}.`)
        same(setting(response), [], 'Set-Cookie')
        const seen = await site.see((session) => [session.subject, session.data, session.flash('notice')])
        same(seen, ['u_42', { cart: ['mug'] }, undefined], 'the session')
      }
    },
  },
  {
    title: 'F07 P15 a new session is not stored by a request that failed',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => session.set('cart', ['mug']) && oops())
      same([response.status, response.headers.getSetCookie(), site.calls()], [500, [], 0], 'answer and store calls')
    },
  },
  {
    title: 'F07 P15 destroy() is carried out by a request that failed',
    async run(open) {
      const site = await open()
      await signedIn(site)
      const response = await site.visit((session) => {
        session.destroy()
        return oops()
      })
      same([response.status, site.browser.value()], [500, undefined], 'the answer, and the cookie that is left')
    },
  },
  {
    title: 'F07 P15 regenerate() is carried out by a request that failed, with data and subject as loaded',
    needs: 'end',
    async run(open) {
      const site = await open()
      await signedIn(site)
      const thief = site.thief()
      await site.visit((session) => {
        session.data['cart'].push('pen')
        session.regenerate()
        return oops()
      })
      same(await site.see(({ subject, data }) => [subject, data]), ['u_42', { cart: ['mug'] }], 'the session')
      check(await site.see((session) => session.isNew, { by: thief }), 'The old token still opens the session.')
    },
  },
  {
    title: 'F08 an HTTPException with a response of its own commits, and the cookie is there',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => {
        session.set('attempts', 1)
        const headers = { 'WWW-Authenticate': 'Basic', 'Set-Cookie': 'other=1' }
        throw new HTTPException(401, { res: new Response('no', { status: 401, headers }) })
      })
      same([response.status, await response.text()], [401, 'no'], 'the answer')
      same(response.headers.get('www-authenticate'), 'Basic', 'WWW-Authenticate')
      same([setting(response).length, setting(response, 'other').length], [1, 1], 'Set-Cookie lines')
      same(await site.see((session) => session.data), { attempts: 1 }, 'the data')
    },
  },
  {
    title: 'F16 P11 a store that cannot write: 503 that tells nothing, with nothing of what the handler had set',
    needs: 'row',
    async run(open) {
      const site = await open()
      site.door.fail('create')
      const headers = { 'X-Order': CANARY, 'Set-Cookie': `order=${CANARY}`, Location: `/${CANARY}` }
      const response = await site.visit((session) => session.set('n', 1) && new Response(CANARY, { headers }))
      const answer = [response.status, await response.text(), response.headers.has('retry-after')]
      same(answer, [503, 'Service Unavailable', true], 'the answer')
      check(![...response.headers].flat().join().includes(CANARY), 'A header of the handler is on the answer.')
      same(response.headers.getSetCookie(), [], 'Set-Cookie')
    },
  },
  {
    title: 'F16 P11 a store that cannot read: 503 that tells nothing, no anonymous visitor, and the cookie survives',
    needs: 'row',
    async run(open) {
      const site = await open()
      await signedIn(site)
      const visitor = site.thief()
      const heal = site.door.fail('load', { error: new Error(`connection to ${CANARY} lost`) })
      let handled = false
      const response = await site.visit(() => (handled = true), { by: visitor })
      const answer = [response.status, await response.text(), response.headers.getSetCookie(), handled]
      same(answer, [503, 'Service Unavailable', [], false], 'the answer, and whether the handler was run')
      heal()
      same(await site.see((session) => session.subject, { by: visitor }), 'u_42', 'the subject afterwards')
    },
  },
  {
    title: 'F25 P13 a database error that quotes its parameters reaches no message, event, log or client',
    needs: 'row',
    async run(open) {
      const site = await open()
      const cause = new Error(`UNIQUE constraint failed near '${CANARY}'`)
      const error = new Error(`Failed query: insert into sessions values (?)\nparams: {"card":"${CANARY}"}`, { cause })
      site.door.fail('create', { error: Object.assign(error, { params: [`{"card":"${CANARY}"}`] }) })
      const thrown: unknown[] = []
      const answers: string[] = []
      const lines = await printed(async () => {
        for (const save of [true, false]) {
          const response = await site.visit(async (session) => {
            session.set('card', CANARY)
            if (save) await session.save().catch((failure: unknown) => Promise.reject(thrown.push(failure) && failure))
          })
          answers.push(`${response.status} ${await response.text()} ${JSON.stringify([...response.headers])}`)
        }
      })
      same(thrown.length, 1, 'the errors of save()')
      check(
        answers.every((answer) => answer.startsWith('503 ')),
        `The answers are ${answers.join(', ')}.`,
      )
      check(site.events.length > 0, 'No event told of the outage.')
      const places = { client: answers.join(), event: JSON.stringify(site.events), log: lines, error: told(thrown[0]) }
      for (const [where, text] of Object.entries(places)) check(!text.includes(CANARY), `The data is in the ${where}.`)
    },
  },
]
