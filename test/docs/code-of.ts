/** Runs what a document says: its code blocks, taken out of it and executed as a reader would. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { codeBlocks } from './markdown.ts'

const repository = join(import.meta.dirname, '../..')

/** The TypeScript blocks of a document, in order; a block that continues another is joined to it. */
export function codeOf(path: string): string[] {
  const blocks: string[] = []
  for (const { info, code } of codeBlocks({ path, text: readFileSync(join(repository, path), 'utf8') })) {
    if (!/^ts\b/.test(info)) continue
    const text = `${code.join('\n')}\n`
    if (/\bcontinue\b/.test(info)) blocks.push(blocks.pop() + text)
    else blocks.push(text)
  }
  return blocks
}

/** A directory that goes with the test, holding these files; packages are found in it as in the repository. */
export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Runs Node in a folder, where `latchkey/...` means the files in src. What it printed, and how it ended. */
export function runNode(folder: string, ...args: string[]): Promise<{ code: unknown; output: string }> {
  const fromSource = pathToFileURL(join(repository, 'test/examples/from-source.ts')).href
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--no-warnings', '--import', fromSource, ...args],
      { cwd: folder, timeout: 100_000, env: { ...process.env, NODE_OPTIONS: '' } },
      (error, stdout, stderr) => resolve({ code: error ? (error.code ?? error.signal) : 0, output: stdout + stderr }),
    )
  })
}
