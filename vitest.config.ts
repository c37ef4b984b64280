import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { TotalsReporter } from './test/totals-reporter.ts'

interface Manifest {
  name: string
  exports: Record<string, string | { default: string }>
}

type WorkersOptions = Exclude<Parameters<typeof cloudflareTest>[0], (...args: never[]) => unknown>

const root = import.meta.dirname
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** `latchkey/...` means the file in src that the entry is built from, so tests and the examples need no build. */
const alias = Object.entries(manifest.exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return []
  const source = target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
  return { find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`), replacement: join(root, source) }
})

/** Workers with the bindings of wrangler.toml: the one that the tests run in, and a real one, bundled, that they can call. */
async function workerd(): Promise<WorkersOptions> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/workerd/module-scope.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['workerd', 'worker', 'import'],
    external: ['cloudflare:*'],
  })
  const bindings = { kvNamespaces: ['SESSIONS'], d1Databases: ['DB'] }
  const script = outputFiles[0]?.text ?? ''
  const worker = { name: 'module-scope', modules: true, script, compatibilityDate: '2026-10-01', ...bindings }
  return {
    wrangler: { configPath: join(root, 'wrangler.toml') },
    miniflare: { serviceBindings: { MODULE_SCOPE: 'module-scope' }, workers: [worker] },
  }
}

/** Projects of their own. */
const elsewhere = ['test/package/**', 'test/browser/**', 'test/workerd/**', 'test/examples/runtimes/**']
/** What says the same on every Node: the documents, the other runtimes, the model of the protocol. Run on the current one only. */
const once = [
  'test/docs/**',
  'test/runtimes/**',
  'test/protocol/{model,revocations}.test.ts',
  'test/stores/migrations.test.ts',
]
const isOlderNode = Number.parseInt(process.versions.node, 10) < 24

export default defineConfig({
  resolve: { alias },
  test: {
    reporters: ['default', new TotalsReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...elsewhere, ...(isOlderNode ? once : [])],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        extends: true,
        plugins: [cloudflareTest(workerd)],
        test: {
          name: 'workerd',
          include: ['test/workerd/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'examples',
          include: ['test/examples/runtimes/**/*.test.ts'],
          globalSetup: 'test/examples/runtimes/build.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: 'test/browser/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
