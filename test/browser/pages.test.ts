/**
 * The example's pages at the width of a desk and of a phone: nothing sticks out, everything that can be tapped is large enough, and
 * every picture is there to be looked at, in SCREENSHOTS or else in a directory that goes with the test.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInBrowser, launch } from './chromium.ts'
import { openShop, type Site } from './site.ts'
import { addToCart, signIn } from './visits.ts'

const wanted = process.env['SCREENSHOTS']

describeInBrowser.each([
  { device: 'desktop', width: 1280, height: 800, colorScheme: 'light' },
  { device: 'phone', width: 390, height: 844, colorScheme: 'light' },
  { device: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
] as const)('the pages on a $device', ({ device, width, height, colorScheme }) => {
  let directory: string
  let browser: Browser
  let shop: Site
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    directory = wanted ?? mkdtempSync(join(tmpdir(), 'latchkey-screenshots-'))
    mkdirSync(directory, { recursive: true })
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    if (!wanted && directory) rmSync(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    shop = await openShop('https')
    context = await browser.newContext({ viewport: { width, height }, colorScheme })
    page = await context.newPage()
  })
  afterEach(async () => {
    await context?.close()
    await shop?.close()
  })

  /** Takes a picture, and lists what would look wrong in it. */
  async function flaws(name: string): Promise<string[]> {
    await page.screenshot({ path: join(directory, `${device}-${name}.png`), fullPage: true })
    return page.evaluate((screen) => {
      const nameOf = (element: Element): string => `${element.tagName} ${element.textContent?.trim().slice(0, 30)}`
      const shown = [...document.querySelectorAll('body *')].filter(
        (element) => element.checkVisibility() && !element.closest('.hidden, .skip'),
      )
      const outside = shown.filter((element) => element.getBoundingClientRect().right > screen + 0.5)
      const small = shown
        .filter((element) => element.matches('button, nav a, a.button, input[type=text], input[type=password]'))
        .filter((element) => element.getBoundingClientRect().height < 36)
      return [
        ...(document.documentElement.scrollWidth > screen ? ['the page scrolls sideways'] : []),
        ...outside.map((element) => `${nameOf(element)} sticks out`),
        ...small.map((element) => `${nameOf(element)} is small`),
      ]
    }, width)
  }

  it('fit when nobody is signed in', async () => {
    await page.goto(shop.origin)
    expect(await flaws('home')).toEqual([])
    await page.goto(`${shop.origin}/shop`)
    expect(await flaws('shop')).toEqual([])
    await page.goto(`${shop.origin}/cart`)
    expect(await flaws('cart-empty')).toEqual([])
    await page.goto(`${shop.origin}/sign-in?next=/cart`)
    expect(await flaws('sign-in')).toEqual([])
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('please')
    await page.locator('main').getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    expect(await flaws('sign-in-failed')).toEqual([])
    await page.goto(`${shop.origin}/nowhere`)
    expect(await flaws('not-found')).toEqual([])
  })

  it('fit when somebody is', async () => {
    const other = await browser.newContext({
      userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
    })
    await signIn(await other.newPage(), shop.origin, { remember: true })
    await addToCart(page, shop.origin, 'Padlock')
    await addToCart(page, shop.origin, 'Door knocker')
    expect(await flaws('shop-added')).toEqual([])
    await signIn(page, shop.origin, { next: '/cart' })
    expect(await flaws('cart')).toEqual([])
    await page.goto(`${shop.origin}/devices`)
    expect(await flaws('devices')).toEqual([])
    await page.goto(shop.origin)
    expect(await flaws('home-signed-in')).toEqual([])
    await other.close()
  })
})
