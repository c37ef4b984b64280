import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, findDocs, inlineCode, links, type Doc } from './markdown.ts'
import { isForeign, publicNames, type PublicNames } from './public-names.ts'

const repository = join(import.meta.dirname, '../..')

/** Relative links that lead nowhere, as `file:line: link`. */
function brokenLinks(docs: readonly Doc[], root: string): string[] {
  return docs.flatMap((doc) =>
    links(doc)
      .filter(({ text }) => !/^[a-z][a-z+.-]*:|^\/\//i.test(text))
      .filter(({ text }) => {
        const [path = '', anchor] = decodeURIComponent(text).split('#')
        const target = path === '' ? doc.path : normalize(join(dirname(doc.path), path))
        if (target.startsWith('..') || !existsSync(join(root, target))) return true
        if (anchor === undefined || !target.endsWith('.md')) return false
        return !anchors({ path: target, text: readFileSync(join(root, target), 'utf8') }).has(anchor)
      })
      .map(({ line, text }) => `${doc.path}:${line}: ${text}`),
  )
}

/** Calls and errors in backticks that nothing exports, as `file:line: name`. */
function unknownNames(docs: readonly Doc[], { exports, members, internals }: PublicNames): string[] {
  return docs.flatMap((doc) =>
    inlineCode(doc)
      .filter(({ text }) => {
        const error = /\bSession\w*Error\b/.exec(text)?.[0]
        if (error && !exports.has(error)) return true
        const path = /([\w$.]+)(?:<[\w ,]*>)?\(\)$/.exec(text)?.[1]?.replace(/^\.+/, '')
        if (!path || isForeign(path)) return false
        const last = path.split('.').at(-1) as string
        const inside = doc.path === 'ARCHITECTURE.md' && internals.has(last)
        return !exports.has(last) && !members.has(last) && !inside
      })
      .map(({ line, text }) => `${doc.path}:${line}: ${text}`),
  )
}

const page = (...lines: string[]): Doc => ({ path: 'docs/wrong.md', text: lines.join('\n') })

describe('links in the documents', () => {
  it('lead to files and headings that exist', () => {
    expect(brokenLinks(findDocs(repository), repository)).toEqual([])
  })

  it('are found wherever they stand, and broken ones are named with file and line', () => {
    const fixture = join(import.meta.dirname, 'fixture')
    const good = page(
      '[a](wrong.md)',
      '[b](#wrong)',
      '[c](../README.md#correct)',
      '[d](https://x.y)',
      '[e](mailto:a@b.c)',
    )
    const hidden = page('```', '[a](nowhere.md)', '```', '`[a](nowhere.md)`')
    expect(brokenLinks([good, hidden], fixture)).toEqual([])
    const bad = page(
      '[a](nowhere.md) and ![b](none.png "title")',
      '[c]: ./gone.md',
      '[d](#absent)',
      '[e](../../names.test.ts)',
    )
    expect(brokenLinks([bad], fixture)).toEqual([
      'docs/wrong.md:1: nowhere.md',
      'docs/wrong.md:1: none.png',
      'docs/wrong.md:2: ./gone.md',
      'docs/wrong.md:3: #absent',
      'docs/wrong.md:4: ../../names.test.ts',
    ])
  })

  it('are checked down to the heading, as GitHub names it', () => {
    const doc = page('# A `Store` of your own', '## Why?', '## Why?', '```', '# no heading', '```', '### Été & co. #')
    expect([...anchors(doc)]).toEqual(['a-store-of-your-own', 'why', 'why-1', 'été--co'])
  })
})

describe('names in the documents', () => {
  it('that look like calls or errors of ours are exported, or members of what is', async () => {
    expect(unknownNames(findDocs(repository), await publicNames())).toEqual([])
  })

  it('are found among exports, methods, options, the platform and Hono, and unknown ones are named', async () => {
    const names = await publicNames()
    const good = ['new SessionManager<Shop>()', 'await session.save()', 'c.var.session.destroy()', 'withSession()']
    const more = [
      'store.touch()',
      'initial()',
      'findBySubject()',
      'SessionExpiredError',
      'crypto.getRandomValues()',
      'c.redirect()',
    ]
    expect(unknownNames([page(...[...good, ...more].map((name) => `\`${name}\``))], names)).toEqual([])
    const bad = ['session.regenrate()', 'createSesion()', 'SessionGoneError', 'throw new SessionLostError()', 'draft()']
    expect(unknownNames([page(...bad.map((name) => `text \`${name}\``))], names)).toEqual(
      bad.map((name, index) => `docs/wrong.md:${index + 1}: ${name}`),
    )
    expect(unknownNames([{ path: 'ARCHITECTURE.md', text: '`draft()`' }], names)).toEqual([])
  })
})
