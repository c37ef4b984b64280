import { SessionStateError } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { describe, expect, it } from 'vitest'
import { COOKIE, SealedApp, visited } from './sealed.ts'

const sets = (response: Response): string[] => response.headers.getSetCookie()

describe('bad cookies', () => {
  const garbage = [
    '',
    ' ',
    'x',
    '....',
    '"',
    '%00',
    'null',
    '{}',
    `${'a'.repeat(22)}.${'b'.repeat(43)}`,
    'é',
    '.'.repeat(9000),
  ]

  it.each(garbage)(
    'P12, F24: %j is a new session; the cookie is left alone until the handler writes',
    async (value) => {
      const app = new SealedApp()
      const request = (): Request =>
        new Request(app.origin, { headers: { cookie: `${COOKIE}=${Buffer.from(value).toString('latin1')}` } })
      const read = await app.serve(request(), (session) => expect(session.data).toEqual({}))
      expect([read.status, sets(read)]).toEqual([200, []])
      const written = await app.serve(request(), (session) => session.set('n', 1))
      expect(sets(written)).toHaveLength(1)
    },
  )

  it('P8: a key holder aside, nobody chooses an id: what replaces a bad cookie has an id of its own', async () => {
    const app = await visited()
    const id = await app.see((session) => session.id)
    app.plant(`${app.token().slice(0, -1)}_`)
    await app.visit((session) => session.set('n', 2))
    expect(await app.see((session) => session.id)).not.toBe(id)
  })
})

describe('responses', () => {
  it.each([
    ['a redirect', () => Response.redirect('https://shop.example/cart', 303)],
    ['a response of fetch(), which is immutable', () => fetch('data:text/plain,hello')],
    ['an empty response', () => new Response(null, { status: 204 })],
  ])('P16, F09: %s carries the one cookie, and is not to be cached', async (_, make) => {
    const app = new SealedApp()
    const response = await app.visit((session) => (session.set('n', 1), make()))
    expect(sets(response)).toHaveLength(1)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('F12, F13: two saves are one Set-Cookie, with the last of the data, beside the cookies of the app', async () => {
    const app = new SealedApp()
    const response = await app.visit(async (session) => {
      session.data['n'] = 1
      await session.save()
      session.data['n'] = 2
      await session.save()
      return new Response(null, { headers: { 'Set-Cookie': 'theme=dark' } })
    })
    expect(sets(response).map((line) => line.split('=')[0])).toEqual(['theme', COOKIE])
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
  })

  it('F11: saved before a stream, the cookie is on the response; a write from within it is refused', async () => {
    const app = new SealedApp()
    let failure: unknown
    const response = await app.visit(async (session) => {
      session.data['n'] = 1
      await session.save()
      const body = new ReadableStream(
        {
          pull(controller) {
            try {
              session.data['n'] = 2
            } catch (error) {
              failure = error
            }
            controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    expect(sets(response)).toHaveLength(1)
    await response.text()
    expect(failure).toBeInstanceOf(SessionStateError)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it.each(['new', 'stored'])(
    'P16: on an upgrade no cookie can be set: what a %s session changed is reported as lost',
    async (kind) => {
      const app = kind === 'stored' ? await visited() : new SealedApp()
      const upgrade = withSession(app.sessions, (_request, session) => void (session.data['n'] = 2))
      expect(await upgrade(app.request())).toBeUndefined()
      expect(app.takeEvents().filter((name) => name !== 'loaded')).toEqual(['lost'])
    },
  )

  it('P15, F07: a 5xx drops the data, and still carries out regenerate() and destroy()', async () => {
    const app = await visited()
    const failed = (): Response => new Response(null, { status: 500 })
    const before = await app.see((session) => session.id)
    expect(sets(await app.visit((session) => (session.set('n', 2), failed())))).toEqual([])
    expect(sets(await app.visit((session) => (session.set('n', 2), session.regenerate(), failed())))).toHaveLength(1)
    const [id, data] = await app.see((session) => [session.id, session.data])
    expect([id === before, data]).toEqual([false, { n: 1 }])
    await app.visit((session) => (session.destroy(), failed()))
    expect(app.cookies).toEqual([])
  })
})
