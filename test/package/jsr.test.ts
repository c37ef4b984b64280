/** `jsr.json` beside `package.json`: one library, published in two places, and no way for the two to drift apart. */
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emptyFolder, manifest, modules, remove, root, run } from './packed.ts'

interface JsrManifest {
  name: string
  version: string
  license: string
  exports: Record<string, string>
  imports: Record<string, string>
}

const jsr = JSON.parse(await readFile(join(root, 'jsr.json'), 'utf8')) as JsrManifest

describe('jsr.json', () => {
  test('has the version and the licence of package.json, and its name under a scope', () => {
    expect(jsr).toMatchObject({ version: manifest.version, license: manifest.license })
    expect(jsr.name).toBe(`@${manifest.name}/${manifest.name}`)
  })

  test('exports the same subpaths, each the source of what npm gets built', () => {
    const sources = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
      typeof target === 'string' ? [] : [[subpath, target.default.replace(/^\.\/dist(.*)\.js$/, './src$1.ts')]],
    )
    expect(Object.entries(jsr.exports)).toEqual(sources)
  })

  test('maps every package that the source imports, at the versions of package.json', async () => {
    const imported = new Set<string>()
    for (const file of globSync('src/**/*.ts', { cwd: root })) {
      const text = await readFile(join(root, file), 'utf8')
      for (const [, name = ''] of text.matchAll(/^(?:import|export|\}) .*\bfrom '((?:@[^/']+\/)?[^./'][^/']*)/gm))
        imported.add(name)
    }
    expect(Object.keys(jsr.imports)).toEqual([...imported].toSorted())

    const ranges: Record<string, string> = { ...manifest.dependencies, ...manifest.peerDependencies }
    for (const [name, target] of Object.entries(jsr.imports)) {
      // An `npm:` specifier has room for one comparison. Where package.json has two, it is the version developed with.
      const range = ranges[name]?.includes(' ') ? `^${manifest.devDependencies[name]}` : ranges[name]
      expect(target).toBe(`npm:${name}@${range}`)
    }
  })
})

describe('`deno publish --dry-run`', () => {
  let cache = ''
  let said = ''
  beforeAll(async () => {
    cache = await emptyFolder()
    const env = { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' }
    said = (await run(join(modules, '.bin/deno'), ['publish', '--dry-run', '--allow-dirty'], root, env)).stderr
  })
  afterAll(() => remove(cache))

  test('passes, its check for slow types too', () => {
    expect(said).toContain('Checking for slow types in the public API')
    expect(said).toContain('Success')
    expect(said).not.toMatch(/^\s*(warning|error)/im)
  })

  test('would publish the files that npm packs, but for the build', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--silent', '--ignore-scripts'], root)
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
    const packed = files.map(({ path }) => path).filter((path) => path !== 'package.json' && !path.startsWith('dist/'))
    const published = Array.from(said.matchAll(/^ +(file:\S+) \(/gm), ([, url = '']) =>
      relative(root, fileURLToPath(url)),
    )
    expect(published.toSorted()).toEqual([...packed, 'jsr.json'].toSorted())
  })
})
