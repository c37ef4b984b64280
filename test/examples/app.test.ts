/** The example app as a visitor sees it: over real HTTP, with a real cookie jar, clicking through its own forms. */
import { SessionManager } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../examples/app/app.ts'
import { shopOptions, type Notes, type Shop } from '../../examples/app/shop.ts'
import { Browser, listen } from './browser.ts'

let store: MemoryStore
let server: Awaited<ReturnType<typeof listen>>
let browser: Browser

beforeEach(async () => {
  store = new MemoryStore()
  server = await listen(createApp(new SessionManager<Shop, Notes>({ ...shopOptions, store })))
  browser = new Browser(server.origin)
})
afterEach(() => server.close())

describe('visits', () => {
  it('counts each visit of the home page, for each visitor apart', async () => {
    expect((await browser.get('/')).text).toContain('This is your visit number 1 ')
    expect((await browser.get('/')).text).toContain('Welcome back. This is your visit number 2 ')
    expect((await new Browser(server.origin).get('/')).text).toContain('This is your visit number 1 ')
    expect((await browser.get('/')).text).toContain('This is your visit number 3 ')
  })

  it('counts every one of twenty visits at once (P5)', async () => {
    await browser.get('/')
    const headers = { cookie: await browser.cookieHeader() }
    await Promise.all(Array.from({ length: 20 }, () => fetch(server.origin, { headers })))
    expect((await browser.get('/')).text).toContain('This is your visit number 22 ')
  })

  it('gives no cookie and keeps no row for a visitor who only reads other pages (P2, F01)', async () => {
    for (const path of ['/shop', '/cart', '/sign-in', '/devices', '/nowhere', '/style.css', '/icon.svg']) {
      const page = await browser.get(path)
      for (const { headers } of page.trail) expect(headers.getSetCookie(), path).toEqual([])
    }
    expect(store.length()).toBe(0)
    await browser.get('/')
    expect(store.length()).toBe(1)
  })
})

describe('cart', () => {
  it('takes products from the shop, says so once, and shows them with their prices', async () => {
    await browser.get('/shop')
    const added = await browser.submit('/cart/add', {}, 'value="padlock"')
    expect(added.trail.map(({ status }) => status)).toEqual([303, 200])
    expect(added.url.pathname).toBe('/shop')
    expect(added.text).toContain('Padlock is in your cart.')
    expect(added.text).toContain('Cart 1 item')
    expect((await browser.get('/shop')).text).not.toContain('is in your cart.')

    await browser.submit('/cart/add', {}, 'value="padlock"')
    await browser.submit('/cart/add', {}, 'value="brass-key"')
    const cart = await browser.get('/cart')
    expect(cart.text).toContain('Cart 3 items')
    expect(cart.text).toContain('Padlock €18.90 each')
    expect(cart.text).toContain('Total €44.30')
  })

  it('changes a quantity, and removes by 0 or by the button', async () => {
    await browser.get('/shop')
    for (const sku of ['padlock', 'brass-key', 'key-rail']) await browser.submit('/cart/add', {}, `value="${sku}"`)
    await browser.get('/cart')
    expect((await browser.submit('/cart/change', { quantity: '5' }, 'padlock')).text).toContain(
      'Your cart was changed.',
    )
    expect(browser.page?.text).toContain('Total €123.00')
    expect((await browser.submit('/cart/change', { quantity: '0' }, 'brass-key')).text).toContain(
      'Brass key was removed.',
    )
    expect(browser.page?.text).toContain('Total €116.50')
    await browser.submit('/cart/remove', {}, 'key-rail')
    expect(browser.page?.text).toContain('Total €94.50')
    await browser.submit('/cart/remove', {}, 'padlock')
    expect(browser.page?.text).toContain('Padlock was removed.')
    expect(browser.page?.text).toContain('Your cart is empty')
  })

  it('keeps everything that was added at once (P5)', async () => {
    await browser.get('/')
    const headers = { cookie: await browser.cookieHeader(), origin: server.origin }
    const add = (sku: string): Promise<Response> =>
      fetch(`${server.origin}/cart/add`, { method: 'POST', headers, body: new URLSearchParams({ sku }) })
    await Promise.all(['padlock', 'brass-key', 'key-rail', 'padlock', 'padlock'].map(add))
    const { text } = await browser.get('/cart')
    expect(text).toContain('Cart 5 items')
    expect(text).toContain('Total €85.20')
  })
})

describe('what makes no sense', () => {
  it.each([
    ['/cart/add', { sku: 'golden-gate' }, 'That is not something we have.'],
    ['/cart/add', {}, 'That is not something we have.'],
    ['/cart/add', { sku: '__proto__' }, 'That is not something we have.'],
    ['/cart/add', { sku: 'padlock', quantity: '0' }, 'Choose between 1 and 20'],
    ['/cart/add', { sku: 'padlock', quantity: '-3' }, 'Choose between 1 and 20'],
    ['/cart/add', { sku: 'padlock', quantity: '1e3' }, 'Choose between 1 and 20'],
    ['/cart/change', { sku: 'padlock', quantity: '21' }, 'Choose a whole number from 0 to 20'],
    ['/cart/change', { sku: 'padlock', quantity: '1.5' }, 'Choose a whole number from 0 to 20'],
    ['/cart/change', { sku: 'padlock', quantity: 'many' }, 'Choose a whole number from 0 to 20'],
    ['/cart/change', { sku: 'padlock', quantity: '9'.repeat(400) }, 'Choose a whole number from 0 to 20'],
    ['/cart/change', { sku: 'padlock' }, 'Choose a whole number from 0 to 20'],
    ['/cart/change', { quantity: '1' }, 'That is not something we have.'],
    ['/cart/remove', {}, 'That is not something we have.'],
  ])('posted to %s as %j gets a friendly word and changes nothing', async (path, fields, message) => {
    await browser.get('/shop')
    await browser.submit('/cart/add', {}, 'value="padlock"')
    const page = await browser.post(path, fields)
    expect(page.status).toBe(200)
    expect(page.text).toContain(message)
    expect(page.text).toContain('Cart 1 item')
  })

  it('stops at twenty of one thing', async () => {
    await browser.post('/cart/add', { sku: 'padlock', quantity: '15' })
    expect((await browser.post('/cart/add', { sku: 'padlock', quantity: '15' })).text).toContain('At most 20')
    expect(browser.page?.text).toContain('Cart 20 items')
  })

  it('is a change of something that is not in the cart: nothing is added', async () => {
    expect((await browser.post('/cart/change', { sku: 'padlock', quantity: '3' })).text).toContain('Your cart is empty')
  })

  it('is a body of another kind: no field is found, and nothing breaks', async () => {
    const send = (body: BodyInit, type: string): Promise<{ status: number; text: string }> =>
      browser.send('POST', '/cart/add', body, { Origin: server.origin, 'Content-Type': type })
    expect((await send('{"sku":"padlock"}', 'application/json')).text).toContain('That is not something we have.')
    expect((await send('nonsense', 'multipart/form-data; boundary=x')).status).toBe(400)
    expect(browser.page?.text).toContain('That did not make sense')
    const form = new FormData()
    form.set('sku', new Blob(['padlock']), 'padlock')
    const file = await browser.send('POST', '/cart/add', form, { Origin: server.origin })
    expect(file.text).toContain('That is not something we have.')
  })

  it('is more than a form can hold: 413', async () => {
    const page = await browser.post('/cart/add', { sku: 'x'.repeat(17_000) })
    expect(page.status).toBe(413)
    expect(page.text).toContain('Too much')
  })
})
