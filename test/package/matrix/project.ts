/**
 * An empty project outside the repository with the packed library in it, and the programs of this folder beside: bundled, so
 * that what they share needs no resolving, with every package left to the project, and each source file of the library
 * replaced by the entry it is built into. What is no entry cannot be reached from there, and is an error here.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build, type Plugin } from 'esbuild'
import { root } from '../../runtimes/run.ts'

interface Manifest {
  name: string
  exports: Record<string, string | { default: string }>
  peerDependencies: Record<string, string>
  devDependencies: Record<string, string>
}

export interface Project {
  directory: string
  /** Of every entry that is code, e.g. `latchkey/hono`. */
  specifiers: string[]
  remove(): Promise<void>
}

/** What only the machine that develops the library has. */
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', 'data', 'coverage', '.wrangler'])

/** The environment of a user's shell, without what `npm run` and the test runner add to it. */
const added = /^(npm_(package|lifecycle|config_local)_|INIT_CWD$|VITEST|NODE_(ENV|OPTIONS|PATH)$)/
const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !added.test(key)))

async function npm(args: string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)('npm', args, { cwd, env: environment, maxBuffer: 1e8 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`npm ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

/** Packs a copy, because packing builds: the build of this checkout is left to whoever uses it at the same time. */
async function pack(workspace: string): Promise<string> {
  const copy = join(workspace, 'checkout')
  await cp(root, copy, { recursive: true, filter: (source) => !NOT_COPIED.has(basename(source)) })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  const [{ filename }] = JSON.parse(
    await npm(['pack', '--silent', '--json', '--pack-destination', workspace], copy),
  ) as [{ filename: string }]
  return join(workspace, filename)
}

/** Source file → the entry that it is built into. */
function entriesOf({ name, exports }: Manifest): Map<string, string> {
  return new Map(
    Object.entries(exports).flatMap(([subpath, target]) => {
      if (typeof target === 'string') return []
      const source = target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
      return [[source, name + subpath.slice(1)] as const]
    }),
  )
}

/** Bundles a program of this repository into a file of the project. */
async function put(entry: string, directory: string, entries: ReadonlyMap<string, string>): Promise<void> {
  const installed: Plugin = {
    name: 'installed',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = relative(root, resolve(resolveDir, path))
        if (!source.startsWith('src/')) return undefined
        const specifier = entries.get(source)
        return specifier === undefined
          ? { errors: [{ text: `${source} is no entry of the package` }] }
          : { path: specifier, external: true }
      })
    },
  }
  await build({
    entryPoints: [join(root, entry)],
    outfile: join(directory, basename(entry).replace(/\.ts$/, '.js')),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    packages: 'external',
    tsconfigRaw: {}, // Its paths would lead to the sources.
    plugins: [installed],
    logLevel: 'silent',
  })
}

/** A program, and a Worker, that import every entry: what each exports, or what went wrong. */
function importing(specifiers: readonly string[]): Record<string, string> {
  const loads = specifiers.map((specifier) => `  '${specifier}': () => import('${specifier}'),\n`)
  const found = `const entries = {\n${loads.join('')}}
const found = async () => {
  const names = {}
  for (const [entry, load] of Object.entries(entries))
    names[entry] = await load().then((all) => Object.keys(all).toSorted(), String)
  return JSON.stringify(names)
}
`
  return {
    'imports.js': `${found}console.log(await found())\n`,
    'imports-workerd.js': `${found}export default { fetch: async () => new Response(await found()) }\n`,
  }
}

/** Packs, installs, and puts the programs there. */
export async function makeProject(): Promise<Project> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  const workspace = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-matrix-'))
  const remove = (): Promise<void> => rm(workspace, { recursive: true, force: true })
  try {
    const directory = join(workspace, 'project')
    const tarball = await pack(workspace)
    await mkdir(directory)
    await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'matrix', private: true, type: 'module' }))
    const packages = [...Object.keys(manifest.peerDependencies), 'better-sqlite3']
    const versions = packages.map((name) => `${name}@${manifest.devDependencies[name]}`)
    await npm(['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...versions], directory)
    const entries = entriesOf(manifest)
    for (const name of ['node', 'bun', 'deno', 'workerd'])
      await put(`test/package/matrix/${name}.ts`, directory, entries)
    const specifiers = [...entries.values()]
    for (const [name, text] of Object.entries(importing(specifiers))) await writeFile(join(directory, name), text)
    return { directory, specifiers, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
