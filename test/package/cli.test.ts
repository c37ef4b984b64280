/** `npx latchkey` from the tarball, as a user has it: packed, installed without any peer, and run by every Node there is. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const nodes = [
  ['Node 24', join(root, 'node_modules/node/bin/node')],
  ['Node 22', join(root, 'node_modules/node22/bin/node')],
] as const

/** The environment of a user's shell, without what `npm run` and the test runner add to it. */
const added = /^(npm_(package|lifecycle|config_local)_|INIT_CWD$|VITEST|NODE_(ENV|OPTIONS|PATH)$)/
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !added.test(key)))
const run = promisify(execFile)

let workspace = ''
let project = ''

beforeAll(async () => {
  workspace = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-cli-'))
  const pack = await run('npm', ['pack', '--silent', '--json', '--pack-destination', workspace], { cwd: root, env })
  const [{ filename }] = JSON.parse(pack.stdout) as [{ filename: string }]
  project = join(workspace, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', join(workspace, filename)]
  await run('npm', install, { cwd: project, env })
})

afterAll(() => rm(workspace, { recursive: true, force: true }))

describe('npx latchkey', () => {
  test('secret prints a secret, as npx finds the program', async () => {
    const { stdout } = await run('npx', ['--no-install', 'latchkey', 'secret'], { cwd: project, env })
    expect(stdout).toMatch(/^[\w-]{43}\n$/)
  })

  test.each(nodes)('runs on %s, and a wrong command is code 2', async (_version, node) => {
    const program = join(project, 'node_modules/.bin/latchkey')
    const { stdout } = await run(node, [program, 'secret', '--name', 'SESSION_SECRET'], { cwd: project, env })
    expect(stdout).toMatch(/^SESSION_SECRET=[\w-]{43}\n$/)
    await expect(run(node, [program, 'scret'], { cwd: project, env })).rejects.toMatchObject({ code: 2, stdout: '' })
  })
})
