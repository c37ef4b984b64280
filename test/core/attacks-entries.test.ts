/** The two manifests name the same entries, or a module is there for npm and missing on JSR. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

function exportsOf(manifest: string): Record<string, string | { default: string }> {
  const text = readFileSync(new URL(`../../${manifest}`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { exports: Record<string, string | { default: string }> }).exports
}

it('every entry of package.json is one of jsr.json, of the same source', () => {
  const entries = Object.entries(exportsOf('package.json')).flatMap(([name, target]) =>
    typeof target === 'string'
      ? []
      : [[name, target.default.replace('./dist/', './src/').replace(/\.js$/, '.ts')] as const],
  )
  expect(exportsOf('jsr.json')).toEqual(Object.fromEntries(entries))
})
