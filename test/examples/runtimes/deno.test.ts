/** The shop on Deno, by its own task and so with the permissions named there, over each of its stores. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Browser } from '../browser.ts'
import { fails, root, script, start } from './process.ts'
import { visit } from './visit.ts'

const SESSION_SECRET = 'a secret of 32 bytes or more for tests'
const [, program = '', ...args] = /^cd examples\/deno && (\S+) (\S+) (\S+)$/.exec(script('start:deno')) ?? []

/** The task may write to `data` here and nowhere else; what was there before stays. */
const cwd = join(root, 'examples/deno')
const wasThere = existsSync(join(cwd, 'data'))
afterAll(() => {
  if (!wasThere) rmSync(join(cwd, 'data'), { recursive: true, force: true })
})

describe('deno task start', () => {
  it('is what `npm run start:deno` runs, and allows nothing that is not named', () => {
    expect([program, ...args]).toEqual(['deno', 'task', 'start'])
    const config = readFileSync(join(cwd, 'deno.json'), 'utf8')
    const flags = [...config.matchAll(/--?(allow-\w+|[A-Z]\b)(=?)/gi)].map(([, name, equals]) => `${name}${equals}`)
    const allowed = ['net', 'read', 'write', 'env', 'ffi', 'sys']
    expect(flags).toEqual(allowed.map((name) => `allow-${name}=`))
  })

  it('serves the shop from a libSQL file, and still knows everybody after a restart', async () => {
    const first = await start(program, args, { cwd, env: { PORT: '0' } })
    expect(await visit(first.origin)).toBe('nobody')
    const browser = new Browser(first.origin)
    await browser.signIn('ada', { remember: 'yes' })
    expect((await browser.cookie())?.value.split('.')).toHaveLength(2)
    await first.stop()

    const second = await start(program, args, { cwd, env: { PORT: new URL(first.origin).port } })
    expect(second.origin).toBe(first.origin)
    expect((await browser.get('/devices')).url.pathname).toBe('/devices')
  })

  it('serves the shop with STORE=cookie', async () => {
    const env = { PORT: '0', STORE: 'cookie', SESSION_SECRET }
    const { origin } = await start(program, args, { cwd, env })
    expect(await visit(origin, { sealed: true })).toBe('Ada')
  })

  it('signs tokens with SESSION_SECRET, and cannot seal without it', async () => {
    const { origin } = await start(program, args, { cwd, env: { PORT: '0', SESSION_SECRET } })
    const browser = new Browser(origin)
    await browser.get('/')
    expect((await browser.cookie())?.value.split('.')).toHaveLength(3)

    const { code, output } = await fails(program, args, { cwd, env: { PORT: '0', STORE: 'cookie' } })
    expect(code).toBe(1)
    expect(output).toContain('is SESSION_SECRET set?')
  })
})

describe('examples/deno/raw.ts', () => {
  it('counts visits with ten lines, and one permission', async () => {
    const flags = ['serve', '--host', 'localhost', '--port', '0', '--allow-env=SESSION_SECRET', 'raw.ts']
    const { origin } = await start('deno', flags, { cwd, env: { SESSION_SECRET } })
    const browser = new Browser(origin)
    expect(JSON.parse((await browser.get('/')).html)).toEqual({ visits: 1 })
    expect(JSON.parse((await browser.get('/')).html)).toEqual({ visits: 2 })
    expect((await browser.cookie())?.value.split('.')).toHaveLength(5)
  })
})
