/**
 * Cookies that others plant: over plain http, or from a sister domain, with a session that is good in itself. Whoever gets one into
 * a browser would have its owner act in the planter's account. `__Host-` and reading one exact name are what stops them.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cookieOf, describeInBrowser, launch } from './chromium.ts'
import { listen, openShop, type Scheme } from './site.ts'
import { addToCart, isSignedIn, signIn } from './visits.ts'

/** A space that the parsers of some servers trim off a name, and browsers do not. */
const WIDE = Buffer.from('\u2000').toString('latin1')

/** Ways to plant a session, as Set-Cookie headers; `%` is its token. Chromium keeps those, from these planters, that are named. */
const attempts: { cookie: string; kept: Scheme[] }[] = [
  { cookie: 'session=%; Path=/', kept: ['http', 'https'] },
  { cookie: 'session=%; Path=/cart', kept: ['http', 'https'] },
  { cookie: 'session=%; Path=/; Domain=shop.test', kept: ['http', 'https'] },
  // Of two with one name, browsers send the one with the longer path first, and servers read that.
  { cookie: 'session=%; Path=/cart; Domain=shop.test', kept: ['http', 'https'] },
  { cookie: `${WIDE}__Host-session=%; Path=/; Domain=shop.test`, kept: ['http', 'https'] },
  // A sister may have one of its own, which goes to nobody else.
  { cookie: '__Host-session=%; Path=/; Secure', kept: ['https'] },
  { cookie: '__Host-session=%; Path=/; Secure; Domain=shop.test', kept: [] },
  { cookie: '__Host-session=%; Path=/cart; Secure', kept: [] },
  { cookie: '__Host-session=%; Path=/', kept: [] },
  { cookie: '__host-session=%; Path=/', kept: [] },
  { cookie: '=__Host-session=%; Path=/', kept: [] },
]

describeInBrowser('a cookie planted beside __Host-session', () => {
  let browser: Browser
  let shop: Awaited<ReturnType<typeof openShop>>
  let close: (() => Promise<void>)[]
  /** Where a session is planted: the shop's own host over http, and a sister domain over https. Add `?n` for only one attempt. */
  let planters: Record<Scheme, string>
  let context: BrowserContext
  let page: Page
  let theirs: string

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    shop = await openShop('https')
    const cart = [{ sku: 'door-knocker', quantity: 9 }]
    theirs = await shop.sessions.createSession({ cart }, { subject: 'u_grace' })
    const planter = (request: Request): Response => {
      const { pathname, search } = new URL(request.url)
      // The browser asks for an icon too.
      if (pathname !== '/') return new Response(null, { status: 404 })
      const headers = new Headers()
      for (const [index, { cookie }] of attempts.entries())
        if (search === '' || search === `?${index}`) headers.append('Set-Cookie', cookie.replace('%', theirs))
      // Without a body: beside one that is text, Node writes headers as UTF-8, and the name would be another.
      return new Response(null, { headers })
    }
    const [http, https] = await Promise.all([listen('http', planter), listen('https', planter)])
    planters = { http: `http://shop.test:${http.port}/`, https: `https://evil.shop.test:${https.port}/` }
    close = [http.close, https.close, shop.close]
    context = await browser.newContext()
    page = await context.newPage()
  })
  afterEach(async () => {
    await context?.close()
    for (const one of close) await one()
  })

  async function bePlanted(): Promise<void> {
    for (const url of Object.values(planters)) await page.goto(url)
  }

  it('does not win over the cookie of who is signed in: nothing in the browser has changed hands', async () => {
    await signIn(page, shop.origin)
    await addToCart(page, shop.origin, 'Padlock')
    const own = await cookieOf(context, '__Host-session', shop.origin)
    expect(own).toBeDefined()
    await bePlanted()
    await page.goto(`${shop.origin}/cart`)
    expect(await page.locator('.who').textContent()).toBe('Ada')
    expect(await page.locator('.cart h3').allTextContents()).toEqual(['Padlock'])
    expect(await cookieOf(context, '__Host-session', shop.origin)).toEqual(own)
  })

  it('does not sign in who is not, and does not stay in the way of signing in', async () => {
    await bePlanted()
    await page.goto(`${shop.origin}/cart`)
    await page.getByText('Your cart is empty').waitFor()
    expect(await page.locator('.who').count()).toBe(0)
    await signIn(page, shop.origin, { next: '/cart' })
    await page.getByText('Your cart is empty').waitFor()
    expect(await page.locator('.who').textContent()).toBe('Ada')
    expect((await cookieOf(context, '__Host-session', shop.origin))?.value).not.toBe(theirs)
  })

  it('is sent to the shop where the prefix is missing, and would be a session that is good by itself', async () => {
    await bePlanted()
    const sent = await context.cookies(`${shop.origin}/cart`)
    const names = sent.map(({ name }) => name).toSorted()
    expect(names).toEqual([...Array.from({ length: 4 }, () => 'session'), '\u2000__Host-session'])
    expect(sent.every(({ value }) => value === theirs)).toBe(true)
    await context.addCookies([{ name: '__Host-session', value: theirs, url: shop.origin, secure: true }])
    expect(await isSignedIn(page, shop.origin)).toBe(true)
    expect(await page.locator('.who').textContent()).toBe('Grace')
  })

  it.each(['http', 'https'] as const)(
    'is refused by the browser itself where it has the prefix (%s)',
    async (scheme) => {
      for (const [index, { cookie, kept }] of attempts.entries()) {
        await context.clearCookies()
        await page.goto(`${planters[scheme]}?${index}`)
        expect(await context.cookies(), cookie).toHaveLength(kept.includes(scheme) ? 1 : 0)
      }
    },
  )
})
