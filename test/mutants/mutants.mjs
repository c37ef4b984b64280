/**
 * Mutation testing without a process per mutant: Stryker's instrumenter writes every mutant of some files of src/core into one
 * bundle, the tests named run in this process against each, and the first that fails kills it. Texts are left out: most are
 * messages. What runs once at load (tables) cannot be switched and is counted as `static`.
 *   npm run mutants -- policy,merge test/core/policy,test/core/policy-rotation,test/core/merge
 */
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { createInjector } from 'typed-inject'
import { commonTokens } from '@stryker-mutator/api/plugin'
import { build } from 'esbuild'
import fs from 'node:fs'
import path from 'node:path'
const root = path.resolve(import.meta.dirname, '../..')
const [sources, tests] = [process.argv[2].split(','), process.argv[3].split(',')]
const log = new Proxy({}, { get: () => () => false })
const ins = createInjector().provideValue(commonTokens.logger, log).injectFunction(createInstrumenter)
const files = sources.map((s) => ({
  name: `${root}/src/core/${s}.ts`,
  content: fs.readFileSync(`${root}/src/core/${s}.ts`, 'utf8'),
  mutate: true,
}))
const out = await ins.instrument(files, {
  plugins: null,
  excludedMutations: ['StringLiteral'],
  ignorers: [],
  mutator: {},
})
const content = new Map(out.files.map((f) => [f.name, f.content]))
const manifest = JSON.parse(fs.readFileSync(root + '/package.json'))
const alias = {}
for (const [k, v] of Object.entries(manifest.exports))
  if (typeof v === 'object')
    alias['latchkey' + k.slice(1)] = root + '/src/' + v.default.slice(7).replace(/\.js$/, '.ts')
const r = await build({
  stdin: {
    contents: tests.map((t) => `globalThis.__file='${t}';await import('${root}/${t}.test.ts')`).join('\n'),
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  packages: 'external',
  plugins: [
    {
      name: 'm',
      setup(b) {
        b.onResolve({ filter: /^vitest$/ }, () => ({ path: root + '/test/mutants/vitest.mjs' }))
        b.onResolve({ filter: /^latchkey/ }, (a) => (alias[a.path] ? { path: alias[a.path] } : undefined))
        b.onLoad({ filter: /src\/core\/.*\.ts$/ }, (a) =>
          content.has(a.path) ? { contents: content.get(a.path), loader: 'ts' } : undefined,
        )
      },
    },
  ],
})
const bundle = `${root}/data/mutants-${process.pid}.mjs`
fs.mkdirSync(root + '/data', { recursive: true })
fs.writeFileSync(bundle, r.outputFiles[0].text)
const ns = (globalThis.__stryker__ ??= {})
ns.mutantCoverage = { static: {}, perTest: {} }
await import(bundle)
fs.unlinkSync(bundle)
process.on('unhandledRejection', () => {})
process.on('uncaughtException', () => {})
const all = globalThis.__tests
const run = async (t) => {
  try {
    for (const h of t.before) await h()
    let timer
    await Promise.race([
      Promise.resolve(t.fn()),
      new Promise((_, no) => {
        timer = setTimeout(() => no(new Error('timeout')), 1500)
      }),
    ]).finally(() => clearTimeout(timer))
    return true
  } catch (e) {
    t.error = e
    return false
  } finally {
    for (const h of t.after) {
      try {
        await h()
      } catch {}
    }
  }
}
ns.activeMutant = undefined
const good = []
for (const [i, t] of all.entries()) {
  ns.currentTestId = String(i)
  const s = performance.now()
  if (await run(t)) good.push(t)
  else console.log('DRY FAIL', t.name, String(t.error).slice(0, 200))
  t.ms = performance.now() - s
  t.cov = ns.mutantCoverage.perTest[String(i)] ?? {}
}
ns.currentTestId = undefined
const st = ns.mutantCoverage.static
good.sort((a, b) => a.ms - b.ms)
const stat = {}
const survivors = []
for (const m of out.mutants) {
  if (m.ignoreReason || m.mutatorName === 'StringLiteral') continue
  const f = path.basename(m.fileName)
  const s = (stat[f] ??= { killed: 0, survived: 0, static: 0, nocov: 0 })
  const covering = good.filter((t) => t.cov[m.id])
  if (!covering.length) {
    if (st[m.id]) {
      s.static++
    } else {
      s.nocov++
      survivors.push(['nocov', m])
    }
    continue
  }
  ns.activeMutant = m.id
  let killed
  for (const t of covering) {
    ns.hitCount = 0
    ns.hitLimit = 3e5 + 100 * t.cov[m.id]
    if (!(await run(t))) {
      killed = t
      break
    }
  }
  ns.activeMutant = undefined
  if (killed) s.killed++
  else {
    s.survived++
    survivors.push(['SURVIVED', m])
  }
}
for (const [kind, m] of survivors) {
  const src = files.find((f) => f.name === m.fileName).content
  const lines = src.split('\n'),
    { start, end } = m.original?.loc ?? m.location
  const orig =
    start.line === end.line
      ? lines[start.line].slice(start.column, end.column)
      : lines[start.line].slice(start.column) + ' …'
  console.log(
    kind,
    path.basename(m.fileName) + ':' + (start.line + 1),
    m.mutatorName,
    '|',
    orig.slice(0, 110),
    '=>',
    String(m.replacement).replaceAll('\n', ' ').slice(0, 110),
  )
}
console.log(JSON.stringify(stat))
process.exit(0)
