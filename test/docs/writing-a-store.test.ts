/** The stores of docs/writing-a-store.md work, and the kit as it is shown there says so. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [map = '', file = '', ...more] = codeOf('docs/writing-a-store.md')

/** Runs a block and what continues it, as a reader would; the counts of its test runner. */
async function run(code: string) {
  const { code: exit, output } = await runNode(folderWith({ 'store.ts': code }), '--test-reporter=tap', 'store.ts')
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1])
  return { exit, output, passed: count('pass'), failed: count('fail'), skipped: count('skipped') }
}

describe('docs/writing-a-store.md', () => {
  it('has a Map, and a file that grows from three methods to all', () => {
    expect(map).toContain('class MapStore extends Store')
    for (const name of ['FileStore', 'AtomicStore', 'CompleteStore']) expect(file).toContain(`class ${name} extends`)
    expect(more).toEqual([])
  })

  it('the Map passes the kit; what it does not claim is skipped', async () => {
    const { exit, output, passed, failed, skipped } = await run(map)
    expect({ exit, failed }, output.slice(-2_000)).toEqual({ exit: 0, failed: 0 })
    expect([passed > 35, skipped > 10]).toEqual([true, true])
    expect(output).toContain('# SKIP the store has no `removeExpired`')
  }, 60_000)

  it('the file passes it with three methods, made atomic, and complete; then it is used', async () => {
    const { exit, output, failed } = await run(file)
    const failures = output.split('\n').filter((line) => line.startsWith('not ok'))
    expect({ exit, failed, failures }).toEqual({ exit: 0, failed: 0, failures: [] })
    expect(output).toMatch(/^ok \d+ - three methods: S06/m)
    expect(output).toMatch(/^ok \d+ - atomic: R05 .*, through two instances on one backend$/m)
    expect(output).toMatch(/^ok \d+ - complete: S20 [^#]*$/m)
    expect(output).toMatch(/^ok \d+ - complete: I02 [^#]*$/m)
    expect(output).toContain("{ hello: 'world' } 1\n")
  }, 120_000)

  it.each([
    [
      'three methods',
      '  destroy(id: string): boolean {\n    return',
      '  destroy(id: string): boolean {\n    return id === id ||',
    ],
    ['atomic', 'and version = :expected_version and', 'and :expected_version and'],
    ['atomic', 'min(?, coalesce(ends_at, 9e15))', '?'],
    ['complete', 'expires_at <= ? limit ?', 'expires_at < ? limit ?'],
  ])(
    'a mistake in it would be found: %s',
    async (store, right, wrong) => {
      const broken = file.replace(right, wrong)
      expect(broken).not.toBe(file)
      const { exit, output } = await run(broken)
      expect(exit).toBe(1)
      expect(output).toMatch(new RegExp(`^not ok \\d+ - ${store}: `, 'm'))
    },
    120_000,
  )
})
