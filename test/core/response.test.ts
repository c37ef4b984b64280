/** What is left of a response that a session has little or nothing to say to. */
import { SessionManager } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { flow, rawFetch, type AnyData, type AnySession } from '../support/flow.ts'

describe('headers', () => {
  it('F09 P19: a response that the session adds nothing to is that very response', async () => {
    const sessions = new SessionManager()
    const sent = new Response('ok')
    expect(await sessions.commit(await sessions.load(new Request('https://shop.example/')), sent)).toBe(sent)
  })

  describe.each([
    ['a session', (session: AnySession) => void session.data['n'], 'private, no-cache'],
    ['a signed-in session', (session: AnySession) => void session.subject, 'private, no-store'],
  ])('P16 P19: what was read of %s', (who, read, cacheControl) => {
    const url = 'https://shop.example/'

    /** The answer to the next request of somebody who has a session, when it was answered with `sent`. */
    async function answered(
      sent: Response,
      handler: (session: AnySession) => void = read,
      method = 'GET',
    ): Promise<Response> {
      const sessions = new SessionManager<AnyData>()
      const token = await sessions.createSession({ n: 1 }, who === 'a session' ? {} : { subject: 'u_1' })
      const cookie = `__Host-session=${token}`
      const session = await sessions.load(new Request(url, { method, headers: { cookie } }))
      handler(session)
      return sessions.commit(session, sent)
    }
    const said = ({ headers }: Response): unknown[] => [headers.get('vary'), headers.get('cache-control')]

    it('is said on the response itself where it has a body of its own', async () => {
      const sent = new Response('ok', { headers: { Vary: 'Accept' } })
      const answer = await answered(sent)
      expect(answer).toBe(sent)
      expect(said(answer)).toEqual(['Accept, Cookie', cacheControl])
      expect(await answer.text()).toBe('ok')
    })

    it('is said on a copy of an empty one, which many may be given', async () => {
      const sent = new Response(null, { status: 204 })
      const answer = await answered(sent)
      expect(said(answer)).toEqual(['Cookie', cacheControl])
      expect([answer.status, [...sent.headers]]).toEqual([204, []])
    })

    it.each([
      [200, 'HEAD'],
      [304, 'GET'],
      [404, 'GET'],
    ])('is said on a copy of an empty one that names a type, with status %s to a %s', async (status, method) => {
      const sent = new Response(null, { status, headers: { 'Content-Type': 'text/html' } })
      const answer = await answered(sent, read, method)
      expect(said(answer)).toEqual(['Cookie', cacheControl])
      expect([answer.status, [...sent.headers]]).toEqual([status, [['content-type', 'text/html']]])
    })

    it('is said on a copy of one that is immutable, as those of `fetch()` are', async () => {
      const sent = await fetch('data:text/plain,ok')
      expect(() => sent.headers.set('Vary', 'Cookie')).toThrow(TypeError)
      const answer = await answered(sent)
      expect(said(answer)).toEqual(['Cookie', cacheControl])
      expect([await answer.text(), sent.headers.get('vary')]).toEqual(['ok', null])
    })

    it('is said on a copy of one that gives out the headers it was made with, which may be those of many', async () => {
      class Light extends Response {
        readonly #headers: Headers
        constructor(body: string, headers: Headers) {
          super(body, { headers })
          this.#headers = headers
        }
        override get headers(): Headers {
          return this.#headers
        }
      }
      const headers = new Headers({ 'Content-Type': 'text/html' })
      const answer = await answered(new Light('ok', headers))
      expect(said(answer)).toEqual(['Cookie', cacheControl])
      expect([await answer.text(), [...headers]]).toEqual(['ok', [['content-type', 'text/html']]])
    })

    it('is said on a copy with the cookie where there is one to set: the handler’s own never holds a token', async () => {
      const sent = new Response('ok')
      const answer = await answered(sent, (session) => session.regenerate())
      expect(answer.headers.getSetCookie()).toHaveLength(1)
      expect(said(answer)).toEqual(['Cookie', 'private, no-store'])
      expect([...sent.headers.keys()]).toEqual(['content-type'])
    })
  })

  it('F15: a list that asks a transport twice is answered on its last, and says each header once in Vary', async () => {
    const sessions = new SessionManager<AnyData>({ transport: ['cookie', 'bearer', 'cookie'] })
    const session = await sessions.load(new Request('https://shop.example/'))
    expect([session.transport, session.set('n', 1)]).toEqual(['cookie', session])
    const { headers } = await sessions.commit(session, new Response('ok'))
    expect([headers.getSetCookie().length, headers.get('vary')]).toEqual([1, 'Cookie, Authorization'])
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
