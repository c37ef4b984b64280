import { SessionManager } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { describe, expect, it } from 'vitest'
import { loginAs } from '../../src/testing/index.ts'

interface Shop extends Record<string, unknown> {
  cart: string[]
  theme?: string
}

const initial = (): Shop => ({ cart: [] })

describe('loginAs', () => {
  it('gives the Cookie header of somebody signed in, with data on top of the initial data', async () => {
    const sessions = new SessionManager<Shop>({ initial })
    const headers = await loginAs(sessions, 'u_42', { data: { theme: 'dark' } })
    const session = await sessions.load(new Request('https://shop.example/', { headers }))
    expect(session.subject).toBe('u_42')
    expect(session.data).toEqual({ cart: [], theme: 'dark' })
    expect(session.authenticatedAt).toBeTypeOf('number')
    expect([...headers.keys()]).toEqual(['cookie'])
  })

  it('takes the cookie name of the scheme the requests will have', async () => {
    const sessions = new SessionManager<Shop>({ initial })
    const named = new SessionManager<Shop>({ initial, cookie: { name: 'sid' } })
    const nameOf = (headers: Headers) => headers.get('cookie')?.split('=', 1)[0]
    expect(nameOf(await loginAs(sessions, 'u_1'))).toBe('__Host-session')
    expect(nameOf(await loginAs(sessions, 'u_1', { url: new URL('http://localhost:8787/cart') }))).toBe('session')
    expect(nameOf(await loginAs(named, 'u_1'))).toBe('sid')
  })

  it('gives an Authorization header where sessions answer by bearer', async () => {
    for (const transport of ['bearer', ['cookie', 'bearer']] as const) {
      const sessions = new SessionManager<Shop>({ initial, transport })
      const headers = await loginAs(sessions, 'u_42')
      expect([...headers.keys()]).toEqual(['authorization'])
      expect((await sessions.load(new Request('https://api.example/', { headers }))).subject).toBe('u_42')
    }
  })

  it('gives every piece of a sealed session that is split over several cookies', async () => {
    const store = new CookieStore({ secret: 'a secret of more than thirty-two bytes' })
    const sessions = new SessionManager<Shop>({ initial, store, cookie: { chunks: 3 } })
    const cart = Array.from({ length: 40 }, () => crypto.randomUUID() + crypto.randomUUID())
    const headers = await loginAs(sessions, 'u_42', { data: { cart } })
    expect((await sessions.load(new Request('https://shop.example/', { headers }))).data.cart).toEqual(cart)
    expect(headers.get('cookie')).toContain('; __Host-session.1=')
  })
})
