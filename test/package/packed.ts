/** The package as `npm pack` makes it, and empty projects outside the repository to install it into, as a user would. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

interface Manifest {
  name: string
  version: string
  license: string
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  devDependencies: Record<string, string>
}

export const root: string = join(import.meta.dirname, '../..')
export const modules: string = join(root, 'node_modules')
export const manifest: Manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
export const peers: string[] = Object.keys(manifest.peerDependencies)

/** `{ specifier: 'latchkey/hono', types: './dist/...', default: './dist/...' }`, one for each entry that is code. */
export const entries: { specifier: string; types: string; default: string }[] = Object.entries(
  manifest.exports,
).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ specifier: manifest.name + subpath.slice(1), ...target }],
)

/** The environment of a user's shell, without what `npm run` and the test runner add to it. */
const added = /^(npm_(package|lifecycle|config_local)_|INIT_CWD$|VITEST|NODE_(ENV|OPTIONS|PATH)$)/
const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !added.test(key)))

/** Runs a program to its end; what it printed, or an error that says so. */
export async function run(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await promisify(execFile)(program, args, { cwd, env: { ...environment, ...env }, maxBuffer: 1e8 })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

/** A folder outside the repository; its owner removes it. */
export async function emptyFolder(): Promise<string> {
  return mkdtemp(join(await realpath(tmpdir()), 'latchkey-package-'))
}

/** Packs the library into a folder. `files` are what the tarball holds. */
export async function pack(folder: string): Promise<{ tarball: string; files: string[] }> {
  const { stdout } = await run('npm', ['pack', '--silent', '--json', '--pack-destination', folder], root)
  const [result] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  return { tarball: join(folder, result.filename), files: result.files.map((file) => file.path) }
}

/** Makes an empty project and installs the tarball, and packages beside it. */
export async function consumer(folder: string, tarball: string, packages: string[] = []): Promise<string> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...packages], folder)
  return folder
}

export function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}
