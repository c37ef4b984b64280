/** Bytes that an app carries (bundled, minified, gzipped), over the same app without sessions; and the time of a cold import. */
import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { bench } from './runtimes/run.ts'
import { spreadOf } from './stats.ts'
import { digits, tableOf } from './table.ts'

interface App {
  name: string
  /** What an app imports of it, and the least it does with it. */
  imports: string
  use?: string
  /** What a cold import is timed of; none where the whole is Hono. */
  modules: readonly string[]
  /** What it may add to Hono, in kB. */
  most?: number
}

/** Whose cold import ours may take half of, at most. */
const BESIDE = '@hono/session'

const OURS = `import { SessionManager } from 'latchkey'; import { session } from 'latchkey/hono';`
const JOSE = ['jose/jwe/compact/decrypt', 'jose/jwe/compact/encrypt']

/** Under Hono, each beside it. */
const APPS: readonly App[] = [
  { name: 'Hono', imports: '', modules: ['hono'] },
  {
    name: 'latchkey, memory',
    imports: OURS,
    use: 'app.use(session(new SessionManager()))',
    modules: ['latchkey', 'latchkey/hono'],
    most: 9,
  },
  {
    name: 'latchkey, sealed, with `jose`',
    imports: `${OURS} import { CookieStore } from 'latchkey/stores/cookie';`,
    use: 'app.use(session(new SessionManager({ store: new CookieStore({ secret: globalThis.secret }) })))',
    modules: ['latchkey', 'latchkey/hono', 'latchkey/stores/cookie'],
    most: 17.5,
  },
  {
    name: 'jose compact alone',
    imports: JOSE.map((path) => `export * from '${path}';`).join(' '),
    modules: JOSE,
  },
  {
    name: BESIDE,
    imports: `import { useSession } from '@hono/session';`,
    use: 'app.use(useSession())',
    modules: ['@hono/session'],
  },
  {
    name: 'hono-sessions, memory',
    imports: `import { sessionMiddleware, MemoryStore } from 'hono-sessions';`,
    use: 'app.use(sessionMiddleware({ store: new MemoryStore() }))',
    modules: ['hono-sessions'],
  },
  {
    name: 'iron-session',
    imports: `import { getIronSession, webCookies } from 'iron-session';`,
    use: 'globalThis.use = (request, headers) => getIronSession(webCookies(request, headers), globalThis.options)',
    modules: ['iron-session'],
  },
  {
    name: '@remix-run/session, with its cookie and middleware',
    imports: [
      `import { createCookie } from '@remix-run/cookie';`,
      `import { createCookieSessionStorage } from '@remix-run/session/cookie-storage';`,
      `import { session } from '@remix-run/session-middleware';`,
    ].join(' '),
    use: `globalThis.use = session(createCookie('s', { secrets: [globalThis.secret] }), createCookieSessionStorage())`,
    modules: ['@remix-run/cookie', '@remix-run/session/cookie-storage', '@remix-run/session-middleware'],
  },
  {
    name: 'h3 useSession, with h3',
    imports: `import { H3, useSession } from 'h3';`,
    use: 'globalThis.use = [new H3(), useSession]',
    modules: ['h3'],
  },
  {
    name: 'better-auth',
    imports: `import { betterAuth } from 'better-auth';`,
    use: 'globalThis.use = betterAuth({})',
    modules: ['better-auth'],
  },
]

/** The entries by themselves, without the packages that an app brings along. */
const ENTRIES: readonly string[] = [
  'latchkey',
  'latchkey/hono',
  'latchkey/fetch',
  'latchkey/stores/memory',
  'latchkey/stores/cookie',
  'latchkey/stores/cookie-cache',
  'latchkey/stores/sqlite',
  'latchkey/stores/libsql',
  'latchkey/stores/cloudflare-kv',
]
const BROUGHT = ['hono', 'hono/*', 'drizzle-orm', 'drizzle-orm/*', '@libsql/client', '@libsql/client/*']

async function gzipped(contents: string, external: readonly string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: bench, loader: 'js' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import'],
    external: ['node:*', ...external],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  })
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length
}

/** Milliseconds of an import in a process of its own; rounds in turn, as everywhere. */
function coldImports(rounds: number, lists: readonly (readonly string[])[]): number[] {
  const samples = lists.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, modules] of lists.entries()) {
      const script = `const start = performance.now(); for (const m of ${JSON.stringify(modules)}) await import(m); console.log(performance.now() - start)`
      const printed = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
        cwd: bench,
      })
      samples[index]?.push(Number(printed.toString()))
    }
  }
  return samples.map((one) => spreadOf(one).median)
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

export async function sizes(quick: boolean): Promise<string[]> {
  const base = `import { Hono } from 'hono'; const app = new Hono(); export default app;`
  const rounds = quick ? 3 : 15
  const apps = await Promise.all(APPS.map(({ imports, use = '' }) => gzipped(`${imports} ${base} ${use}`)))
  const times = coldImports(
    rounds,
    APPS.map(({ modules }) => modules),
  )
  const entries = await Promise.all(ENTRIES.map((entry) => gzipped(`export * from '${entry}'`, BROUGHT)))
  const imports = coldImports(
    rounds,
    ENTRIES.map((entry) => [entry]),
  )
  const longest = (times[APPS.findIndex(({ name }) => name === BESIDE)] ?? NaN) / 2
  return [
    tableOf(
      ['an app in Hono', 'gzip', 'over Hono', 'cold import, ms', 'at most'],
      APPS.map(({ name, most }, index) => {
        const [bytes = NaN, time = NaN] = [apps[index], times[index]]
        const over = bytes - (apps[0] ?? NaN)
        return [
          name,
          kilobytes(bytes),
          most && over > most * 1000 ? `**${kilobytes(over)}**` : kilobytes(over),
          most && time > longest ? `**${digits(time)}**` : digits(time),
          most ? `${most} kB, half of ${BESIDE}'s import` : '–',
        ]
      }),
    ),
    tableOf(
      ['entry, by itself and whole', 'gzip', 'cold import, ms'],
      ENTRIES.map((entry, index) => [`\`${entry}\``, kilobytes(entries[index] ?? NaN), digits(imports[index] ?? NaN)]),
    ),
  ]
}
