/** The React Router code of docs/other-frameworks.md, in a server build that React Router itself serves. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [guide = ''] = codeOf('docs/other-frameworks.md')

/** What the compiler of framework mode makes of a root with the middleware, and of the guide's route beside some others. */
const site = `
  import { createElement } from 'react'
  import { renderToString } from 'react-dom/server'
  import { createRequestHandler, data, Outlet, redirect, ServerRouter, useLoaderData, useRouteError } from 'react-router'
  import { action, loader, middleware, sessionContext } from './guide.ts'

  const paragraph = (text) => createElement('p', null, text)
  const Cart = () => paragraph('cart: ' + useLoaderData().cart.join(' '))
  const ErrorBoundary = () => paragraph('error: ' + (useRouteError().status ?? 'unexpected'))
  /** An action of this site: what it does with the session, then how it ends. */
  const after = (change, end) => ({ default: Cart, loader, action: ({ context }) => (change(context.get(sessionContext)), end()) })
  const add = (session) => session.data.cart.push('padlock')
  const leave = (session) => session.destroy()
  const fail = () => { throw new Error('broken') }

  const modules = {
    cart: { default: Cart, loader },
    login: { default: Cart, loader, action },
    add: after(add, () => { throw redirect('/cart') }),
    logout: after(leave, () => redirect('/cart')),
    broken: after(add, fail),
    left: after(leave, fail),
    refused: after(add, () => { throw data('full', { status: 409 }) }),
    saved: { default: Cart, loader, action: async ({ context }) => {
      add(context.get(sessionContext))
      await context.get(sessionContext).save()
      return null
    } },
    unrendered: { default: fail, loader: ({ context }) => (add(context.get(sessionContext)), null) },
    resource: { loader: ({ context }) => Response.json(context.get(sessionContext).data.cart) },
  }
  const root = { id: 'root', path: '', module: { default: () => createElement(Outlet), ErrorBoundary, middleware } }
  const children = Object.entries(modules).map(([id, module]) => ({ id, parentId: 'root', path: id, module }))
  const routes = Object.fromEntries([root, ...children].map((route) => [route.id, route]))
  const manifest = Object.values(routes).map(({ module, ...route }) => [route.id, {
    ...route, module: '/' + route.id + '.js', hasAction: 'action' in module, hasLoader: 'loader' in module,
    hasErrorBoundary: 'ErrorBoundary' in module, hasDefaultExport: 'default' in module,
    hasClientAction: false, hasClientLoader: false, hasClientMiddleware: false,
  }])
  const handleDocument = (request, status, headers, context) => {
    headers.set('content-type', 'text/html')
    return new Response(renderToString(createElement(ServerRouter, { context, url: request.url })), { status, headers })
  }
  const build = {
    entry: { module: { default: handleDocument, handleError() {} } },
    routes,
    assets: { version: '1', url: '/manifest.js', entry: { module: '/entry.js', imports: [] }, routes: Object.fromEntries(manifest) },
    publicPath: '/', assetsBuildDirectory: 'build/client', future: {}, ssr: true, isSpaMode: false, prerender: [],
    routeDiscovery: { mode: 'initial', manifestPath: '/__manifest' },
  }
  export const handle = createRequestHandler(build, 'production')`

/** Runs statements beside that site; what they pass to \`say\` comes back. */
async function run(statements: string): Promise<unknown[]> {
  const use = `
    import { MemoryStore } from 'latchkey/stores/memory'
    import { handle } from './site.mjs'
    const heard = []
    const say = (...words) => heard.push(...words)
    const visit = (path, cookie, method = 'GET') =>
      handle(new Request('https://shop.example' + path, { method, headers: cookie ? { cookie } : {} }))
    const post = (path, cookie) => visit(path, cookie, 'POST')
    const cookieOf = (response) => response.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
    const textOf = async (response) => /<p>([^<]*)/.exec(await response.text())?.[1]
    const cart = async (cookie) => (await visit('/resource', cookie)).json()
    ${statements}
    console.log(JSON.stringify(heard))`
  const folder = folderWith({ 'guide.ts': guide, 'site.mjs': site, 'use.mjs': use })
  const { code, output } = await runNode(folder, 'use.mjs')
  expect(code, output).toBe(0)
  return JSON.parse(output) as unknown[]
}

describe('docs/other-frameworks.md, React Router', () => {
  it('sets one cookie at a sign-in, on the redirect, and none where a session is only read (P16)', async () => {
    const said = await run(`
      const stranger = await visit('/cart')
      say(stranger.status, await textOf(stranger), stranger.headers.getSetCookie())
      const filled = await post('/add')
      say(filled.status, filled.headers.get('location'), filled.headers.getSetCookie().length)
      const signedIn = await post('/login', cookieOf(filled))
      say(signedIn.status, signedIn.headers.get('location'), signedIn.headers.getSetCookie().length)
      say(cookieOf(signedIn) !== cookieOf(filled), signedIn.headers.get('cache-control'))
      const read = await visit('/cart', cookieOf(signedIn))
      say(await textOf(read), read.headers.getSetCookie(), await cart(cookieOf(filled)))`)
    const filled = [302, '/cart', 1]
    const signedIn = [302, '/', 1, true, 'private, no-store']
    expect(said).toEqual([200, 'cart: ', [], ...filled, ...signedIn, 'cart: padlock', [], []])
  })

  it('does so for the data requests of client-side navigation too', async () => {
    const said = await run(`
      const filled = await post('/add.data')
      say(filled.status, filled.headers.getSetCookie().length, (await filled.text()).includes('/cart'))
      const signedIn = await post('/login.data', cookieOf(filled))
      say(signedIn.status, signedIn.headers.getSetCookie().length)
      const read = await visit('/cart.data', cookieOf(signedIn))
      say(read.status, (await read.text()).includes('padlock'), read.headers.getSetCookie(), read.headers.get('cache-control'))
      const left = await post('/logout.data', cookieOf(signedIn))
      say(left.status, left.headers.get('set-cookie').includes('Max-Age=0'), await cart(cookieOf(signedIn)))`)
    expect(said).toEqual([202, 1, true, 202, 1, 200, true, [], 'private, no-store', 202, true, []])
  })

  it('clears the cookie at a sign-out, and the session is gone', async () => {
    const said = await run(`
      const cookie = cookieOf(await post('/add'))
      const left = await post('/logout', cookie)
      say(left.status, left.headers.getSetCookie().length, left.headers.get('set-cookie').includes('Max-Age=0'))
      say(await cart(cookie))`)
    expect(said).toEqual([302, 1, true, []])
  })

  it('drops changes behind an error, keeps a sign-out, and keeps what an answer below 500 changed (P15)', async () => {
    const said = await run(`
      const cookie = cookieOf(await post('/add'))
      for (const path of ['/broken', '/broken.data', '/refused', '/unrendered']) {
        const answer = await visit(path, cookie, path === '/unrendered' ? 'GET' : 'POST')
        say(answer.status, (await cart(cookie)).length, answer.headers.getSetCookie().length)
        if (path === '/broken') say(await textOf(answer))
      }
      const left = await post('/left', cookie)
      say(left.status, left.headers.get('set-cookie').includes('Max-Age=0'), await cart(cookie))`)
    expect(said).toEqual([500, 1, 0, 'error: unexpected', 500, 1, 0, 409, 2, 0, 500, 2, 0, 500, true, []])
  })

  it('answers an outage with 503 and leaves the cookie alone; an awaited `save()` ends at the boundary (P11)', async () => {
    const said = await run(`
      const cookie = cookieOf(await post('/add'))
      const down = () => { throw new Error('down') }
      const { get, update } = MemoryStore.prototype
      const meet = async (answer) => say(answer.status, answer.headers.has('retry-after'), answer.headers.getSetCookie())
      MemoryStore.prototype.get = down
      for (const path of ['/cart', '/cart.data', '/resource']) await meet(await visit(path, cookie))
      MemoryStore.prototype.get = get
      MemoryStore.prototype.update = down
      await meet(await post('/add', cookie))
      await meet(await post('/add.data', cookie))
      const saved = await post('/saved', cookie)
      say(saved.status, saved.headers.getSetCookie(), await textOf(saved))
      MemoryStore.prototype.update = update
      say(await cart(cookie))`)
    const outage = [503, true, []]
    const boundary = [500, [], 'error: unexpected']
    expect(said).toEqual([...outage, ...outage, ...outage, ...outage, ...outage, ...boundary, ['padlock']])
  })
})
