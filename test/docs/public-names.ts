/** Every name a document may put in backticks as a call: what the package exports, and the members of that. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Context, Hono } from 'hono'

const root = join(import.meta.dirname, '../..')

export interface PublicNames {
  exports: ReadonlySet<string>
  /** Methods and fields of exported classes, interfaces and options. */
  members: ReadonlySet<string>
  /** Functions of any file in src, for the document that explains them. */
  internals: ReadonlySet<string>
}

export async function publicNames(): Promise<PublicNames> {
  const exports = new Set<string>()
  const members = new Set<string>()
  for (const file of entryFiles()) {
    const entry = (await import(pathToFileURL(file).href)) as Record<string, unknown>
    for (const [name, value] of Object.entries(entry)) {
      exports.add(name)
      if (typeof value !== 'function') continue
      for (let at: unknown = value.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
        for (const member of Object.getOwnPropertyNames(at)) members.add(member)
      }
    }
  }
  const internals = new Set<string>()
  const index = readFileSync(join(root, 'src/core/index.ts'), 'utf8')
  for (const path of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue
    const text = readFileSync(join(root, 'src', path), 'utf8')
    for (const [, name = ''] of text.matchAll(/^(?:export )?(?:async )?(?:function|class|const) (\w+)/gm))
      internals.add(name)
    for (const [, name = '', body = ''] of text.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms)) {
      if (path.startsWith('core') && !new RegExp(`\\b${name}\\b`).test(index)) continue
      for (const [, member = ''] of body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)) members.add(member)
    }
  }
  return { exports, members, internals }
}

/** Whether the platform or Hono has this: `crypto.getRandomValues`, `Response.error`, `app.use`, `c.redirect`. */
export function isForeign(path: string): boolean {
  const parts = path.split('.')
  let value: unknown = globalThis
  for (const part of parts) value = (value as Record<string, unknown> | undefined)?.[part]
  if (typeof value === 'function') return true
  const last = parts.at(-1) as string
  if (parts[0] === 'app') return last in new Hono()
  if (parts[0] === 'c') return last in Context.prototype || last in new Context(new Request('http://localhost'))
  return false
}

/** The source of each entry in the `exports` of package.json. */
function entryFiles(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }
  return Object.values(manifest.exports)
    .map((target) => (target as { default?: string }).default?.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))
    .filter((file): file is string => file !== undefined)
    .map((file) => join(root, file))
    .filter((file) => existsSync(file))
}
