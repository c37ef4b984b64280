/**
 * The package as it is published: packed, then installed into an empty project outside the repository. Entries are
 * read from `exports`, so a new one is covered by being there.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Manifest {
  name: string
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  devDependencies: Record<string, string>
}

const root = join(import.meta.dirname, '../..')
const modules = join(root, 'node_modules')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
const peers = Object.keys(manifest.peerDependencies)

/** `{ specifier: 'latchkey/hono', types: './dist/...', default: './dist/...' }`, one for each entry that is code. */
const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ specifier: manifest.name + subpath.slice(1), ...target }],
)
const specifiers = entries.map((entry) => entry.specifier)

const nodes = [
  { version: 'Node 24', node: join(modules, 'node/bin/node') },
  { version: 'Node 22', node: join(modules, 'node22/bin/node') },
]

/** The peers at the versions the library is developed with, and at the oldest that its ranges allow. */
const consumers = [
  {
    name: 'current peers',
    version: (peer: string) => manifest.devDependencies[peer],
    resolutions: ['bundler', 'node16', 'nodenext'],
  },
  {
    name: 'oldest peers',
    version: (peer: string) => /\d+\.\d+\.\d+/.exec(manifest.peerDependencies[peer] ?? '')?.[0],
    resolutions: ['nodenext'],
  },
]

/** The environment of a user's shell, without what `npm run` and the test runner add to it. */
const added = /^(npm_(package|lifecycle|config_local)_|INIT_CWD$|VITEST|NODE_(ENV|OPTIONS|PATH)$)/
const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !added.test(key)))

/** Where `tsc` reports what is wrong in other packages. */
const elsewhere = new RegExp(`^node_modules/(?!${manifest.name}/)`)

let workspace = ''
let tarball = ''
let packed: string[] = []

/** Runs a program to its end; what it printed, or an error that says so. */
async function run(program: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd, env: environment, maxBuffer: 1e8 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

/** Makes an empty project and installs the tarball there as a user would. */
async function consumer(name: string): Promise<string> {
  const project = join(workspace, name.replaceAll(' ', '-'))
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await install(project, tarball)
  return project
}

async function install(project: string, ...packages: string[]): Promise<void> {
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], project)
}

/** Imports every entry; what each exports, or the message of the error it threw. */
async function importAll(node: string, project: string): Promise<Record<string, string[] | string>> {
  const script = `
    const found = {}
    for (const name of ${JSON.stringify(specifiers)}) {
      found[name] = await import(name).then((all) => Object.keys(all), (error) => error.code + ': ' + error.message)
    }
    console.log(JSON.stringify(found))`
  return JSON.parse(await run(node, ['--input-type=module', '--eval', script], project)) as never
}

beforeAll(async () => {
  workspace = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-package-'))
  const [result] = JSON.parse(
    await run('npm', ['pack', '--silent', '--json', '--pack-destination', workspace], root),
  ) as [{ filename: string; files: { path: string }[] }]
  tarball = join(workspace, result.filename)
  packed = result.files.map((file) => file.path)
})

afterAll(() => rm(workspace, { recursive: true, force: true }))

describe('the tarball', () => {
  test('holds the build, its sources, the SQL and the four papers, and nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'migrations/0001_sessions.sql', 'package.json']
    expect(packed.filter((path) => !/^(src|dist)\//.test(path)).toSorted()).toEqual(papers)

    const sources = packed.filter((path) => path.startsWith('src/'))
    const built = sources.flatMap((path) =>
      ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((ending) => path.replace(/^src(.*)\.ts$/, `dist$1${ending}`)),
    )
    expect(sources.filter((path) => !path.endsWith('.ts') || path.endsWith('.test.ts'))).toEqual([])
    expect(packed.filter((path) => path.startsWith('dist/')).toSorted()).toEqual(built.toSorted())
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
    const table = await run(join(modules, '.bin/attw'), args, workspace) // fails when there is a problem
    expect(specifiers.filter((specifier) => !table.includes(`"${specifier}"`))).toEqual([])
  })
})

describe('installed without its optional peers', () => {
  let project = ''
  beforeAll(async () => {
    project = await consumer('bare')
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
})

describe.each(consumers)('installed beside its $name', ({ name, version, resolutions }) => {
  let project = ''
  beforeAll(async () => {
    project = await consumer(name)
    await install(project, ...peers.map((peer) => `${peer}@${version(peer)}`))
    await copyFile(join(import.meta.dirname, 'consumer/app.ts'), join(project, 'app.ts'))
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
      files: ['app.ts', 'entries.ts'],
    }
    const file = `tsconfig.${resolution}.json`
    await writeFile(join(project, file), JSON.stringify(config))
    const tsc = join(modules, 'typescript/bin/tsc')
    const output = await run(process.execPath, [tsc, '-p', file, '--pretty', 'false'], project).catch(String)
    // Other packages' declarations are checked too, and are not ours to mend.
    const ours = output.split('\n').filter((line) => / error TS/.test(line) && !elsewhere.test(line))
    expect(ours).toEqual([])
  })

  test.each(nodes)('answers a Hono app with a session on $version', async ({ node }) => {
    const answer = JSON.parse(await run(node, ['app.ts'], project)) as { visits: number[]; setCookie: string[] }
    expect(answer.visits).toEqual([1, 2, 2])
    expect(answer.setCookie).toHaveLength(1)
    expect(answer.setCookie[0]).toMatch(/^session=[^;]+;.*HttpOnly/)
  })
})
