/** As much of Markdown as the documentation tests need: which documents there are, and their code, links and names. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, sep } from 'node:path'

export interface Doc {
  /** Relative to the root, with `/`. */
  path: string
  text: string
}

export interface CodeBlock {
  /** Of its first line of code, from 1. */
  line: number
  info: string
  code: string[]
  closed: boolean
}

export interface Found {
  line: number
  text: string
}

const ROOT = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

/** The documents at the root, everything in docs/ and the README of every example. */
export function findDocs(root: string): Doc[] {
  const within = (folder: string, wanted: (name: string) => boolean): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .map((path) => `${folder}/${path.split(sep).join('/')}`)
          .filter((path) => !path.includes('node_modules/') && wanted(path))
      : []
  const paths = [
    ...ROOT.filter((path) => existsSync(join(root, path))),
    ...within('docs', (path) => path.endsWith('.md')),
    ...within('examples', (path) => path.endsWith('/README.md')),
  ]
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** The fenced code blocks, also those inside lists and quotations. */
export function codeBlocks({ text }: Doc): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { block: CodeBlock; indent: string; fence: string } | undefined
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, indent = '', fence = '', info = ''] = /^([\s>]*)(`{3,}|~{3,})\s*(.*)$/.exec(line) ?? []
    if (!open) {
      if (!fence || info.includes('`')) continue
      open = { block: { line: index + 2, info: info.trim(), code: [], closed: false }, indent, fence }
      blocks.push(open.block)
    } else if (fence.startsWith(open.fence) && info === '') {
      open.block.closed = true
      open = undefined
    } else {
      open.block.code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart())
    }
  }
  return blocks
}

/** The text with all fenced code blanked, line for line. */
export function prose(doc: Doc): string[] {
  const lines = doc.text.split(/\r?\n/)
  for (const { line, code } of codeBlocks(doc)) lines.fill('', line - 2, line + code.length)
  return lines
}

/** Where links and images lead, inline code left out. */
export function links(doc: Doc): Found[] {
  return prose(doc).flatMap((line, index) => {
    const bare = line.replaceAll(/`[^`]*`/g, '')
    const inline = [...bare.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)]
    const defined = [...bare.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g)]
    return [...inline, ...defined].map(([, target = '']) => ({ line: index + 1, text: target }))
  })
}

/** What stands in backticks. */
export function inlineCode(doc: Doc): Found[] {
  return prose(doc).flatMap((line, index) =>
    [...line.matchAll(/(`+)(.+?)\1/g)].map(([, , code = '']) => ({ line: index + 1, text: code.trim() })),
  )
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(doc: Doc): Set<string> {
  const found = new Set<string>()
  for (const line of prose(doc)) {
    const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-')
    let unique = slug
    for (let count = 1; found.has(unique); count++) unique = `${slug}-${count}`
    found.add(unique)
  }
  return found
}
