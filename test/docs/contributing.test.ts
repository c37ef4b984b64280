/** CONTRIBUTING.md says of every npm script what it is for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const rows = read('CONTRIBUTING.md').match(/^\| .*\|$/gm) ?? []

/** Those that npm runs by itself before another. */
const isHook = (name: string): boolean => name === 'prepack' || (name.startsWith('pre') && name.slice(3) in scripts)

test('CONTRIBUTING.md lists every script of package.json, and none that is not there', () => {
  const named = new Set<string>()
  for (const row of rows) {
    for (const [, text = ''] of row.matchAll(/`([^`]+)`/g)) {
      const name = /^(?:npm (?:run )?)?([a-z][\w:]*)$/.exec(text)?.[1]
      if (name !== undefined && (text.startsWith('npm ') || name in scripts)) named.add(name)
    }
  }
  const wanted = Object.keys(scripts).filter((name) => !isHook(name))
  expect([...named].toSorted()).toEqual(wanted.toSorted())
})
