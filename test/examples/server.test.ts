/** The Node example as its own process: it starts, serves, remembers across a restart, and ends when it is told to. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Browser } from './browser.ts'

const root = join(import.meta.dirname, '../..')
const hooks = pathToFileURL(join(import.meta.dirname, 'from-source.ts')).href

type Ended = { code: number | null; signal: string | null; stderr: string }

let folder: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the example with these variables and no others; resolves when it says where it listens, or has ended. */
async function start(env: Record<string, string> = {}): Promise<{
  origin: string
  kill: (signal: NodeJS.Signals) => boolean
  ended: Promise<Ended>
}> {
  const child = spawn(process.execPath, ['--import', hooks, join(root, 'examples/node/server.ts')], {
    cwd: folder,
    env: { PORT: '0', DATA_DIR: join(folder, 'some/where'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let [stdout, stderr] = ['', '']
  child.stderr.on('data', (text) => (stderr += text))
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr })))
  const listening = new Promise<string>((resolve) =>
    child.stdout.on('data', (text) => {
      const url = /http:\/\/\S+/.exec((stdout += text))?.[0]
      if (url) resolve(url)
    }),
  )
  const origin = await Promise.race([listening, ended.then(() => '')])
  return { origin, kill: (signal) => child.kill(signal), ended }
}

// Every start of a process loads TypeScript and a database driver: seconds, on a busy machine.
describe('node examples/node/server.ts', { timeout: 60_000 }, () => {
  it('makes its directory, serves the shop, and still knows everybody after a restart', async () => {
    const first = await start()
    expect(first.origin).toMatch(/^http:\/\/localhost:\d+$/)
    const browser = new Browser(first.origin)
    await browser.get('/shop')
    await browser.submit('/cart/add', {}, 'value="padlock"')
    expect((await browser.signIn('ada', { remember: 'yes' })).text).toContain('Welcome, Ada.')
    expect((await browser.get('/devices')).text).toContain('Firefox on Linux This device')
    expect(existsSync(join(folder, 'some/where/sessions.db'))).toBe(true)
    first.kill('SIGTERM')
    expect(await first.ended).toMatchObject({ code: 0, signal: null })

    const second = await start({ PORT: new URL(first.origin).port })
    expect(second.origin).toBe(first.origin)
    const page = await browser.get('/devices')
    expect(page.url.pathname).toBe('/devices')
    expect(page.text).toContain('Ada')
    expect((await browser.get('/cart')).text).toContain('Padlock')
    expect((await browser.submit('/sign-out')).text).toContain('You are signed out.')
    second.kill('SIGINT')
    expect(await second.ended).toMatchObject({ code: 0, signal: null })
  })

  it('keeps its data in ./data unless told otherwise', async () => {
    const server = await start({ DATA_DIR: './data' })
    expect((await fetch(server.origin)).status).toBe(200)
    expect(existsSync(join(folder, 'data/sessions.db'))).toBe(true)
    server.kill('SIGINT')
    expect((await server.ended).code).toBe(0)
  })

  it('signs tokens only with SESSION_SECRET, and takes a list of which the first signs', async () => {
    const [old, fresh] = ['o'.repeat(43), 'f'.repeat(43)]
    const segments = async (who: Browser): Promise<number | undefined> => (await who.cookie())?.value.split('.').length
    const run = async (env: Record<string, string>, use: (who: Browser) => Promise<void>): Promise<void> => {
      const server = await start(env)
      const who = new Browser(server.origin)
      if (kept) who.jar = kept.jar
      await use(who)
      kept = who
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }
    let kept: Browser | undefined

    await run({ SESSION_SECRET: old }, async (who) => {
      await who.signIn()
      expect(await segments(who)).toBe(3)
    })
    await run({ SESSION_SECRET: `${fresh},${old}` }, async (who) => {
      expect((await who.get('/devices')).url.pathname).toBe('/devices')
    })
    await run({ SESSION_SECRET: fresh }, async (who) => {
      expect((await who.get('/devices')).url.pathname).toBe('/sign-in')
    })
    await run({ SESSION_SECRET: '' }, async (who) => {
      await who.signIn()
      expect(await segments(who)).toBe(2)
    })
  })

  it('does not start with a short secret, and says how to make a good one without showing it', async () => {
    const { origin, ended } = await start({ SESSION_SECRET: 'hunter2' })
    expect(origin).toBe('')
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toContain('npx latchkey secret')
    expect(stderr).not.toContain('hunter2')
    expect(stderr).not.toContain('    at ')
  })

  it.each(['-1', '65536'])('does not start with PORT=%s', async (PORT) => {
    const { ended } = await start({ PORT })
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('PORT must be a number') })
  })

  it('says so when the port is taken, or the directory cannot be made', async () => {
    const other = createServer()
    await new Promise<void>((done) => other.listen(0, 'localhost', done))
    const port = String((other.address() as AddressInfo).port)
    const taken = await (await start({ PORT: port })).ended
    other.close()
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`Port ${port} is taken.`) })

    const barred = await (await start({ DATA_DIR: `${process.execPath}/data` })).ended
    expect(barred).toMatchObject({ code: 1, stderr: expect.stringContaining('DATA_DIR') })
  })
})
