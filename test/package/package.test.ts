/**
 * The package as it is published: packed, then installed into an empty project outside the repository. Entries are
 * read from `exports`, so a new one is covered by being there.
 */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { SourceMap, type SourceMapPayload } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join, posix } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { links } from '../docs/markdown.ts'
import { consumer, emptyFolder, entries, manifest, modules, pack, peers, remove, root, run } from './packed.ts'

const specifiers = entries.map((entry) => entry.specifier)

const nodes = [
  { version: 'Node 24', node: join(modules, 'node/bin/node') },
  { version: 'Node 22', node: join(modules, 'node22/bin/node') },
]

/** The peers at the versions the library is developed with, and at the oldest that its ranges allow. */
const current = Object.fromEntries(peers.map((peer) => [peer, manifest.devDependencies[peer]]))
const consumers = [
  {
    name: 'current peers',
    version: (peer: string) => current[peer],
    resolutions: ['bundler', 'node16', 'nodenext'],
  },
  {
    name: 'oldest peers',
    version: (peer: string) => /\d+\.\d+\.\d+/.exec(manifest.peerDependencies[peer] ?? '')?.[0],
    resolutions: ['nodenext'],
  },
]

/** A file of this folder's `consumer/`, put into a project. */
async function give(project: string, file: string, change = (text: string): string => text): Promise<void> {
  const text = await readFile(join(import.meta.dirname, 'consumer', file), 'utf8')
  await writeFile(join(project, file), change(text))
}

/** What Deno's checker says against a file: nothing, if all is well. */
async function denoCheck(project: string, file: string, ...args: string[]): Promise<string> {
  const env = { DENO_DIR: join(workspace, 'deno'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' }
  const checked = run(join(modules, '.bin/deno'), ['check', '--no-lock', ...args, file], project, env)
  return checked.then(() => '', String)
}

/** Where `tsc` reports what is wrong in other packages. */
const elsewhere = new RegExp(`^node_modules/(?!${manifest.name}/)`)

let workspace = ''
let tarball = ''
let packed: string[] = []

/** Imports every entry; what each exports, or the message of the error it threw. */
async function importAll(node: string, project: string): Promise<Record<string, string[] | string>> {
  const script = `
    const found = {}
    for (const name of ${JSON.stringify(specifiers)}) {
      found[name] = await import(name).then((all) => Object.keys(all), (error) => error.code + ': ' + error.message)
    }
    console.log(JSON.stringify(found))`
  const { stdout } = await run(node, ['--input-type=module', '--eval', script], project)
  return JSON.parse(stdout) as never
}

beforeAll(async () => {
  workspace = await emptyFolder()
  const result = await pack(workspace)
  tarball = result.tarball
  packed = result.files
})

afterAll(() => remove(workspace))

describe('the tarball', () => {
  test('holds the build, its sources, the SQL, the guides and the papers, and nothing else', () => {
    const papers = ['ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md']
    const others = [...papers, 'migrations/0001_sessions.sql', 'package.json']
    expect(packed.filter((path) => !/^(src|dist|docs)\//.test(path)).toSorted()).toEqual(others)
    expect(packed.filter((path) => /^docs\/.*(?<!\.md)$/.test(path))).toEqual([])

    const sources = packed.filter((path) => path.startsWith('src/'))
    const built = sources.flatMap((path) =>
      ['.js', '.d.ts', '.d.ts.map'].map((ending) => path.replace(/^src(.*)\.ts$/, `dist$1${ending}`)),
    )
    const shared = ['cloudflare-kv', 'core', 'libsql', 'sealed', 'sqlite', 'testing'].map(
      (name) => `dist/shared/${name}.js`,
    )
    const maps = [...shared, 'dist/adapters/fetch.js', 'dist/adapters/hono.js', 'dist/cli.js'].map(
      (path) => `${path}.map`,
    )
    expect(sources.filter((path) => !path.endsWith('.ts') || path.endsWith('.test.ts'))).toEqual([])
    expect(packed.filter((path) => path.startsWith('dist/')).toSorted()).toEqual(
      [...built, ...shared, ...maps].toSorted(),
    )
  })

  test('holds what its pages link to, but for what is of use in a clone only', async () => {
    const pages = packed.filter((path) => path.endsWith('.md'))
    const outside = new Set<string>()
    for (const path of pages) {
      for (const { text } of links({ path, text: await readFile(join(root, path), 'utf8') })) {
        const [file = ''] = text.split('#')
        const target = posix.join(posix.dirname(path), file)
        if (file !== '' && !/^[a-z]+:/.test(file) && !packed.includes(target)) outside.add(target.split('/')[0] ?? '')
      }
    }
    expect([...outside].toSorted()).toEqual(['CONTRIBUTING.md', 'examples'])
  })

  test('holds every file that `exports` names', () => {
    const targets = entries.flatMap((entry) => [entry.types, entry.default].map((path) => posix.normalize(path)))
    expect(targets.filter((path) => !packed.includes(path))).toEqual([])
  })

  test('is clean for publint', async () => {
    const bytes = await readFile(tarball)
    const options = { level: 'suggestion', strict: true, pack: { tarball: new Uint8Array(bytes).buffer } } as const
    const { messages, pkg } = await publint(options)
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('is clean for attw', async () => {
    const args = [tarball, '--profile', 'esm-only', '--no-definitely-typed', '--no-emoji', '--no-color']
    const { stdout: table } = await run(join(modules, '.bin/attw'), args, workspace) // fails when there is a problem
    expect(specifiers.filter((specifier) => !table.includes(`"${specifier}"`))).toEqual([])
  })
})

describe('installed without its optional peers', () => {
  let project = ''
  beforeAll(async () => {
    project = await consumer(join(workspace, 'bare'), tarball)
  })

  test('brings its dependencies and no peer', async () => {
    const folders = (await readdir(join(project, 'node_modules'))).filter((name) => !name.startsWith('.'))
    expect(folders.toSorted()).toEqual([manifest.name, ...Object.keys(manifest.dependencies)].toSorted())
  })

  test.each(nodes)('imports on $version, but for entries that need a peer, which say which', async ({ node }) => {
    const found = Object.entries(await importAll(node, project))
    const missing = new RegExp(`^ERR_MODULE_NOT_FOUND: Cannot find package '(${peers.join('|')})'`)
    const failed = found.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    expect(failed.filter(([, message]) => !missing.test(message))).toEqual([])
    const needPeers = failed.map(([specifier]) => specifier)
    const free = ['latchkey', 'latchkey/fetch', 'latchkey/stores/memory', 'latchkey/stores/cookie']
    expect(free.filter((specifier) => needPeers.includes(specifier))).toEqual([])
  })

  test('has declarations that name no .ts file, and maps that find their sources', async () => {
    const installed = join(project, 'node_modules', manifest.name)
    const lost: string[] = []
    for (const path of packed.filter((name) => name.startsWith('dist/'))) {
      const text = await readFile(join(installed, path), 'utf8')
      if (path.endsWith('.d.ts')) {
        for (const [specifier] of text.matchAll(/['"]\.[^'"]*\.ts['"]/g)) lost.push(`${path}: ${specifier}`)
      } else if (path.endsWith('.map')) {
        const { sources } = JSON.parse(text) as { sources: string[] }
        const found = sources.map((source) => posix.join(posix.dirname(path), source))
        lost.push(...found.filter((source) => !packed.includes(source)).map((source) => `${path}: ${source}`))
      }
    }
    expect(lost).toEqual([])
  })

  test('has maps that lead from a name in the build to the same name in its source', async () => {
    const installed = join(project, 'node_modules', manifest.name)
    const lines = async (path: string): Promise<string[]> => (await readFile(join(installed, path), 'utf8')).split('\n')
    let names = 0
    for (const path of packed.filter((file) => packed.includes(`${file}.map`) && file.endsWith('.js'))) {
      const map = new SourceMap(JSON.parse(await readFile(join(installed, `${path}.map`), 'utf8')) as SourceMapPayload)
      for (const [at, line] of (await lines(path)).entries()) {
        const declared = /^(?:export )?(?:async )?((?:function|class) \w+)/.exec(line)?.[1]
        if (declared === undefined) continue
        names++
        const found = map.findEntry(at, 0)
        if (!('originalSource' in found)) throw new Error(`${path}:${at + 1} leads nowhere`)
        const source = await lines(posix.join(posix.dirname(path), found.originalSource))
        expect(source[found.originalLine], `${path}:${at + 1}`).toContain(declared)
      }
    }
    expect(names).toBeGreaterThan(100)
  })
})

describe.each(consumers)('installed beside its $name', ({ name, version, resolutions }) => {
  let project = ''
  beforeAll(async () => {
    const beside = peers.map((peer) => `${peer}@${version(peer)}`)
    project = await consumer(join(workspace, name.replaceAll(' ', '-')), tarball, beside)
    await give(project, 'app.ts')
    await give(project, 'types.ts')
    const imports = specifiers.map((specifier, index) => `export * as entry${index} from '${specifier}'\n`)
    await writeFile(join(project, 'entries.ts'), imports.join(''))
  })

  test.each(nodes)('imports every entry on $version', async ({ node }) => {
    for (const [specifier, names] of Object.entries(await importAll(node, project))) {
      expect(names, specifier).toBeInstanceOf(Array)
      expect(names, specifier).not.toContain('default')
      expect(names.length, specifier).toBeGreaterThan(0)
    }
  })

  test.each(resolutions)('has types that resolve under %s', async (resolution) => {
    const config = {
      compilerOptions: {
        target: 'es2022',
        lib: ['es2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
        types: [],
        module: resolution === 'bundler' ? 'esnext' : resolution,
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: ['app.ts', 'entries.ts', 'types.ts'],
    }
    const file = `tsconfig.${resolution}.json`
    await writeFile(join(project, file), JSON.stringify(config))
    const tsc = join(modules, 'typescript/bin/tsc')
    const checked = run(process.execPath, [tsc, '-p', file, '--pretty', 'false'], project)
    const output = await checked.then(({ stdout }) => stdout, String)
    // Other packages' declarations are checked too, and are not ours to mend.
    const ours = output.split('\n').filter((line) => / error TS/.test(line) && !elsewhere.test(line))
    expect(ours).toEqual([])
  })

  test('has types for Deno, found in node_modules', async () => {
    expect(await denoCheck(project, 'types.ts', 'entries.ts')).toBe('')
  })

  test.each(nodes)('answers a Hono app with a session on $version', async ({ node }) => {
    const { stdout } = await run(node, ['app.ts'], project)
    const answer = JSON.parse(stdout) as { visits: number[]; setCookie: string[] }
    expect(answer.visits).toEqual([1, 2, 2])
    expect(answer.setCookie).toHaveLength(1)
    expect(answer.setCookie[0]).toMatch(/^session=[^;]+;.*HttpOnly/)
  })
})

describe('imported file by file, where no package.json says which declarations belong to them', () => {
  let project = ''
  beforeAll(async () => {
    const versions = { ...manifest.dependencies, ...current }
    const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
    project = await consumer(join(workspace, 'files'), tarball, packages)
    await cp(join(project, 'node_modules', manifest.name, 'dist'), join(project, 'dist'), { recursive: true })
    const imports = Object.entries(versions).flatMap(([name, version]) => [
      [name, `npm:${name}@${version}`],
      [`${name}/`, `npm:/${name}@${version}/`],
    ])
    await writeFile(join(project, 'deno.json'), JSON.stringify({ imports: Object.fromEntries(imports) as object }))
  })

  /** `'latchkey/hono'` → `'<base>dist/adapters/hono.js'`. */
  const at = (base: string) => (text: string) =>
    entries.reduce((all, entry) => all.replaceAll(`'${entry.specifier}'`, `'${base}${entry.default.slice(2)}'`), text)

  test('has types for Deno by path', async () => {
    await give(project, 'types.ts', at('./'))
    expect(await denoCheck(project, 'types.ts')).toBe('')
  })

  test('has types for Deno by URL', async () => {
    const server = createServer((request, response) => {
      const path = request.url ?? ''
      const type = path.endsWith('.ts') ? 'application/typescript' : 'text/javascript'
      readFile(join(project, path), 'utf8').then(
        (text) => response.writeHead(200, { 'content-type': type }).end(text),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      await give(project, 'types.ts', at(`http://${host}/`))
      expect(await denoCheck(project, 'types.ts', `--allow-import=${host}`)).toBe('')
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
