/**
 * A session in a frame on other people's sites (CHIPS): with `sameSite: 'none'` and `partitioned` the browser keeps a cookie for
 * every site the frame stands on, and none of them follows its visitor to the next.
 */
import { SessionManager, type CookieOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInBrowser, launch } from './chromium.ts'
import { listen, type Site } from './site.ts'

const html = (body: string): Response => new Response(body, { headers: { 'Content-Type': 'text/html' } })

function counter(cookie: CookieOptions): (request: Request) => Promise<Response> {
  const sessions = new SessionManager<{ visits: number }>({ cookie, initial: () => ({ visits: 0 }) })
  return withSession(sessions, (request, session) => {
    if (new URL(request.url).pathname === '/leave') session.destroy()
    else session.data.visits += 1
    return html(`<p>${session.isNew ? 'new' : 'known'}</p>`)
  })
}

describeInBrowser('a session in a cross-site frame', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let shop: Site | undefined
  let news: Site | undefined

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    context = await browser.newContext()
    page = await context.newPage()
    news = await listen('https', (request) =>
      html(`<iframe src="${new URL(request.url).searchParams.get('of')}"></iframe>`),
    )
  })
  afterEach(async () => {
    await context?.close()
    await shop?.close()
    await news?.close()
  })

  /** What the frame says on a page of `host`. */
  async function framedOn(host: string, path = '/'): Promise<string> {
    const frame = encodeURIComponent(`${shop?.origin}${path}`)
    await page.goto(`https://${host}:${news?.port}/?of=${frame}`)
    return (await page.frameLocator('iframe').locator('p').textContent()) ?? ''
  }

  /** Every cookie in the browser, as its own protocol tells it: with the partition that it is kept in. */
  async function kept(): Promise<object[]> {
    const { cookies } = await (await context.newCDPSession(page)).send('Network.getAllCookies')
    return cookies
  }

  it('has a partitioned cookie for each site it stands on, and another at home', async () => {
    shop = await listen('https', counter({ sameSite: 'none', partitioned: true }))
    expect(await framedOn('news.test')).toBe('new')
    expect(await framedOn('news.test')).toBe('known')
    expect(await framedOn('blog.test')).toBe('new')
    expect(await framedOn('blog.test')).toBe('known')
    const one = {
      name: '__Host-session',
      domain: 'shop.test',
      secure: true,
      httpOnly: true,
      sameSite: 'None',
      path: '/',
    }
    const inPartition = (host: string): object => ({
      ...one,
      partitionKey: { topLevelSite: `https://${host}`, hasCrossSiteAncestor: true },
    })
    const cookies = await kept()
    expect(cookies).toHaveLength(2)
    expect(cookies).toMatchObject([inPartition('news.test'), inPartition('blog.test')])
    expect(new Set(cookies.map((cookie) => (cookie as { value: string }).value)).size).toBe(2)

    await page.goto(shop.origin)
    expect(await page.locator('p').textContent()).toBe('new')
    expect(await kept()).toHaveLength(3)
  })

  it('is cleared in its partition and nowhere else (F14)', async () => {
    shop = await listen('https', counter({ sameSite: 'none', partitioned: true }))
    await framedOn('news.test')
    await framedOn('blog.test')
    expect(await framedOn('news.test', '/leave')).toBe('known')
    expect(await kept()).toMatchObject([{ partitionKey: { topLevelSite: 'https://blog.test' } }])
    expect(await framedOn('blog.test')).toBe('known')
  })

  it('is new every time with the default cookie: Lax keeps it out of frames', async () => {
    shop = await listen('https', counter({}))
    await page.goto(shop.origin)
    expect(await framedOn('news.test')).toBe('new')
    expect(await framedOn('news.test')).toBe('new')
    expect(await kept()).toHaveLength(1)
  })
})
