/** ARCHITECTURE.md names every source file, folder of tests and script there is, and none that there is not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
const list = text.slice(text.indexOf('## The files'), text.indexOf('## The way of a request'))
const named = new Set(list.match(/(?<![\w/-])[\w-]+(?:\.test)?\.ts\b/g))

describe('the list of files in ARCHITECTURE.md', () => {
  test.each(['src/core', 'src/adapters', 'src/stores'])('names all of %s', (folder) => {
    expect(readdirSync(join(root, folder)).filter((file) => !named.has(file))).toEqual([])
  })

  test('names no file that is not there', () => {
    const folders = ['src/core', 'src/adapters', 'src/stores', 'src/testing', 'test', 'src']
    expect([...named].filter((file) => !folders.some((folder) => existsSync(join(root, folder, file))))).toEqual([])
  })

  test('names the folders of tests, examples and scripts', () => {
    const folders = (path: string): string[] =>
      readdirSync(join(root, path), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []))
    const all = ['bench', 'migrations', 'scripts', ...folders('src'), ...folders('test'), ...folders('examples')]
    expect(all.filter((name) => !new RegExp(`\\b${name}\\b`).test(list))).toEqual([])
  })
})
