/** The example shop as people use it, in Chromium, over http on localhost and over https; and what the browser keeps of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cookieOf, describeInBrowser, launch, launchWithProfile } from './chromium.ts'
import { openShop, type Site } from './site.ts'
import { addToCart, isSignedIn, signIn, signOut } from './visits.ts'

const DAY = 86_400

/** In how many days from now a cookie ends that the browser keeps until then. */
function daysLeft(cookie: { expires: number } | undefined): number {
  return Math.round(((cookie?.expires ?? 0) - Date.now() / 1000) / DAY)
}

describeInBrowser.each([
  { scheme: 'http', name: 'session', secure: false, host: 'localhost' },
  { scheme: 'https', name: '__Host-session', secure: true, host: 'shop.test' },
] as const)('the shop in Chromium over $scheme', ({ scheme, name, secure, host }) => {
  let browser: Browser
  let shop: Site
  let context: BrowserContext
  let page: Page
  let origin: string

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    shop = await openShop(scheme)
    origin = shop.origin
    context = await browser.newContext()
    page = await context.newPage()
  })
  afterEach(async () => {
    await context?.close()
    await shop?.close()
  })

  it(`keeps nothing of who only looks, and for who is counted one cookie: ${name}, HttpOnly, Lax, for 30 days (P2)`, async () => {
    await page.goto(`${origin}/shop`)
    await page.goto(`${origin}/cart`)
    expect(await context.cookies()).toEqual([])
    await page.goto(origin)
    const cookies = await context.cookies()
    expect(cookies).toMatchObject([
      {
        name,
        secure,
        domain: host,
        path: '/',
        httpOnly: true,
        sameSite: 'Lax',
        value: expect.stringMatching(/^.{60,}$/),
      },
    ])
    expect(daysLeft(cookies[0])).toBe(30)
    expect(await page.evaluate(() => document.cookie)).toBe('')
  })

  it('fills a cart, says so once, and sends no cookie again for reading or for more of the same session', async () => {
    await addToCart(page, origin, 'Padlock')
    const cookie = await cookieOf(context, name)
    await addToCart(page, origin, 'Brass key')
    await page.reload()
    expect(await page.getByRole('status').count()).toBe(0)
    await page.goto(`${origin}/cart`)
    expect(await page.locator('.cart h3').allTextContents()).toEqual(['Padlock', 'Brass key'])
    await page.getByLabel('How many of Padlock').fill('3')
    await page.getByRole('button', { name: /^Change ?: Padlock/ }).click()
    await page.getByText('Your cart was changed.').waitFor()
    expect(await page.locator('.total .price').textContent()).toBe('€63.20')
    await page.getByRole('button', { name: /^Remove ?: Brass key/ }).click()
    await page.getByText('Brass key was removed.').waitFor()
    expect(await context.cookies()).toEqual([cookie])
  })

  it('signs in: the cart comes along, the token is another, and the cookie ends with the browser', async () => {
    await addToCart(page, origin, 'Padlock')
    const before = await cookieOf(context, name)
    await signIn(page, origin, { next: '/cart' })
    expect(new URL(page.url()).pathname).toBe('/cart')
    expect(await page.locator('.cart h3').allTextContents()).toEqual(['Padlock'])
    const after = await cookieOf(context, name)
    expect(await context.cookies()).toHaveLength(1)
    expect(after).toMatchObject({ secure, httpOnly: true, sameSite: 'Lax', expires: -1 })
    expect(after?.value).not.toBe(before?.value)
    await page.reload()
    expect(await page.getByRole('status').count()).toBe(0)
  })

  it('asks again after a wrong password, and keeps no cookie for the try', async () => {
    await page.goto(`${origin}/sign-in`)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('please')
    await page.locator('main').getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('ada')
    expect(await page.getByLabel('Password').inputValue()).toBe('')
    expect(await context.cookies()).toEqual([])
  })

  it.each([true, false])(
    'with "remember me" %s: what a browser that was closed and opened again knows',
    async (remember) => {
      const profile = mkdtempSync(join(tmpdir(), 'latchkey-profile-'))
      try {
        const first = await launchWithProfile(profile)
        await signIn(await first.newPage(), origin, { remember })
        const cookie = await cookieOf(first, name)
        expect(remember ? daysLeft(cookie) : cookie?.expires).toBe(remember ? 365 : -1)
        await first.close()

        const second = await launchWithProfile(profile)
        expect(await isSignedIn(await second.newPage(), origin)).toBe(remember)
        expect((await cookieOf(second, name))?.value).toBe(remember ? cookie?.value : undefined)
        await second.close()
      } finally {
        rmSync(profile, { recursive: true, force: true })
      }
    },
  )

  it('shows two browsers as two devices, and ends the other one from here', async () => {
    const other = await browser.newContext()
    const otherPage = await other.newPage()
    await signIn(otherPage, origin)
    await signIn(page, origin, { next: '/devices' })
    expect(await page.locator('.devices h2').allTextContents()).toEqual([
      expect.stringMatching(/^Chrome on Linux\s+This device$/),
      expect.stringMatching(/^Chrome on Linux\s*$/),
    ])
    await page.locator('.devices li:not(.current)').getByRole('button').click()
    await page.getByText('That device is signed out.').waitFor()
    expect(await page.locator('.devices li').count()).toBe(1)
    expect(await isSignedIn(otherPage, origin)).toBe(false)
    expect(await isSignedIn(page, origin)).toBe(true)
    await other.close()
  })

  it('signs out everywhere else, and the others notice with their next click', async () => {
    const others = await Promise.all([browser.newContext(), browser.newContext()])
    const pages = await Promise.all(others.map((one) => one.newPage()))
    for (const one of pages) await signIn(one, origin, { remember: true, next: '/devices' })
    await signIn(page, origin, { next: '/devices' })
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await page.getByText('2 other devices are signed out.').waitFor()
    for (const one of pages) {
      await one.getByRole('link', { name: 'Devices' }).click()
      await one.waitForURL('**/sign-in?next=%2Fdevices')
    }
    expect(await isSignedIn(page, origin)).toBe(true)
    for (const one of others) await one.close()
  })

  it('signs out: another token, an empty cart, a word of goodbye, and the old cookie put back is worth nothing', async () => {
    await signIn(page, origin)
    await addToCart(page, origin, 'Padlock')
    const before = await cookieOf(context, name)
    await signOut(page)
    expect((await cookieOf(context, name))?.value).not.toBe(before?.value)
    await page.goto(`${origin}/cart`)
    await page.getByText('Your cart is empty').waitFor()
    if (before) await context.addCookies([before])
    expect(await isSignedIn(page, origin)).toBe(false)
  })
})
