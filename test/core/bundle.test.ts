/** What an app has to carry: bundled as for Workers, with the library as it stands in src. */
import { gzipSync } from 'node:zlib'
import { dirname, join, resolve } from 'node:path'
import { readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

const exportsOf = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }).exports
const ALIAS = Object.entries(exportsOf as Record<string, string | { default: string }>).flatMap(([entry, target]) =>
  typeof target === 'string'
    ? []
    : [[`latchkey${entry.slice(1)}`, join(ROOT, target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))]],
)

async function bundle(source: string): Promise<{ inputs: string[]; text: string; gzip: number }> {
  const result = await build({
    stdin: { contents: source, resolveDir: dirname(import.meta.filename), loader: 'ts' },
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import'],
    plugins: [
      {
        name: 'source',
        setup(pluginBuild) {
          const paths = new Map(ALIAS as [string, string][])
          pluginBuild.onResolve({ filter: /^latchkey(?:\/|$)/ }, ({ path }) => {
            const file = paths.get(path)
            return file === undefined ? undefined : { path: file }
          })
        },
      },
    ],
  })
  const [output] = Object.values(result.metafile.outputs)
  const used = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const text = result.outputFiles[0]?.text ?? ''
  return {
    inputs: [...Object.keys(result.metafile.inputs), ...used.map(([path]) => path)],
    text,
    gzip: gzipSync(text).length,
  }
}

const HONO = `
  import { Hono } from 'hono'
  const app = new Hono()
  app.get('/', (c) => c.text('hi'))
  export default app
`
const MEMORY = `
  import { Hono } from 'hono'
  import { SessionManager } from 'latchkey'
  import { session } from 'latchkey/hono'
  import { MemoryStore } from 'latchkey/stores/memory'
  const app = new Hono()
  app.use(session(new SessionManager({ store: new MemoryStore() })))
  app.get('/', (c) => c.text(String(c.var.session.id)))
  export default app
`
const COOKIE = MEMORY.replaceAll('MemoryStore', 'CookieStore').replace('stores/memory', 'stores/cookie')

describe('the bundle of an app', () => {
  it('with Hono and only MemoryStore contains no byte of jose, nor of any other package', async () => {
    const { inputs, text } = await bundle(MEMORY)
    expect(inputs.some((path) => path.endsWith('src/stores/memory.ts'))).toBe(true)
    expect(inputs.filter((path) => path.includes('node_modules/') && !path.includes('node_modules/hono/'))).toEqual([])
    expect(inputs.filter((path) => /jose|stores\/(?!memory)/.test(path))).toEqual([])
    expect(text).not.toMatch(/A256GCM|CompactEncrypt/)
  })

  it('with CookieStore does contain it: this test would notice', async () => {
    const { inputs } = await bundle(COOKIE)
    expect(inputs.some((path) => path.includes('node_modules/jose/'))).toBe(true)
  })

  it('needs nothing of Node', async () => {
    const { text } = await bundle(MEMORY)
    expect(text).not.toMatch(/from"node:|require\(/)
  })

  // A gate is just above what was reached, so that growth is a decision; a budget is what the bytes should come to.
  it.each([
    ['MemoryStore', MEMORY, { gate: 21_620, budget: '9.5 kB' }],
    ['CookieStore', COOKIE, { gate: 33_000, budget: '18 kB' }],
  ])('with %s grows no further', async (name, source, { gate, budget }) => {
    const [bare, app] = [await bundle(HONO), await bundle(source)]
    const added = app.gzip - bare.gzip
    console.info(
      `latchkey with ${name} adds ${added} bytes (gzip) to bare Hono's ${bare.gzip}; gate ${gate}, budget ${budget}`,
    )
    expect(added).toBeGreaterThan(1_000)
    expect(added).toBeLessThan(gate)
  })
})
