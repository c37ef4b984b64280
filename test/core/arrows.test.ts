/**
 * The arrows of the house: adapters → core ← stores. Parsed from the source, so that a wrong import is named before it
 * bites: in a bundle that carries what it should not, or in a cycle that leaves a class undefined at start.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const SRC = join(ROOT, 'src')

interface Import {
  /** Path under src with `/`, or the bare specifier of a package. */
  to: string
  typeOnly: boolean
}

/** The import and export-from statements of TypeScript text, `import()` and side-effect imports included. */
function parseImports(text: string): { specifier: string; typeOnly: boolean }[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*\s{},]+?\s+from\s+)?'([^']+)'/gm
  const call = /\bimport\(\s*['"`]([^'"`]+)['"`]\s*\)/g
  return [
    ...Array.from(code.matchAll(statement), (match) => ({ specifier: match[2] ?? '', typeOnly: !!match[1] })),
    ...Array.from(code.matchAll(call), (match) => ({ specifier: match[1] ?? '', typeOnly: false })),
  ]
}

function importsOf(file: string): Import[] {
  const path = join(SRC, file)
  return parseImports(readFileSync(path, 'utf8')).map(({ specifier, typeOnly }) => ({
    to: specifier.startsWith('.') ? relative(SRC, resolve(dirname(path), specifier)).replaceAll('\\', '/') : specifier,
    typeOnly,
  }))
}

const FILES = globSync('**/*.ts', { cwd: SRC }).map((file) => file.replaceAll('\\', '/'))
const GRAPH = new Map(FILES.map((file) => [file, importsOf(file)]))
const isLocal = (path: string): boolean => path.endsWith('.ts')
const under = (folder: string): string[] => FILES.filter((file) => file.startsWith(`${folder}/`))

/** All `from → to` whose `to` matches, types included. */
function edges(files: readonly string[], matches: (to: string) => boolean): string[] {
  return files.flatMap((file) =>
    (GRAPH.get(file) ?? []).filter(({ to }) => matches(to)).map(({ to }) => `${file} → ${to}`),
  )
}

describe('the parser of these tests', () => {
  it('sees every form of import, and no comment or text', () => {
    const source = [
      "import { a } from './a.ts'",
      "import type { B } from './b.ts'",
      "import { type C } from './c.ts'",
      'import {\n  d,\n  type D,\n} from',
      "  './d.ts'",
      "import * as e from './e.ts'",
      "import './f.ts'",
      "export { g } from './g.ts'",
      "export * from './h.ts'",
      "export type { I } from './i.ts'",
      "const j = await import('./j.ts')",
      "// import { k } from './k.ts'",
      "/** import { l } from './l.ts' */",
      "export const text = 'from'",
      "export interface M { from: 'x' }",
    ].join('\n')
    const found = parseImports(source)
    expect(found.map(({ specifier }) => specifier).join(' ')).toBe(
      'abcdefghij'.replaceAll(/./g, (letter) => `./${letter}.ts `).trim(),
    )
    expect(found.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier)).toEqual(['./b.ts', './i.ts'])
  })

  it('finds as many statements as there are lines that begin one', () => {
    expect(FILES.length).toBeGreaterThan(20)
    for (const file of FILES) {
      const lines = readFileSync(join(SRC, file), 'utf8').match(/^(?:import\s.*|(?:import|export|\}).* from )'/gm) ?? []
      const statements = (GRAPH.get(file) ?? []).length
      expect(statements, file).toBe(lines.length)
    }
  })

  it('every local import leads to a file', () => {
    const missing = edges(FILES, (to) => isLocal(to) && !FILES.includes(to))
    expect(missing).toEqual([])
  })
})

describe('imports go one way', () => {
  it('core imports neither an adapter nor a store; only its options know the default store', () => {
    expect(edges(under('core'), (to) => isLocal(to) && !to.startsWith('core/'))).toEqual([
      'core/settings.ts → stores/memory.ts',
    ])
  })

  it('an adapter imports core and its framework, never a store or another adapter', () => {
    const own = (file: string): string => basename(file, '.ts').split('-')[0] ?? ''
    for (const file of under('adapters')) {
      const others = edges([file], (to) => isLocal(to) && !to.startsWith('core/') && own(to) !== own(file))
      expect(others).toEqual([])
    }
  })

  it('a store imports core, its own parts, and another store only where it extends or wraps it', () => {
    const family = (file: string): string => basename(file, '.ts').split('-')[0] ?? ''
    // No stores themselves: what those that seal, and those that wrap, have in common.
    const shared = ['stores/seal.ts', 'stores/jwe.ts', 'stores/wrapping.ts']
    const foreign = under('stores').flatMap((file) =>
      edges(
        [file],
        (to) => isLocal(to) && !to.startsWith('core/') && !shared.includes(to) && family(to) !== family(file),
      ),
    )
    expect(edges(shared, (to) => to.startsWith('stores/'))).toEqual(['stores/seal.ts → stores/jwe.ts'])
    const allowed = (edge: string): boolean =>
      edge.startsWith('stores/libsql.ts → stores/sqlite') ||
      /^stores\/cookie(-revocations)?\.ts → stores\/revocations\.ts$/.test(edge)
    expect(foreign.filter((edge) => !allowed(edge))).toEqual([])
    expect(readFileSync(join(SRC, 'stores/libsql.ts'), 'utf8')).toMatch(/class LibsqlStore extends SqliteStore/)
    expect(edges(['stores/cookie-cache.ts'], (to) => to.startsWith('stores/'))).toEqual([
      'stores/cookie-cache.ts → stores/cookie-copies.ts',
      'stores/cookie-cache.ts → stores/cookie.ts',
      'stores/cookie-cache.ts → stores/seal.ts',
      'stores/cookie-cache.ts → stores/wrapping.ts',
    ])
  })

  it('MemoryStore does not import the whole core, which imports it', () => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { to, typeOnly } of GRAPH.get(file) ?? []) if (!typeOnly && isLocal(to)) visit(to)
    }
    visit('stores/memory.ts')
    expect([...reached].toSorted()).toEqual([
      'core/compare.ts',
      'core/errors.ts',
      'core/lifecycle.ts',
      'core/lock.ts',
      'core/maybe.ts',
      'core/plain.ts',
      'core/store.ts',
      'stores/memory.ts',
    ])
  })

  it('no store and no adapter imports core as a whole, so that each carries only what it needs', () => {
    expect(edges([...under('stores'), ...under('adapters')], (to) => to === 'core/index.ts')).toEqual([])
  })

  it('what helps tests is imported by nothing else', () => {
    const others = FILES.filter((file) => !file.startsWith('testing/'))
    expect(edges(others, (to) => to.startsWith('testing/'))).toEqual([])
  })

  it('the command line needs no more than a secret does', () => {
    expect(edges(['cli.ts'], () => true)).toEqual(['cli.ts → core/secret.ts'])
    expect(edges(FILES, (to) => to === 'cli.ts')).toEqual([])
  })

  it('there are no cycles at run time', () => {
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, trail: string[]): void => {
      if (trail.includes(file)) {
        cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
        return
      }
      if (done.has(file)) return
      for (const { to, typeOnly } of GRAPH.get(file) ?? []) if (!typeOnly && isLocal(to)) visit(to, [...trail, file])
      done.add(file)
    }
    for (const file of FILES) visit(file, [])
    expect(cycles).toEqual([])
  })
})

describe('packages', () => {
  const packages = (files: readonly string[]): string[] => edges(files, (to) => !isLocal(to))

  it('core imports none', () => {
    expect(packages(under('core'))).toEqual([])
  })

  it('jose is imported by what seals only', () => {
    const importers = edges(FILES, (to) => /^jose(?:\/|$)/.test(to)).map((edge) => edge.split(' → ')[0])
    expect([...new Set(importers)].filter((file) => file !== 'stores/jwe.ts')).toEqual([])
    expect(edges(FILES, (to) => to === 'stores/jwe.ts')).toEqual(['stores/seal.ts → stores/jwe.ts'])
    // `CookieCache` seals through `CookieStore`, and has its options checked alike.
    expect(edges(FILES, (to) => to === 'stores/seal.ts')).toEqual([
      'stores/cookie-cache.ts → stores/seal.ts',
      'stores/cookie.ts → stores/seal.ts',
      'stores/encrypted.ts → stores/seal.ts',
    ])
  })

  it('nothing imports a module of one runtime, by prefix or by name', () => {
    const runtime =
      /^(?:node|bun|deno|cloudflare|npm|jsr|https?):|^(?:fs|path|crypto|buffer|util|stream|http|url|events)$/
    expect(edges(FILES, (to) => runtime.test(to))).toEqual([])
  })

  it('everything imported is a dependency, or a peer that only its own entry imports', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
      peerDependencies: Record<string, string>
    }
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    const nameOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
    const used = new Set(
      FILES.flatMap((file) => GRAPH.get(file) ?? []).flatMap(({ to }) => (isLocal(to) ? [] : nameOf(to))),
    )
    for (const name of used) expect(declared, name).toContain(name)
    expect(Object.keys(manifest.dependencies)).toEqual(['jose'])
  })
})
