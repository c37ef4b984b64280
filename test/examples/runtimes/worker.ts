/** A Worker of the examples, bundled as wrangler does it, and running in workerd with its bindings. */
import { join } from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { onTestFinished } from 'vitest'
import { root } from './process.ts'

export interface WorkerOptions {
  bindings?: Record<string, string>
  /** Default none: no `nodejs_compat`. */
  flags?: string[]
  /** The compatibility date. */
  date?: string
}

export async function startWorker(
  entry: string,
  { bindings = {}, flags = [], date = '2026-10-01' }: WorkerOptions = {},
): Promise<{ origin: string; worker: Miniflare; log: () => string }> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'examples', entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    // With nothing of Node left outside: an import of `node:…` would be an error here.
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    logLevel: 'silent',
  })
  let log = ''
  const handleStructuredLogs = ({ message }: { message: string }): void => void (log += message)
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: outputFiles[0]?.text ?? '',
      compatibilityDate: date,
      compatibilityFlags: flags,
      kvNamespaces: ['SESSIONS'],
      d1Databases: ['DB'],
      bindings,
      handleStructuredLogs,
    }),
  )
  onTestFinished(() => worker.dispose())
  return { origin: (await worker.ready).origin, worker, log: () => log }
}
