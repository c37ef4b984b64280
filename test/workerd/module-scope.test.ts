import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'

describe('at the top of a module, where workerd allows no I/O and no randomness', () => {
  it.each(['memory', 'cookie', 'kv', 'cached', 'd1', 'perEnv', 'hono'])(
    'a manager is made, and serves afterwards: %s',
    async (path) => {
      const browser = new Browser((request) => env.MODULE_SCOPE.fetch(request))
      const visits: unknown[] = []
      for (let visit = 0; visit < 3; visit++) visits.push(await (await browser.fetch(`/${path}`)).json())
      expect(visits).toEqual([{ visits: 1 }, { visits: 2 }, { visits: 3 }])
    },
  )
})
