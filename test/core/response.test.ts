/** What is left of a response that a session has little or nothing to say to. */
import { SessionManager } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { flow, rawFetch } from '../support/flow.ts'

describe('headers', () => {
  it('F09 P19: a response that the session adds nothing to is that very response', async () => {
    const sessions = new SessionManager()
    const sent = new Response('ok')
    expect(await sessions.commit(await sessions.load(new Request('https://shop.example/')), sent)).toBe(sent)
  })

  it.each(['CDN-Cache-Control', 'Surrogate-Control', 'Expires'])(
    'F15: %s alone is a word about caching too: who only read leaves it',
    async (name) => {
      const shop = flow(rawFetch)
      await shop.visit((session) => session.set('n', 1))
      const { headers } = await shop.visit(
        (session) => session.data && new Response('ok', { headers: { [name]: 'x' } }),
      )
      expect([headers.get(name), headers.get('cache-control')]).toEqual(['x', null])
    },
  )
})
