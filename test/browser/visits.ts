/** What visitors of the example shop do with its pages. */
import type { Page } from 'playwright-core'

/** Fills in the sign-in form, on the way to `next`, and sends it. */
export async function signIn(
  page: Page,
  origin: string,
  { next = '/', remember = false, login = 'ada' } = {},
): Promise<void> {
  await page.goto(`${origin}/sign-in?next=${encodeURIComponent(next)}`)
  await page.getByLabel('Name').fill(login)
  await page.getByLabel('Password').fill('open sesame')
  if (remember) await page.getByLabel('Remember me').check()
  await page.locator('main').getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('status').filter({ hasText: 'Welcome' }).waitFor()
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole('navigation').getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').waitFor()
}

export async function addToCart(page: Page, origin: string, product: string): Promise<void> {
  await page.goto(`${origin}/shop`)
  await page.getByRole('button', { name: new RegExp(`^Add to cart ?: ${product}$`) }).click()
  await page.getByText(`${product} is in your cart.`).waitFor()
}

/** Whether this browser, asked now, is signed in. */
export async function isSignedIn(page: Page, origin: string): Promise<boolean> {
  await page.goto(`${origin}/devices`)
  return new URL(page.url()).pathname === '/devices'
}
