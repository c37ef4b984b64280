/** Finds a Chromium once for all browser tests. Without one they are skipped, and this says so. */
import { existsSync } from 'node:fs'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of a Chromium, or `''`. */
    chromium: string
  }
}

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export default function setup({ provide }: TestProject): void {
  const wanted = process.env['CHROMIUM']
  const found = (wanted ? [wanted] : PLACES).find((path) => existsSync(path))
  if (!found)
    console.log(
      `The browser tests are skipped: no Chromium at ${wanted ?? PLACES.join(', ')}. CHROMIUM says where it is.`,
    )
  provide('chromium', found ?? '')
}
