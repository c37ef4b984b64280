/** A visit to the shop as somebody with two devices makes it, by clicking: the same wherever the shop runs. */
import { expect } from 'vitest'
import { Browser } from '../browser.ts'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

/**
 * `sealed`: sessions are in the visitors' own cookies, so nobody can list them.
 * @returns whose page a copy of the cookie opens after signing out
 */
export async function visit(origin: string, { sealed = false } = {}): Promise<'Ada' | 'nobody'> {
  const [browser, phone] = [new Browser(origin), new Browser(origin, PHONE)]
  expect((await browser.get('/')).text).toContain('visit number 1 ')
  await browser.get('/shop')
  expect((await browser.submit('/cart/add', {}, 'value="padlock"')).text).toContain('Padlock is in your cart.')
  const anonymous = await browser.cookieHeader()
  expect((await browser.signIn('ada', { remember: 'yes' })).text).toMatch(/Welcome, Ada\..*visit number 2 /)
  expect(await browser.cookieHeader()).not.toBe(anonymous)
  await phone.signIn('ada')
  expect((await browser.get('/cart')).text).toContain('Padlock')

  const devices = await browser.get('/devices')
  expect(devices.text).toContain('Firefox on Linux This device')
  if (sealed) {
    expect(devices.text).toContain('the others cannot be listed')
  } else {
    expect(devices.text).toContain('Safari on iPhone')
    expect((await browser.submit('/devices/end', {}, 'Safari on iPhone')).text).toContain('That device is signed out.')
    expect((await phone.get('/devices')).url.pathname).toBe('/sign-in')
  }

  const before = await browser.cookieHeader()
  expect((await browser.submit('/sign-out')).text).toContain('You are signed out.')
  expect((await browser.get('/cart')).text).toContain('Your cart is empty')
  expect((await browser.get('/devices')).url.pathname).toBe('/sign-in')
  const old = await (await fetch(`${origin}/cart`, { headers: { cookie: before } })).text()
  return old.includes('Ada') ? 'Ada' : 'nobody'
}
