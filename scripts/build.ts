/**
 * The build: `tsc`, one file in src to one file in dist, and nothing else but this: in JavaScript `tsc` turns the `.ts`
 * of relative imports into `.js`, in declarations it leaves them, and not every editor finds `x.d.ts` by `x.ts`.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

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
  const file = join(dist, name)
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replaceAll(/(\bfrom |\bimport\(|\bimport )(['"])(\.\.?\/[^'"]*)\.ts\2/g, '$1$2$3.js$2'))
}
