/**
 * Type-checks the code in the documents, all of it in one run of `tsc`. Each block is a module of its own, or continues
 * the block before it with the info string `ts continue`. In its module a block stands at the line where it stands in
 * its document, so what the compiler says of the one is true of the other.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { codeBlocks, type Doc } from './markdown.ts'

const EXTENSIONS: Record<string, string> = {
  ts: 'ts',
  typescript: 'ts',
  tsx: 'tsx',
  js: 'js',
  javascript: 'js',
  jsx: 'jsx',
}
const repository = join(import.meta.dirname, '../..')

export interface SnippetModule {
  /** Of the document, its first line of code and the language: `docs/stores.md.12.ts`. */
  file: string
  source: string
}

/** The modules the documents make, and what is wrong with their fences, as `file:line: what`. */
export function snippetModules(docs: readonly Doc[]): { modules: SnippetModule[]; problems: string[] } {
  const problems: string[] = []
  const modules = docs.flatMap((doc) => {
    const parts: { file: string; extension: string; lines: string[] }[] = []
    for (const { line, info, code, closed } of codeBlocks(doc)) {
      const problem = (what: string): void => void problems.push(`${doc.path}:${line - 1}: ${what}`)
      const [language = '', ...words] = info.split(/\s+/)
      const extension = EXTENSIONS[language.toLowerCase()]
      if (!closed) problem('this code block is never closed')
      if (!extension) {
        if (/^(ts|js|tsx|jsx|mts|cts|mjs|cjs|typescript|javascript)\b/i.test(language))
          problem(`"${language}" is not checked; write ts, tsx, js or jsx`)
        continue
      }
      const unknown = words.filter((word) => word !== 'continue')
      if (unknown.length > 0) problem(`"${unknown.join(' ')}" is no word to put here; there is only \`continue\``)
      const last = parts.at(-1)
      if (words.includes('continue')) {
        if (last?.extension !== extension) problem(`there is no ${language} block to continue`)
        else last.lines.push(...blank(line - 1 - last.lines.length), ...code)
      } else {
        parts.push({ file: `${doc.path}.${line}.${extension}`, extension, lines: [...blank(line - 1), ...code] })
      }
    }
    return parts.map(({ file, lines }) => ({ file, source: [...lines, 'export {}', ''].join('\n') }))
  })
  return { modules, problems }
}

/**
 * What is wrong with the code in these documents, as `file:line: what`. Relative imports are looked up from where the
 * document is, under `root`; `latchkey/...` means the files in src.
 */
export async function checkSnippets(docs: readonly Doc[], root: string = repository): Promise<string[]> {
  const { modules, problems } = snippetModules(docs)
  problems.push(...modules.flatMap(unpublishedImports))
  if (modules.length === 0) return problems
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-snippets-'))
  try {
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction')
    write(folder, 'package.json', '{ "type": "module" }')
    write(folder, 'runtimes.d.ts', RUNTIMES)
    for (const { file, source } of modules) write(folder, file, source)
    const config = {
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: {
        allowJs: true,
        checkJs: true,
        jsx: 'react-jsx',
        jsxImportSource: 'hono/jsx',
        // A document shows how a thing is made; the reader uses it.
        noUnusedLocals: false,
        rootDirs: [folder, root],
      },
      files: ['runtimes.d.ts', ...modules.map(({ file }) => file)],
      include: [],
      exclude: [],
    }
    write(folder, 'tsconfig.json', JSON.stringify(config))
    return [...problems, ...complaints(await compile(folder))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The globals and modules of runtimes and drivers whose types are not installed, as far as documents use them. */
const RUNTIMES = `
declare namespace Deno {
  const env: { get(name: string): string | undefined }
  function cron(name: string, schedule: string, handler: () => void | Promise<void>): Promise<void>
  function serve(handler: (request: Request, info: object) => Response | Promise<Response>): { finished: Promise<void> }
  function serve(options: { port?: number }, handler: (request: Request, info: object) => Response | Promise<Response>): { finished: Promise<void> }
}
declare namespace Bun {
  const env: Record<string, string | undefined>
  interface Server { upgrade(request: Request, options?: { data?: unknown }): boolean }
  function serve(options: { port?: number; websocket?: object; fetch(request: Request, server: Server): Response | undefined | void | Promise<Response | undefined | void> }): Server
}
interface D1Database { prepare(sql: string): unknown }
declare module 'better-sqlite3' {
  class Database {
    constructor(file: string, options?: { timeout?: number })
    pragma(text: string): unknown
  }
  export default Database
}
declare module 'bun:sqlite' {
  export class Database {
    constructor(file: string)
    run(sql: string): unknown
  }
}
`

/** Entries that src has a file for and the package does not publish. */
function unpublishedImports({ file, source }: SnippetModule): string[] {
  const manifest = readFileSync(join(repository, 'package.json'), 'utf8')
  const { exports } = JSON.parse(manifest) as { exports: Record<string, unknown> }
  return source.split('\n').flatMap((line, index) => {
    const [, entry] = /(?:from|import) *\(?['"]latchkey(\/[^'"]+)['"]/.exec(line) ?? []
    if (entry === undefined || `.${entry}` in exports) return []
    return [`${file.replace(/\.\d+\.\w+$/, '')}:${index + 1}: the package has no entry \`latchkey${entry}\``]
  })
}

function blank(count: number): string[] {
  return Array.from<string>({ length: Math.max(0, count) }).fill('')
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}

function compile(folder: string): Promise<string> {
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [compiler, '-p', '.', '--pretty', 'false'], { cwd: folder }, (error, stdout, stderr) => {
      // The compiler exits with 1 or 2 when it has something to say about the code.
      if (error && stdout === '') reject(new Error(`tsc failed: ${stderr || error.message}`))
      else resolve(stdout)
    })
  })
}

/** `README.md.12.ts(14,3): error TS2304: …` as `README.md:14: …`. What is wrong in src is for the check of src to say. */
function complaints(output: string): string[] {
  // What explains an error is indented, on lines of its own.
  return output.split(/\n(?! )/).flatMap((line) => {
    const [, file, at, what] = /^(.+\.md)\.\d+\.[tj]sx?\((\d+),\d+\): error (.+)$/s.exec(line) ?? []
    if (file) return [`${file}:${at}: ${what}`]
    if (/^error |^runtimes\.d\.ts|^tsconfig\.json/.test(line)) throw new Error(`The check itself is wrong: ${line}`)
    return []
  })
}
