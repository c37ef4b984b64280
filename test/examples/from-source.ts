/** For `node --import`: in an example run as its own process, `latchkey/...` means the file in src, so no build is needed. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string
  exports: Record<string, string | { default: string }>
}
const sources = new Map<string, string>()
for (const [subpath, target] of Object.entries(manifest.exports)) {
  if (typeof target === 'string') continue
  const source = target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
  sources.set(manifest.name + subpath.slice(1), pathToFileURL(join(root, source)).href)
}

registerHooks({
  resolve: (specifier, context, next) => next(sources.get(specifier) ?? specifier, context),
})
