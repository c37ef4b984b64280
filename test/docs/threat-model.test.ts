/** The threat model names the tests that hold each requirement: they exist, under those titles. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')
const rows = [...text.matchAll(/^\| (?<requirement>[^|]+) \| [^|]+ \| `(?<file>test\/[^`]+)`: (?<title>[^|]+) \|$/gm)]

describe('the threat model', () => {
  test('has a test for every requirement of its table', () => {
    const table = text.slice(text.indexOf('| requirement |')).split('\n')
    const all = table.slice(
      2,
      table.findIndex((line, index) => index > 1 && !line.startsWith('|')),
    )
    expect(rows).toHaveLength(all.length)
    expect(rows.length).toBeGreaterThan(15)
  })

  test.each(rows.map(({ groups }) => [groups?.['requirement'], groups?.['file'], groups?.['title']]))(
    '%s: %s has “%s”',
    (_requirement, file = '', title = '') => {
      expect(existsSync(join(root, file))).toBe(true)
      expect(readFileSync(join(root, file), 'utf8')).toContain(title.trim())
    },
  )
})
