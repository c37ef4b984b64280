/** The example app for those who sign in: rotation, "remember me", devices, and the way out. */
import { SessionManager } from 'latchkey'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../examples/app/app.ts'
import { shopOptions, type Notes, type Shop } from '../../examples/app/shop.ts'
import { Browser, listen } from './browser.ts'

const DAY = 86_400_000
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

let clock: number
let server: Awaited<ReturnType<typeof listen>>
let browser: Browser

beforeEach(async () => {
  clock = Date.parse('2026-03-01T12:00:00Z')
  const now = (): number => clock
  server = await listen(createApp(new SessionManager<Shop, Notes>({ ...shopOptions, now }), { now }))
  browser = new Browser(server.origin)
})
afterEach(() => server.close())

async function isSignedIn(who: Browser): Promise<boolean> {
  return (await who.get('/devices')).url.pathname === '/devices'
}

/** What a browser with exactly this Cookie header is shown. */
async function seenWith(cookie: string, path = '/cart'): Promise<string> {
  return (await fetch(server.origin + path, { headers: { cookie } })).text()
}

describe('signing in', () => {
  it('brings a new token in the same moment, and the old one is worth nothing (F03, P7)', async () => {
    await browser.get('/')
    await browser.post('/cart/add', { sku: 'padlock' })
    const before = await browser.cookieHeader()
    await browser.signIn()
    expect(await browser.cookieHeader()).not.toBe(before)
    const old = await seenWith(before)
    expect(old).not.toContain('Ada')
    expect(old).toContain('Your cart is empty')
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('keeps the cart and the visits, and says welcome once', async () => {
    await browser.get('/')
    await browser.post('/cart/add', { sku: 'padlock', quantity: '3' })
    const page = await browser.signIn()
    expect(page.url.pathname).toBe('/')
    expect(page.text).toContain('Welcome, Ada.')
    expect(page.text).toContain('visit number 2 ')
    expect(page.text).toContain('Cart 3 items')
    expect((await browser.get('/')).text).not.toContain('Welcome, Ada.')
  })

  it('with a wrong password changes nothing, sets no cookie, and keeps what was typed but for the password', async () => {
    const page = await browser.signIn('grace', { password: 'let me in', remember: 'yes' })
    expect(page.status).toBe(422)
    expect(page.text).toContain('No account has that name and password.')
    expect(page.html).toContain('value="grace"')
    expect(page.html).toContain('checked')
    expect(page.html).not.toContain('let me in')
    expect(await browser.cookie()).toBeUndefined()
    expect((await browser.submit('/sign-in', { password: 'open sesame' })).text).toContain('Welcome, Grace.')
  })

  it.each([{}, { login: 'ada' }, { password: 'open sesame' }, { login: 'constructor', password: 'open sesame' }])(
    'with %j fails like any wrong password',
    async (fields) => {
      expect((await browser.post('/sign-in', fields)).status).toBe(422)
      expect(await isSignedIn(browser)).toBe(false)
    },
  )

  it('leads on to the page that asked for it, without a cookie for having asked (P2)', async () => {
    const asked = await browser.get('/devices')
    expect(asked.trail.map(({ status }) => status)).toEqual([303, 200])
    expect(asked.text).toContain('Then you go on to /devices')
    expect(await browser.cookie()).toBeUndefined()
    expect((await browser.signIn()).url.pathname).toBe('/devices')
  })

  it('again brings another token; as somebody else, nothing of the one before is left', async () => {
    await browser.signIn('ada')
    await browser.post('/cart/add', { sku: 'padlock' })
    const first = await browser.cookieHeader()
    await browser.post('/sign-in', { login: 'ada', password: 'open sesame' })
    const second = await browser.cookieHeader()
    expect(second).not.toBe(first)
    expect((await browser.get('/cart')).text).toContain('Padlock')

    const page = await browser.post('/sign-in', { login: 'grace', password: 'open sesame' })
    expect(page.text).toContain('Welcome, Grace.')
    expect((await browser.get('/cart')).text).toContain('Your cart is empty')
    expect(await seenWith(second)).not.toContain('Padlock')
  })

  it('shows no form to those who are signed in', async () => {
    await browser.signIn()
    expect((await browser.get('/sign-in?next=/cart')).url.pathname).toBe('/cart')
  })

  it('makes pages that no cache keeps, so the back button after signing out shows nothing', async () => {
    expect((await browser.get('/shop')).headers.get('cache-control')).toBe('private, no-cache')
    await browser.signIn()
    for (const path of ['/', '/shop', '/cart', '/devices'])
      expect((await browser.get(path)).headers.get('cache-control'), path).toBe('private, no-store')
  })
})

describe('"remember me"', () => {
  it('left out, signs in for as long as the browser is open', async () => {
    await browser.signIn()
    expect((await browser.cookie())?.isPersistent()).toBe(false)
    expect(await isSignedIn(browser)).toBe(true)
    await browser.restart()
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('left out, ends after a day without a visit', async () => {
    await browser.signIn()
    clock += DAY
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('checked, lasts 60 days after each visit, through a restart of the browser', async () => {
    await browser.signIn('ada', { remember: 'yes' })
    expect((await browser.cookie())?.maxAge).toBe((365 * DAY) / 1000)
    await browser.restart()
    clock += 59 * DAY
    expect(await isSignedIn(browser)).toBe(true)
    clock += 59 * DAY
    expect(await isSignedIn(browser)).toBe(true)
    clock += 60 * DAY
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('checked, ends after a year however often one comes', async () => {
    await browser.signIn('ada', { remember: 'yes' })
    for (let days = 0; days < 350; days += 50) {
      clock += 50 * DAY
      expect(await isSignedIn(browser)).toBe(true)
    }
    clock += 15 * DAY
    expect(await isSignedIn(browser)).toBe(false)
  })
})

describe('devices', () => {
  it('are listed by name and last visit, this one marked and first, and nobody else’s are', async () => {
    const phone = new Browser(server.origin, PHONE)
    await browser.signIn('ada', { remember: 'yes' })
    await new Browser(server.origin).signIn('grace')
    clock += 3 * DAY
    await phone.signIn('ada')
    clock += 20 * 60_000
    const { text, html } = await browser.get('/devices')
    expect(text).toMatch(/Firefox on Linux This device In use now, here since 1 Mar 2026/)
    expect(text).toMatch(/Safari on iPhone Last seen 20 minutes ago ?, here since 4 Mar 2026/)
    expect(text.indexOf('Firefox')).toBeLessThan(text.indexOf('Safari'))
    expect(html.match(/action="\/devices\/end"/g)).toHaveLength(2)
    expect((await phone.get('/devices')).text).toMatch(/Firefox on Linux Last seen just now ?, here/)
  })

  it('hold nothing that could be used as a token (I01)', async () => {
    await browser.signIn()
    const other = new Browser(server.origin)
    await other.signIn()
    const { html } = await browser.get('/devices')
    for (const one of [browser, other]) {
      const [id = '', secret = ''] = (await one.cookie())?.value.split('.') ?? []
      expect(html).toContain(id)
      expect(html).not.toContain(secret)
    }
  })

  it('can be ended one by one', async () => {
    const [phone, tablet] = [new Browser(server.origin, PHONE), new Browser(server.origin, 'Tablet/1.0')]
    await Promise.all([browser.signIn(), phone.signIn(), tablet.signIn()])
    await browser.get('/devices')
    const page = await browser.submit('/devices/end', {}, 'Safari on iPhone')
    expect(page.text).toContain('That device is signed out.')
    expect(page.text).not.toContain('iPhone')
    expect(await isSignedIn(phone)).toBe(false)
    expect(await isSignedIn(tablet)).toBe(true)
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('can be ended all but this one', async () => {
    const others = [new Browser(server.origin, PHONE), new Browser(server.origin)]
    await Promise.all([browser, ...others].map((one) => one.signIn()))
    await browser.get('/devices')
    const page = await browser.submit('/devices/end-others')
    expect(page.text).toContain('2 other devices are signed out.')
    expect(page.text).toContain('You are signed in nowhere else.')
    expect(page.html).not.toContain('/devices/end-others')
    for (const one of others) expect(await isSignedIn(one)).toBe(false)
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('are ended once: a second click, or one on a made-up id, says so', async () => {
    const phone = new Browser(server.origin, PHONE)
    await Promise.all([browser.signIn(), phone.signIn()])
    const before = await browser.get('/devices')
    await browser.submit('/devices/end', {}, 'iPhone')
    browser.page = before
    expect((await browser.submit('/devices/end', {}, 'iPhone')).text).toContain('was signed out already')
    for (const id of ['', 'unknown', '../..', 'x'.repeat(10_000)]) {
      const page = await browser.submit('/devices/end', { id })
      expect(page.text).toContain('was signed out already')
    }
  })

  it('of somebody else cannot be ended, even by their id', async () => {
    const grace = new Browser(server.origin)
    await Promise.all([browser.signIn('ada'), grace.signIn('grace')])
    const [id = ''] = (await grace.cookie())?.value.split('.') ?? []
    await browser.get('/devices')
    expect((await browser.submit('/devices/end', { id })).text).toContain('was signed out already')
    expect(await isSignedIn(grace)).toBe(true)
  })

  it('include this one: ending it is signing out', async () => {
    await browser.signIn()
    const cookie = await browser.cookieHeader()
    await browser.get('/devices')
    expect((await browser.submit('/devices/end')).text).toContain('You are signed out.')
    expect(await seenWith(cookie)).not.toContain('Ada')
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('are for those who are signed in: a click after the session ended leads to the sign-in page', async () => {
    await Promise.all([browser.signIn(), new Browser(server.origin).signIn()])
    await browser.get('/devices')
    clock += DAY
    const page = await browser.submit('/devices/end-others')
    expect(page.url.pathname + page.url.search).toBe('/sign-in?next=%2Fdevices')
  })
})

describe('signing out', () => {
  it('says goodbye once, and nothing of the session is left in the browser', async () => {
    await browser.get('/')
    await browser.post('/cart/add', { sku: 'padlock' })
    await browser.signIn()
    const page = await browser.submit('/sign-out')
    expect(page.trail.map(({ status }) => status)).toEqual([303, 200])
    expect(page.text).toContain('You are signed out. Until next time.')
    expect(page.text).toContain('Sign in')
    expect((await browser.get('/cart')).text).toContain('Your cart is empty')
    expect(browser.page?.text).not.toContain('signed out')
    expect((await browser.get('/')).text).toContain('visit number 1 ')
  })

  it('ends the old cookie for good (P6, P7)', async () => {
    await browser.signIn('ada', { remember: 'yes' })
    const cookie = await browser.cookieHeader()
    expect(await seenWith(cookie)).toContain('Ada')
    await browser.submit('/sign-out')
    expect(await seenWith(cookie)).not.toContain('Ada')
    clock += 20_000
    expect(await seenWith(cookie)).not.toContain('Ada')
  })

  it('leaves the other devices signed in', async () => {
    const phone = new Browser(server.origin, PHONE)
    await Promise.all([browser.signIn(), phone.signIn()])
    await browser.submit('/sign-out')
    expect((await phone.get('/devices')).text).toContain('You are signed in nowhere else.')
  })

  it('forgets "end with the browser" too: the next cart is kept as any visitor’s', async () => {
    await browser.signIn()
    await browser.submit('/sign-out')
    await browser.post('/cart/add', { sku: 'padlock' })
    await browser.restart()
    expect((await browser.get('/cart')).text).toContain('Padlock')
  })

  it('twice is fine', async () => {
    await browser.signIn()
    const before = browser.page
    await browser.submit('/sign-out')
    browser.page = before
    expect((await browser.submit('/sign-out')).status).toBe(200)
  })
})
