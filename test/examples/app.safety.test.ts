/** The example app against those who mean harm, and while its store is down. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionManager } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../examples/app/app.ts'
import { deviceName } from '../../examples/app/device.ts'
import { localPath } from '../../examples/app/forms.ts'
import { shopOptions, type Notes, type Shop } from '../../examples/app/shop.ts'
import { Browser, listen } from './browser.ts'

const HOSTILE = `"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;`

/** A store that can be told to fail, as a database that cannot be reached does. */
class Faulty extends MemoryStore {
  failing = ''
  override get(id: string): ReturnType<MemoryStore['get']> {
    if (this.failing === 'get') throw new Error(`connect ECONNREFUSED, while asked for ${id}`)
    return super.get(id)
  }
  override update(...args: Parameters<MemoryStore['update']>): ReturnType<MemoryStore['update']> {
    if (this.failing === 'update') throw new Error(`disk full, while given ${JSON.stringify(args)}`)
    return super.update(...args)
  }
}

let store: Faulty
let logged: unknown[]
let server: Awaited<ReturnType<typeof listen>>
let browser: Browser

beforeEach(async () => {
  store = new Faulty()
  logged = []
  const app = createApp(new SessionManager<Shop, Notes>({ ...shopOptions, store }), {
    log: (error) => logged.push(error),
  })
  app.get('/broken', () => {
    throw new Error('the secret recipe')
  })
  server = await listen(app)
  browser = new Browser(server.origin)
})
afterEach(() => server.close())

describe('posts from elsewhere', () => {
  const paths = [
    '/cart/add',
    '/cart/change',
    '/cart/remove',
    '/sign-in',
    '/sign-out',
    '/devices/end',
    '/devices/end-others',
  ]

  it.each(paths)('to %s are refused with a page, before any session is read', async (path) => {
    await browser.signIn()
    const cookie = await browser.cookieHeader()
    store.failing = 'get'
    for (const headers of [
      { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'https://evil.example' },
      { Origin: 'null', 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site' },
      {},
    ]) {
      const body = new URLSearchParams({ sku: 'padlock', login: 'grace', password: 'open sesame' })
      const answer = await fetch(server.origin + path, {
        method: 'POST',
        body,
        headers: { cookie, ...headers } as Record<string, string>,
        redirect: 'manual',
      })
      expect(answer.status).toBe(403)
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await answer.text()).toContain('Not from here')
    }
    store.failing = ''
    expect((await browser.get('/cart')).text).toContain('Ada')
  })

  it.each(['/sign-out', '/devices/end', '/devices/end-others'])(
    'to %s need the CSRF token of this very session besides',
    async (path) => {
      const other = new Browser(server.origin)
      await Promise.all([browser.signIn('ada'), other.signIn('ada')])
      const foreign = /name="csrf" value="([^"]+)"/.exec((await other.get('/shop')).html)?.[1] as string
      for (const csrf of [undefined, '', 'x', foreign]) {
        const page = await browser.post(path, csrf === undefined ? {} : { csrf })
        expect(page.status).toBe(403)
      }
      expect((await browser.get('/devices')).html.match(/action="\/devices\/end"/g)).toHaveLength(2)
    },
  )

  it('do not get through with a token from before signing in again (F04)', async () => {
    await browser.signIn()
    const before = browser.page
    await browser.post('/sign-in', { login: 'ada', password: 'open sesame' })
    browser.page = before
    expect((await browser.submit('/sign-out')).status).toBe(403)
    await browser.get('/shop')
    expect((await browser.submit('/sign-out')).text).toContain('You are signed out.')
  })

  it('get no scripts, frames or foreign forms to work with either', async () => {
    for (const path of ['/', '/nowhere', '/style.css', '/devices']) {
      const { headers, trail } = await browser.get(path)
      for (const one of [headers, ...trail.map((step) => step.headers)]) {
        expect(one.get('content-security-policy')).toBe(
          "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        expect(one.get('x-content-type-options')).toBe('nosniff')
        // `no-referrer` would make browsers send `Origin: null` with every form.
        expect(one.get('referrer-policy')).toBe('same-origin')
      }
    }
  })
})

describe('what visitors send', () => {
  const clean = (html: string): void => {
    expect(html).not.toMatch(/<script|<img|&amp;lt;/)
    expect(html).toContain('</html>')
  }

  it('as their browser’s name is shown escaped, and shortened', async () => {
    await new Browser(server.origin, HOSTILE.repeat(20)).signIn()
    await browser.signIn()
    const { html, text } = await browser.get('/devices')
    clean(html)
    expect(text).toContain(`"><script>alert('x')</script><img src=x`)
    expect(html.length).toBeLessThan(10_000)
  })

  it('as name, path, product or query is shown escaped or not at all', async () => {
    const next = `/cart?x=${encodeURIComponent(HOSTILE)}`
    for (const page of [
      await browser.post('/sign-in', { login: HOSTILE, password: HOSTILE, next: `/${HOSTILE}` }),
      await browser.get(`/sign-in?next=${encodeURIComponent(next)}`),
      await browser.get(`/sign-in?next=/${encodeURIComponent(HOSTILE)}`),
      await browser.get(`/${encodeURIComponent(HOSTILE)}?${HOSTILE}`),
      await browser.post('/cart/add', { sku: HOSTILE, quantity: HOSTILE }),
      await browser.post('/cart/change', { sku: 'padlock', quantity: HOSTILE }),
    ]) {
      clean(page.html)
    }
    const { html } = await browser.post('/sign-in', { login: HOSTILE })
    expect(html).toContain('value="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)')
  })

  it('as a cookie, whatever it is, makes them a new visitor (P12)', async () => {
    for (const cookie of ['session=garbage', `session=${'x'.repeat(5000)}`, 'session=a.b.c', 'session=;;=', HOSTILE]) {
      const answer = await fetch(`${server.origin}/shop`, { headers: { cookie } })
      expect(answer.status).toBe(200)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })
})

describe('the way on after signing in', () => {
  it.each([
    ['/cart', '/cart'],
    ['/sign-in?next=/cart#x', '/sign-in?next=/cart'],
    ['/a/../cart', '/cart'],
    ['/ä?q=ü', '/%C3%A4?q=%C3%BC'],
  ])('%j is a path of this site', (value, expected) => {
    expect(localPath(value, '/')).toBe(expected)
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n//evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/x/..//evil.example',
    '/%2e//evil.example',
    '/.\\/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'cart',
    ' /cart',
    '',
    '//',
    '///',
    '/\\',
    'http:cart',
    '//[',
    undefined,
  ])('%j is not', (value) => {
    expect(localPath(value, '/home')).toBe('/home')
  })

  it('never leads to another site, by form or by link', async () => {
    for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example/', '/.//evil.example']) {
      const visitor = new Browser(server.origin)
      await visitor.get(`/sign-in?next=${encodeURIComponent(next)}`)
      expect(visitor.page?.html).not.toContain('evil.example')
      const page = await visitor.post('/sign-in', { login: 'ada', password: 'open sesame', next })
      expect(page.trail[0]?.headers.get('location')).toBe('/')
      expect((await visitor.get(`/sign-in?next=${encodeURIComponent(next)}`)).url.pathname).toBe('/')
    }
  })
})

describe('when something is wrong', () => {
  it('an unknown page is a 404 that leaves the flash message for the next page', async () => {
    await browser.send('POST', '/cart/add', new URLSearchParams({ sku: 'padlock' }), { Origin: server.origin })
    const cookie = await browser.cookieHeader()
    const posted = await fetch(`${server.origin}/cart/add`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: server.origin },
      body: new URLSearchParams({ sku: 'key-rail' }),
    })
    expect(posted.status).toBe(303)
    const missing = await browser.get('/favicon.ico')
    expect(missing.status).toBe(404)
    expect(missing.text).toContain('No such page')
    expect((await browser.get('/shop')).text).toContain('Key rail is in your cart.')
  })

  it('a fault inside is a 500 that tells the visitor nothing and the log everything', async () => {
    const page = await browser.get('/broken')
    expect(page.status).toBe(500)
    expect(page.text).toContain('It is our fault')
    expect(page.html).not.toContain('recipe')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(logged).toEqual([new Error('the secret recipe')])
  })

  it.each(['get', 'update'])(
    'a store that fails at `%s` is a 503 with Retry-After, and the cookie survives (P11, F16)',
    async (call) => {
      await browser.signIn()
      const cookie = await browser.cookieHeader()
      store.failing = call
      const page = await browser.get('/')
      expect(page.status).toBe(503)
      expect(page.headers.get('retry-after')).toBe('5')
      expect(page.headers.get('cache-control')).toContain('no-store')
      expect(page.headers.getSetCookie()).toEqual([])
      expect(page.text).toContain('Back in a moment')
      expect(page.html).not.toMatch(/ECONNREFUSED|disk full|verifier|Ada/)
      expect(logged).toMatchObject([{ code: 'STORE_UNAVAILABLE' }])

      store.failing = ''
      expect(await browser.cookieHeader()).toBe(cookie)
      expect((await browser.get('/devices')).url.pathname).toBe('/devices')
    },
  )

  it('a page that says so is kept by no cache, also when nobody is signed in', async () => {
    await browser.get('/')
    store.failing = 'update'
    const page = await browser.get('/')
    expect(page.status).toBe(503)
    expect(page.headers.get('cache-control')).toContain('no-store')
  })

  it('the style sheet and the icon are served without the store', async () => {
    store.failing = 'get'
    const { headers, status } = await browser.get('/style.css', { Cookie: 'session=a.b' })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/css'])
    const again = await browser.get('/style.css', { 'If-None-Match': headers.get('etag') as string })
    expect(again.status).toBe(304)
    expect((await browser.get('/icon.svg')).headers.get('content-type')).toBe('image/svg+xml')
  })
})

describe('the app', () => {
  const folder = join(import.meta.dirname, '../../examples/app')
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))

  it('imports Hono, latchkey and itself, and nothing of any one runtime', () => {
    const imported = sources.flatMap((text) => [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1] as string))
    expect(imported.filter((name) => !/^(hono|latchkey|\.)(\/|$)/.test(name))).toEqual([])
    expect(sources.join('\n')).not.toMatch(/\b(process|Deno|Bun|Buffer)\./)
  })

  it('has pages that ask no other origin for anything', async () => {
    for (const path of ['/', '/shop', '/cart', '/sign-in', '/nowhere']) {
      const { html } = await browser.get(path)
      expect([...html.matchAll(/(?:href|src|action)="([^"]*)"/g)].map((match) => match[1])).toSatisfy(
        (all: string[]) => all.length > 0 && all.every((url) => /^(\/(?!\/)|#)/.test(url)),
      )
      expect(html).not.toMatch(/\sstyle=|<style|<script/)
    }
  })

  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari on macOS',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64) Something/1.0', 'A browser on Linux'],
    ['curl/8.5.0', 'curl/8.5.0'],
    [`x${'y'.repeat(100)}`, `x${'y'.repeat(59)}…`],
    ['  ', 'Unknown device'],
    [undefined, 'Unknown device'],
  ])('calls %j %j', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name)
  })
})
