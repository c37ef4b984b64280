/** The shop on Bun, by its own command. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Browser } from '../browser.ts'
import { fails, script, start } from './process.ts'
import { visit } from './visit.ts'

const SESSION_SECRET = 'a secret of 32 bytes or more for tests'
const [program = '', ...args] = script('start:bun').split(' ')

/** A directory for the test's data, gone when the test is over. */
function dataDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bun-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'some/where')
}

describe('npm run start:bun', () => {
  it('serves the shop from a SQLite file, and still knows everybody after a restart', async () => {
    const DATA_DIR = dataDirectory()
    const first = await start(program, args, { env: { DATA_DIR, PORT: '0' } })
    expect(await visit(first.origin)).toBe('nobody')
    const browser = new Browser(first.origin)
    await browser.signIn('ada', { remember: 'yes' })
    expect((await browser.cookie())?.value.split('.')).toHaveLength(2)
    expect(existsSync(join(DATA_DIR, 'sessions.db'))).toBe(true)
    expect((await first.stop()).code).toBe(0)

    const second = await start(program, args, { env: { DATA_DIR, PORT: new URL(first.origin).port } })
    expect(second.origin).toBe(first.origin)
    expect((await browser.get('/devices')).url.pathname).toBe('/devices')
  })

  it('signs tokens with SESSION_SECRET, and does not start with a short one', async () => {
    const DATA_DIR = dataDirectory()
    const { origin } = await start(program, args, { env: { DATA_DIR, PORT: '0', SESSION_SECRET } })
    const browser = new Browser(origin)
    await browser.get('/')
    expect((await browser.cookie())?.value.split('.')).toHaveLength(3)

    const { code, output } = await fails(program, args, { env: { DATA_DIR, PORT: '0', SESSION_SECRET: 'hunter2' } })
    expect(code).toBe(1)
    expect(output).not.toContain('hunter2')
  })
})
