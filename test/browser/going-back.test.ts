/**
 * The back button after signing out. Chromium has two ways to show a page again without asking for it: the page itself, kept as it
 * was left, and its answer in the HTTP cache. Each test first shows that the way is open, then that it is closed after the sign-out.
 */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInBrowser, launch, launchWithPageCache } from './chromium.ts'
import { openShop, type Site } from './site.ts'
import { signIn, signOut } from './visits.ts'

/** Goes back, and waits for the heading of the page that comes: pages that were kept fire no load event. */
async function goBackTo(page: Page, heading: string): Promise<void> {
  // In a task of its own, or the answer to `evaluate` would race the page it comes from.
  await page.evaluate(() => void setTimeout(() => history.back()))
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
}

describeInBrowser.each(['http', 'https'] as const)('the back button over %s', (scheme) => {
  let shop: Site
  beforeEach(async () => {
    shop = await openShop(scheme)
  })
  afterEach(() => shop?.close())

  describeInBrowser('with pages kept as they were left', () => {
    let browser: Browser
    let page: Page
    beforeAll(async () => {
      browser = await launchWithPageCache()
    })
    beforeEach(async () => {
      page = await browser.newPage()
    })
    afterEach(() => page?.close())
    afterAll(() => browser?.close())

    it('shows a kept page to who is still signed in, and asks again after a sign-out', async () => {
      await signIn(page, shop.origin, { next: '/devices' })
      await page.goto(`${shop.origin}/cart`)
      shop.requests.length = 0
      await goBackTo(page, 'Your devices')
      expect(shop.requests).toEqual([])

      await signOut(page)
      shop.requests.length = 0
      await goBackTo(page, 'Sign in')
      expect(shop.requests).toContain('GET /devices')
      expect(await page.getByText('Ada', { exact: true }).count()).toBe(0)
    })
  })

  describeInBrowser('with the HTTP cache', () => {
    let browser: Browser
    let page: Page
    beforeAll(async () => {
      browser = await launch()
    })
    beforeEach(async () => {
      page = await browser.newPage()
    })
    afterEach(() => page?.close())
    afterAll(() => browser?.close())

    it("shows an anonymous visitor's page from the cache, and never a page of somebody who was signed in", async () => {
      await page.goto(`${shop.origin}/shop`)
      await page.goto(`${shop.origin}/cart`)
      shop.requests.length = 0
      await goBackTo(page, 'The shop')
      expect(shop.requests).not.toContain('GET /shop')

      await signIn(page, shop.origin, { next: '/devices' })
      await signOut(page)
      shop.requests.length = 0
      await goBackTo(page, 'Sign in')
      expect(shop.requests).toContain('GET /devices')
      expect(await page.getByText('Ada', { exact: true }).count()).toBe(0)
    })
  })
})
