/** The h3 code of docs/other-frameworks.md, under h3 itself. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [guide = ''] = codeOf('docs/other-frameworks.md')

/** Runs statements beside the guide's code; what they pass to `say` comes back. */
async function run(statements: string): Promise<unknown[]> {
  const use = `
    import { H3, HTTPError, serve } from 'h3'
    import { MemoryStore } from 'latchkey/stores/memory'
    import { app, h3Session } from './guide.ts'
    console.error = () => {} // h3 reports what it was not told to expect
    const heard = []
    const say = (...words) => heard.push(...words)
    const visit = (path, { cookie, method = 'GET', to = app } = {}) =>
      to.fetch(new Request('https://shop.example' + path, { method, headers: cookie ? { cookie } : {} }))
    const post = (path, cookie) => visit(path, { cookie, method: 'POST' })
    const cookieOf = (response) => response.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
    const cart = async (cookie) => (await visit('/cart', { cookie })).json()
    ${statements}
    console.log(JSON.stringify(heard))`
  const { code, output } = await runNode(folderWith({ 'guide.ts': guide, 'use.mjs': use }), 'use.mjs')
  expect(code, output).toBe(0)
  return JSON.parse(output) as unknown[]
}

describe('docs/other-frameworks.md, h3', () => {
  it('sets one cookie at a sign-in, on the redirect, and none where a session is only read (P16)', async () => {
    const said = await run(`
      const stranger = await visit('/cart')
      say(await stranger.json(), stranger.headers.getSetCookie())
      const filled = await post('/cart/padlock')
      const signedIn = await post('/login', cookieOf(filled))
      say(signedIn.status, signedIn.headers.get('location'), signedIn.headers.getSetCookie().length)
      say(cookieOf(signedIn) !== cookieOf(filled), signedIn.headers.get('cache-control'))
      const read = await visit('/cart', { cookie: cookieOf(signedIn) })
      say(await read.json(), read.headers.getSetCookie(), await cart(cookieOf(filled)))`)
    expect(said).toEqual([[], [], 303, '/cart', 1, true, 'private, no-store', ['padlock'], [], []])
  })

  it('clears the cookie at a sign-out, and the session is gone', async () => {
    const said = await run(`
      const cookie = cookieOf(await post('/cart/padlock'))
      const left = await post('/logout', cookie)
      say(left.status, left.headers.getSetCookie().length, left.headers.get('set-cookie').includes('Max-Age=0'))
      say(await cart(cookie))`)
    expect(said).toEqual([303, 1, true, []])
  })

  it('drops changes behind an error, keeps a sign-out, and keeps what an HTTPError below 500 answers (P15)', async () => {
    const said = await run(`
      const add = (event) => void event.context.session.data.cart.push('key')
      app.get('/broken', (event) => { add(event); throw new Error('broken') })
      app.get('/unavailable', (event) => { add(event); throw new HTTPError({ status: 502 }) })
      app.get('/teapot', (event) => { add(event); throw new HTTPError({ status: 418 }) })
      app.get('/leave', (event) => { event.context.session.destroy(); throw new Error('broken') })
      const cookie = cookieOf(await post('/cart/padlock'))
      for (const path of ['/broken', '/unavailable', '/teapot', '/nowhere']) {
        const answer = await visit(path, { cookie })
        say(answer.status, (await cart(cookie)).length, answer.headers.getSetCookie().length)
      }
      const left = await visit('/leave', { cookie })
      say(left.status, left.headers.get('set-cookie').includes('Max-Age=0'), await cart(cookie))`)
    expect(said).toEqual([500, 1, 0, 502, 1, 0, 418, 2, 0, 404, 2, 0, 500, true, []])
  })

  it('answers an outage with 503 and leaves the cookie alone, whoever meets it first (P11)', async () => {
    const said = await run(`
      app.post('/saved', async (event) => {
        event.context.session.data.cart.push('key')
        await event.context.session.save()
        return 'saved'
      })
      const cookie = cookieOf(await post('/cart/padlock'))
      const down = () => { throw new Error('down') }
      const { get, update } = MemoryStore.prototype
      const meet = async (answer) => say(answer.status, answer.headers.has('retry-after'), answer.headers.getSetCookie())
      MemoryStore.prototype.get = down
      await meet(await visit('/cart', { cookie }))
      MemoryStore.prototype.get = get
      MemoryStore.prototype.update = down
      await meet(await post('/cart/key', cookie))
      await meet(await post('/saved', cookie))
      MemoryStore.prototype.update = update
      say(await cart(cookie))`)
    const outage = [503, true, []]
    expect(said).toEqual([...outage, ...outage, ...outage, ['padlock']])
  })

  it('calls the hooks of the app once, and `onResponse` with the cookie', async () => {
    const said = await run(`
      const to = new H3({
        onError: (error) => (say('error ' + error.status), undefined),
        onResponse: (response) => say('response ' + response.status, response.headers.getSetCookie().length),
      })
      to.use(h3Session).get('/in', (event) => (event.context.session.subject = 'u_42'))
      to.get('/broken', (event) => { event.context.session.subject = 'u_42'; throw new Error('broken') })
      await visit('/in', { to })
      await visit('/broken', { to })`)
    expect(said).toEqual(['response 200', 1, 'error 500', 'response 500', 0])
  })

  it('serves on Node by h3’s own `serve`', async () => {
    const said = await run(`
      const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
      await server.ready()
      const signedIn = await fetch(new URL('/login', server.url), { method: 'POST', redirect: 'manual' })
      say(signedIn.status, signedIn.headers.getSetCookie().length)
      const added = await fetch(new URL('/cart/key', server.url), { method: 'POST', headers: { cookie: cookieOf(signedIn) } })
      say(added.status, added.redirected)
      const read = await fetch(new URL('/cart', server.url), { headers: { cookie: cookieOf(signedIn) } })
      say(await read.json(), read.headers.get('cache-control'))
      await server.close(true)`)
    expect(said).toEqual([303, 1, 200, true, ['key'], 'private, no-store'])
  })
})
