import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findDocs, type Doc } from './markdown.ts'
import { checkSnippets, snippetModules } from './snippets.ts'

const repository = join(import.meta.dirname, '../..')

describe('the code in README.md, ARCHITECTURE.md, docs and examples', () => {
  it('stands alone, or continues the block before it, and is correct', async () => {
    expect(await checkSnippets(findDocs(repository))).toEqual([])
  }, 60_000)
})

describe('the check', () => {
  const fixture = join(import.meta.dirname, 'fixture')
  const doc = (...lines: string[]): Doc => ({ path: 'docs/page.md', text: lines.join('\n') })

  it('finds correct code correct, and says of wrong code what is wrong, at which line of which document', async () => {
    const found = await checkSnippets(findDocs(fixture), fixture)
    expect(found.map((line) => line.replace(/: .*/s, '')).toSorted()).toEqual([
      'docs/wrong.md:14',
      'docs/wrong.md:20',
      'docs/wrong.md:20',
      'docs/wrong.md:21',
      'docs/wrong.md:28',
      'docs/wrong.md:8',
      'examples/node/README.md:6',
    ])
    expect(found.join('\n')).toContain("docs/wrong.md:14: TS2304: Cannot find name 'sessions'.")
    expect(found).toContain('docs/wrong.md:20: the package has no entry `latchkey/stores/paper`')
    expect(found.find((line) => line.startsWith('docs/wrong.md:8'))).toContain("'tll' does not exist")
  }, 60_000)

  it('passes where there are no documents', async () => {
    expect(await checkSnippets(findDocs(join(fixture, 'nowhere')))).toEqual([])
  })

  it('keeps blocks apart, joins what continues, and keeps every line where it was', () => {
    const { modules, problems } = snippetModules([
      doc('```ts', 'const a = 1', '```', '', '```ts continue', 'a', '```', '```tsx', 'b', '```'),
    ])
    expect(problems).toEqual([])
    expect(modules).toEqual([
      { file: 'docs/page.md.2.ts', source: '\nconst a = 1\n\n\n\na\nexport {}\n' },
      { file: 'docs/page.md.9.tsx', source: '\n\n\n\n\n\n\n\nb\nexport {}\n' },
    ])
  })

  it.each([
    ['```ts no-check', '"no-check" is no word'],
    ['```js continue twisted', '"twisted" is no word'],
    ['```ts continue', 'no ts block to continue'],
    ['```ts{1,3}', '"ts{1,3}" is not checked'],
    ['```mts', '"mts" is not checked'],
  ])('lets no block slip by: %s', (fence, problem) => {
    const { problems } = snippetModules([doc('text', fence, 'const a = 1', '```')])
    expect(problems[0]).toContain('docs/page.md:2: ')
    expect(problems[0]).toContain(problem)
  })

  it('says where a block is never closed, and does not continue across languages', () => {
    expect(snippetModules([doc('```ts', 'const a = 1')]).problems).toEqual([
      'docs/page.md:1: this code block is never closed',
    ])
    const mixed = doc('```js', 'const a = 1', '```', '```ts continue', 'a', '```')
    expect(snippetModules([mixed]).problems).toEqual(['docs/page.md:4: there is no ts block to continue'])
  })
})
