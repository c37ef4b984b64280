/** docs/testing.md: its tests pass as they stand there, and fail where they should. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [page = '', ...more] = codeOf('docs/testing.md')

async function run(code: string) {
  const { code: exit, output } = await runNode(folderWith({ 'app.ts': code }), '--test-reporter=tap', 'app.ts')
  const names = (result: string): string[] =>
    [...output.matchAll(new RegExp(`^${result} \\d+ - (.*)$`, 'gm'))].map(([, name = '']) => name)
  return { exit, output, passed: names('ok'), failed: names('not ok') }
}

describe('docs/testing.md', () => {
  it('has three tests, which pass', async () => {
    expect(more).toEqual([])
    const { exit, output, passed, failed } = await run(page)
    expect({ exit, failed }, output.slice(-2_000)).toEqual({ exit: 0, failed: [] })
    expect(passed).toHaveLength(3)
  }, 60_000)

  it.each([
    ['shows the cart', "url: 'http://localhost/', data:", 'data:'],
    ['signs out after an hour', "now.advance('1h')", "now.advance('59m')"],
    ['answers 503 while', "store.fail('get', { times: 1 })", ''],
  ])(
    'without what it says there, a test fails: %s',
    async (name, right, wrong) => {
      expect(page).toContain(right)
      const { failed } = await run(page.replace(right, wrong))
      expect(failed).toEqual([expect.stringContaining(name)])
    },
    60_000,
  )
})
