/**
 * The build: for each file in src its declarations, by `tsc`, and its JavaScript, by Rolldown. What is loaded together stands
 * together, in `dist/shared`, since a cold import costs by the file more than by the byte; the files of the others hand it on.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
try {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
} catch {
  process.exit(1) // tsc has said what is wrong
}

const files = globSync('**/*.ts', { cwd: join(root, 'src') }).map((file) => file.slice(0, -'.ts'.length))
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(files.map((file) => [file, `src/${file}.ts`])),
  external: /^[^./]/,
  platform: 'neutral',
})
await bundle.write({
  dir: dist,
  chunkFileNames: 'shared/[name].js',
  minifyInternalExports: false,
  sourcemap: true,
  codeSplitting: {
    groups: [
      // The default store belongs to the core. What needs a peer stands with nothing that does not.
      { name: 'core', test: /\/src\/(core\/|stores\/memory\.)/ },
      { name: 'sealed', test: /\/src\/stores\/(cookie|encrypted|jwe|revocations|seal|wrapping)/ },
      { name: 'sqlite', test: /\/src\/stores\/sqlite/ },
      { name: 'libsql', test: /\/src\/stores\/libsql/ },
      { name: 'cloudflare-kv', test: /\/src\/stores\/cloudflare-kv/ },
      { name: 'testing', test: /\/src\/testing\// },
    ],
  },
})
await bundle.close()

for (const file of files) {
  // `tsc` leaves the `.ts` of relative imports in declarations, and not every editor finds `x.d.ts` by `x.ts`.
  edit(`${file}.d.ts`, (text) =>
    text.replaceAll(/(\bfrom |\bimport\(|\bimport )(['"])(\.\.?\/[^'"]*)\.ts\2/g, '$1$2$3.js$2'),
  )
  // Where there is no package.json to say it, as with a URL, Deno knows a module's declarations only if the module names them.
  const types = `/* @ts-self-types="./${basename(file)}.d.ts" */\n`
  edit(`${file}.js`, (text) => text.replace(/^(?:#!.*\n)?/, (first) => first + types)) // a program's first line stays its first
}
for (const map of globSync('**/*.js.map', { cwd: dist })) {
  edit(map, (text) => {
    const { sourcesContent: _, mappings, ...rest } = JSON.parse(text) as { sourcesContent: unknown; mappings: string }
    // The sources are in the package; and what has a line more above it is a line further down.
    return JSON.stringify({ ...rest, mappings: map.startsWith('shared/') ? mappings : `;${mappings}` })
  })
}

function edit(name: string, change: (text: string) => string): void {
  const file = join(dist, name)
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}
