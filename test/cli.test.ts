/** `npx latchkey`, run as a program of its own; from the packed tarball in test/package. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSecrets } from '../src/core/keys.ts'

const CLI = join(import.meta.dirname, '../src/cli.ts')

function latchkey(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--no-warnings', CLI, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

describe('latchkey secret', () => {
  it('prints a new secret and nothing else, so that it can be piped', async () => {
    const [one, two] = await Promise.all([latchkey('secret'), latchkey('secret')])
    for (const { code, stdout, stderr } of [one, two]) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^[\w-]{43}\n$/)
      expect(parseSecrets(stdout.trim())).toHaveLength(1)
    }
    expect(one.stdout).not.toBe(two.stdout)
  })

  it.each([[['--name', 'SESSION_SECRET']], [['--name=SESSION_SECRET']]])(
    '%s prints a line of an env file',
    async (args) => {
      const { code, stdout, stderr } = await latchkey('secret', ...args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^SESSION_SECRET=[\w-]{43}\n$/)
    },
  )

  it.each([[['--help']], [['-h']], [['secret', '--help']]])('%s explains itself on stdout', async (args) => {
    const { code, stdout, stderr } = await latchkey(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: latchkey secret \[--name NAME\]\n/)
  })

  it.each([
    [[], 'There is no command.'],
    [['secrets'], '"secrets" is no command.'],
    [['--name', 'X'], '"--name" is no command.'],
    [['secret', '--nmae', 'X'], '"--nmae" is no option of "secret".'],
    [['secret', 'SESSION_SECRET'], '"SESSION_SECRET" is no option of "secret".'],
    [['secret', '--name'], '--name wants the name of a variable'],
    [['secret', '--name='], '--name wants the name of a variable'],
    [['secret', '--name', 'A B'], '--name wants the name of a variable'],
    [['secret', '--name', '1ST'], '--name wants the name of a variable'],
    [['secret', '--name', 'A', 'B'], '"B" is one argument too many.'],
    [['secret', '--name=A', '--name=B'], '"--name=B" is one argument too many.'],
  ])(
    '%s is refused with what is wrong and how it is used: on stderr, with code 2, and no secret',
    async (args, problem) => {
      const { code, stdout, stderr } = await latchkey(...args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(problem)
      expect(stderr).toContain('Usage: latchkey secret')
      expect(stderr).not.toMatch(/[\w-]{43}/)
    },
  )
})
