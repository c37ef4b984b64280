#!/usr/bin/env node
/**
 * `npx latchkey`: makes secrets, and nothing else. The secret alone goes to stdout, so that it can be piped into a file or
 * `wrangler secret put`; whatever is wrong goes to stderr, with exit code 2.
 */
import { generateSecret } from './core/secret.ts'

/** What is used of Node's `process`; the library is built without its types. */
interface Process {
  argv: readonly string[]
  exitCode?: number
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown }
}

const USAGE = `Usage: latchkey secret [--name NAME]

  secret        prints a new secret: 256 random bits, as 43 characters of base64url
  --name NAME   prints NAME=<secret>, as a line of an env file
  --help        prints this

  npx latchkey secret --name SESSION_SECRET >> .env
  npx latchkey secret | npx wrangler secret put SESSION_SECRET
`

/** What to print, or what was wrong with the arguments. */
function run(args: readonly string[]): { print: string } | { problem: string } {
  if (args.includes('--help') || args.includes('-h')) return { print: USAGE }
  const [command, option, ...rest] = args
  if (command === undefined) return { problem: 'There is no command.' }
  if (command !== 'secret') return { problem: `"${command}" is no command.` }
  if (option === undefined) return { print: `${generateSecret()}\n` }
  const [flag, inline] = split(option)
  if (flag !== '--name') return { problem: `"${flag}" is no option of "secret".` }
  const [name, ...more] = inline === undefined ? rest : [inline, ...rest]
  if (more.length > 0) return { problem: `"${more[0]}" is one argument too many.` }
  if (name === undefined || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return { problem: '--name wants the name of a variable: letters, digits and _, beginning with no digit.' }
  return { print: `${name}=${generateSecret()}\n` }
}

/** `--name=X` as `--name` and `X`. */
function split(option: string): [string, string | undefined] {
  const at = option.indexOf('=')
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)]
}

const { process } = globalThis as unknown as { process: Process }
const outcome = run(process.argv.slice(2))
if ('print' in outcome) process.stdout.write(outcome.print)
else {
  process.stderr.write(`${outcome.problem}\n\n${USAGE}`)
  process.exitCode = 2
}
