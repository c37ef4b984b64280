/**
 * A real Chromium for tests. Every name under `.test` means this machine, and the certificate made here is taken for a good one,
 * rather than its errors ignored: a browser keeps nothing in its cache that came over a bad connection.
 */
import { chromium, type Browser, type BrowserContext, type Cookie, type LaunchOptions } from 'playwright-core'
import { describe, inject } from 'vitest'
import { keyHash } from './certificate.ts'

const executablePath = inject('chromium')

/** `describe`, where there is a Chromium. */
export const describeInBrowser: typeof describe.skip = executablePath === '' ? describe.skip : describe

const options: LaunchOptions = {
  executablePath,
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${keyHash}`,
  ],
}

export function launch(): Promise<Browser> {
  return chromium.launch(options)
}

/** With what people have and Playwright turns off: going back shows a page as it was left, without loading it. */
export function launchWithPageCache(): Promise<Browser> {
  return chromium.launch({ ...options, ignoreDefaultArgs: ['--disable-back-forward-cache'] })
}

/** A browser whose profile is this directory: what it keeps there is there when it is launched again. */
export function launchWithProfile(directory: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(directory, options)
}

/** The cookie of this name, as the browser keeps it; with `url`, of those that it would send there. */
export async function cookieOf(context: BrowserContext, name: string, url?: string): Promise<Cookie | undefined> {
  return (await context.cookies(url)).find((cookie) => cookie.name === name)
}
