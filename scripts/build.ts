/**
 * The build: `tsc`, one file in src to one file in dist, and two things beside. In JavaScript `tsc` turns the `.ts` of
 * relative imports into `.js`, in declarations it leaves them, and not every editor finds `x.d.ts` by `x.ts`. And where
 * there is no package.json to say it, as with a URL, Deno knows a module's declarations only if the module names them.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
try {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
} catch {
  process.exit(1) // tsc has said what is wrong
}
for (const name of globSync('**/*.d.ts', { cwd: dist })) {
  edit(name, (text) => text.replaceAll(/(\bfrom |\bimport\(|\bimport )(['"])(\.\.?\/[^'"]*)\.ts\2/g, '$1$2$3.js$2'))
}
for (const name of globSync('**/*.js', { cwd: dist })) {
  // A program's first line stays its first.
  const types = `/* @ts-self-types="./${basename(name, '.js')}.d.ts" */\n`
  edit(name, (text) => text.replace(/^(?:#!.*\n)?/, (first) => first + types))
  edit(`${name}.map`, (text) => text.replace('"mappings":"', '$&;')) // one line further down
}

function edit(name: string, change: (text: string) => string): void {
  const file = join(dist, name)
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}
