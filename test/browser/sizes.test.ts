/** How large a cookie may be: what Chromium keeps, byte by byte, beside what the library sends. */
import { SessionManager, type CookieOptions } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { CookieStore } from 'latchkey/stores/cookie'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { cookieOf, describeInBrowser, launch } from './chromium.ts'
import { listen, type Site } from './site.ts'

type Data = { text: string }

/** `?fill=n` seals a text of so many characters that do not repeat; without it the answer is the text's length and its end. */
function sealed(cookie: CookieOptions): (request: Request) => Promise<Response> {
  const store = new CookieStore({ secret: 'a secret for tests only, of more than 32 bytes' })
  const sessions = new SessionManager<Data>({ store, cookie, initial: () => ({ text: '' }) })
  const handler = withSession(sessions, (request, session) => {
    const fill = new URL(request.url).searchParams.get('fill')
    if (fill !== null) session.data.text = textOf(Number(fill))
    return new Response(`${session.data.text.length} ${session.data.text.slice(-20)}`)
  })
  return (request) => handler(request).catch((error: Error) => new Response(error.name, { status: 500 }))
}

function textOf(length: number): string {
  const numbers = Array.from({ length: Math.ceil(length / 6) }, (_, index) => String(index).padStart(6, '0'))
  return numbers.join('').slice(0, length)
}

function answerOf(length: number): string {
  return `${length} ${textOf(length).slice(-20)}`
}

describeInBrowser('cookies at the limit', () => {
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let site: Site | undefined

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    context = await browser.newContext()
    page = await context.newPage()
  })
  afterEach(async () => {
    await context?.close()
    await site?.close()
  })

  async function visit(path: string): Promise<{ status: number; body: string }> {
    const response = await page.goto(`${site?.origin}${path}`)
    return { status: response?.status() ?? 0, body: (await response?.text()) ?? '' }
  }

  /** Name and value of every cookie that the browser keeps, in bytes, by name. */
  async function sizes(): Promise<Record<string, number>> {
    const cookies = await context.cookies()
    return Object.fromEntries(cookies.map(({ name, value }) => [name, name.length + value.length]))
  }

  it('are kept by Chromium up to 4,096 bytes of name and value, and dropped without a word from 4,097', async () => {
    site = await listen('https', (request) => {
      const size = Number(new URL(request.url).searchParams.get('size'))
      return new Response('', { headers: { 'Set-Cookie': `of=${'x'.repeat(size - 2)}; Path=/` } })
    })
    await visit('/?size=4096')
    expect(await sizes()).toEqual({ of: 4096 })
    await context.clearCookies()
    await visit('/?size=4097')
    expect(await sizes()).toEqual({})
  })

  // Base64 text has no length of 4 n + 1, so a name is chosen with which exactly 4,096 bytes can be had.
  it('hold a sealed session of exactly 4,096 bytes, and one more character is an error that sends nothing (P17, C08)', async () => {
    const name = '__Host-store'
    site = await listen('https', sealed({ name }))
    await visit('/?fill=1')
    const least = (await sizes())[name] ?? 0
    // Three characters are four bytes: a few steps from here to the last that fits.
    let fits = Math.floor(((4096 - least) * 3) / 4) - 2
    for (;;) {
      const { status } = await visit(`/?fill=${fits + 1}`)
      if (status !== 200) break
      fits++
    }
    await visit(`/?fill=${fits}`)
    expect(await sizes()).toEqual({ [name]: 4096 })
    expect(await visit('/')).toEqual({ status: 200, body: answerOf(fits) })

    const before = await cookieOf(context, name)
    expect(await visit(`/?fill=${fits + 1}`)).toEqual({ status: 500, body: 'SessionTooLargeError' })
    expect(await cookieOf(context, name)).toEqual(before)
    expect(await visit('/')).toEqual({ status: 200, body: answerOf(fits) })
  })

  it('share a sealed session among three, which comes back whole, and lose what it no longer fills', async () => {
    site = await listen('https', sealed({ chunks: 3 }))
    expect((await visit('/?fill=8000')).status).toBe(200)
    const three = await sizes()
    expect(three).toMatchObject({ '__Host-session': 4094, '__Host-session.1': 4096 })
    expect(Object.keys(three)).toHaveLength(3)
    expect(await visit('/')).toEqual({ status: 200, body: answerOf(8000) })
    expect(await context.cookies()).toEqual(
      Array.from({ length: 3 }, () =>
        expect.objectContaining({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/' }),
      ),
    )

    await visit('/?fill=4000')
    expect(Object.keys(await sizes())).toEqual(['__Host-session', '__Host-session.1'])
    expect((await visit('/')).body).toBe(answerOf(4000))
    await visit('/?fill=10')
    expect(Object.keys(await sizes())).toEqual(['__Host-session'])
    expect((await visit('/')).body).toBe(answerOf(10))
    expect(await visit('/?fill=20000')).toEqual({ status: 500, body: 'SessionTooLargeError' })
    expect((await visit('/')).body).toBe(answerOf(10))
  })
})
