/** Behind a reverse proxy that ends TLS: to the app every request is http on loopback, and only `trustProxy` tells it more. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../browser.ts'
import { root, script, start, type Running } from './process.ts'
import { startProxy } from './proxy.ts'
import { visit } from './visit.ts'

const SESSION_SECRET = 'a secret of 32 bytes or more for tests'

/** An example, with nothing of it left afterwards. */
function startExample(runtime: string, env: Record<string, string>): Promise<Running> {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'latchkey-proxy-'))
  onTestFinished(() => rmSync(DATA_DIR, { recursive: true, force: true }))
  const all = { PORT: '0', SESSION_SECRET, ...env }
  // On Deno sealed cookies, because its task writes to no other directory than its own.
  if (runtime === 'deno')
    return start('deno', ['task', 'start'], { cwd: join(root, 'examples/deno'), env: { ...all, STORE: 'cookie' } })
  const [program = '', ...args] = script(runtime === 'node' ? 'start' : `start:${runtime}`).split(' ')
  return start(program, args, { env: { ...all, DATA_DIR } })
}

describe.each(['node', 'bun', 'deno'])('behind a proxy that ends TLS, on %s', (runtime) => {
  it('TRUST_PROXY=1 makes the cookies of https, and the whole shop works', async () => {
    const { origin } = await startExample(runtime, { TRUST_PROXY: '1' })
    const proxy = await startProxy(origin)
    const browser = new Browser(proxy)
    const { headers } = await browser.get('/')
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-session=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=\d+$/),
    ])
    expect(await browser.cookie('__Host-session')).toBeDefined()
    const sealed = runtime === 'deno'
    expect(await visit(proxy, { sealed })).toBe(sealed ? 'Ada' : 'nobody')
  })

  it('without it nothing that a request says of its scheme is believed', async () => {
    const { origin } = await startExample(runtime, {})
    const browser = new Browser(await startProxy(origin))
    const { headers } = await browser.get('/')
    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/^session=(?!.*Secure)/)])
  })

  it('keeps the two apart: a session of https is none over plain http', async () => {
    const { origin } = await startExample(runtime, { TRUST_PROXY: '1' })
    const browser = new Browser(await startProxy(origin))
    await browser.get('/')
    const cookie = await browser.cookieHeader()
    const visits = async (headers: Record<string, string>): Promise<string | undefined> =>
      /visit number\s*<[^>]*>\s*(?:<[^>]*>\s*)*(\d+)/.exec(await (await fetch(origin, { headers })).text())?.[1]
    expect(await visits({ cookie })).toBe('1')
    expect(await visits({ cookie, 'X-Forwarded-Proto': 'https' })).toBe('2')
  })
})
