/**
 * Before these tests: the examples run as processes of their own and import the built package, as users do. So it is built,
 * unless every file in dist is younger than its source.
 */
import { execFileSync } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

export default function build(): void {
  if (!isBuilt()) execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root, stdio: 'inherit' })
}

function isBuilt(): boolean {
  const youngest = Math.max(...['package.json', 'tsconfig.build.json', 'scripts/build.ts'].map(ageOf))
  return globSync('**/*.ts', { cwd: join(root, 'src') }).every((file) => {
    const built = ageOf(join('dist', file.replace(/\.ts$/, '.js')))
    return built > ageOf(join('src', file)) && built > youngest
  })
}

/** When it was last written, in epoch milliseconds; 0 when there is none. */
function ageOf(file: string): number {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
