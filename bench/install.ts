/** Before the bench runs: its own packages, from its own lock file, and the built library as a package among them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const bench = import.meta.dirname
const modules = join(bench, 'node_modules')

/** npm keeps in it what it has installed; another lock file is another installation. */
function isInstalled(): boolean {
  const installed = join(modules, '.package-lock.json')
  if (!existsSync(installed)) return false
  type Lock = { packages: Record<string, { version?: string; optional?: boolean; link?: boolean }> }
  const { packages } = JSON.parse(readFileSync(join(bench, 'package-lock.json'), 'utf8')) as Lock
  const { packages: found } = JSON.parse(readFileSync(installed, 'utf8')) as Lock
  return Object.entries(packages).every(
    ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
  )
}

if (!isInstalled()) execFileSync('npm', ['ci', '--prefix', bench], { stdio: 'inherit' })
const link = join(modules, 'latchkey')
rmSync(link, { force: true })
symlinkSync('../..', link, 'junction')
