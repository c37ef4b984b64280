/** docs/options.md: the one place where all options and events are listed is complete, and its defaults are the defaults. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionConfigError, SessionManager } from 'latchkey'
import { describe, expect, test } from 'vitest'
import { resolveOptions } from '../../src/core/settings.ts'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/options.md'), 'utf8')

/** The rows of the table with this head, each its cells without backticks around them. */
function table(head: string): string[][] {
  const rows = text
    .slice(text.indexOf(`| ${head} |`))
    .split('\n')
    .slice(2)
  return rows
    .slice(
      0,
      rows.findIndex((row) => !row.startsWith('|')),
    )
    .map((row) => row.slice(2, -2).split(' | '))
    .map(([name = '', ...cells]) => [name.replaceAll('`', ''), ...cells])
}

/** The names that a message lists when it is given one that does not exist. */
function known(options: object): string[] {
  try {
    void new SessionManager(options)
  } catch (error) {
    const list = error instanceof SessionConfigError ? /; there are ([\w, ]+)\./.exec(error.message)?.[1] : undefined
    if (list) return list.split(', ')
    throw error
  }
  throw new Error('accepted')
}

const names = (rows: string[][]): string[] => rows.map(([name = '']) => name)
const nonsense = 'nonsense' as string
const options = table('option | default | what it says')
const cookie = (() => {
  const section = text.slice(text.indexOf('## Options of the cookie'))
  return [...section.slice(0, section.indexOf('## Events')).matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(
    ([, name = '', value = '']) => [name, value],
  )
})()

describe('the options', () => {
  test('are all of them, in the order of the messages that list them', () => {
    expect(names(options)).toEqual(known({ [nonsense]: 1 }))
    expect(names(cookie)).toEqual(known({ cookie: { [nonsense]: 1 } }))
  })

  /** What a default says in code; `undefined` where it says it in words. */
  const literal = (cell = ''): unknown => {
    const [, value] = /^`('\w+'|'\/'|true|false|\d+)`$/.exec(cell) ?? []
    return value === undefined ? undefined : JSON.parse(value.replaceAll("'", '"'))
  }
  // `migrate`, because `onInvalid` has no say where nothing judges data.
  const plain = (given: object): string => JSON.stringify(resolveOptions({ migrate: (raw: object) => raw, ...given }))

  test('have the defaults it names: giving one changes nothing', () => {
    let count = 0
    for (const [name = '', cell] of options) {
      const value = literal(cell)
      if (value === undefined) continue
      expect(plain({ [name]: value }), name).toBe(plain({}))
      count++
    }
    for (const [name = '', cell] of cookie) {
      const value = literal(cell)
      if (value === undefined) continue
      expect(plain({ cookie: { [name]: value } }), name).toBe(plain({}))
      count++
    }
    expect(count).toBe(17)
  })

  test('are each more than a name: a value other than the default changes something, or is refused', () => {
    const others = { ttl: '2d', absolute: '31d', storeTimeout: '6s', grace: '31s', transport: 'bearer' }
    for (const [name, value] of Object.entries(others)) expect(plain({ [name]: value }), name).not.toBe(plain({}))
  })
})

describe('the events', () => {
  test('are all of them, in the order of the message that lists them', () => {
    expect(names(table('event | when'))).toEqual(known({ on: { [nonsense]: () => {} } }))
  })

  test('and so are the reasons of `rejected`', () => {
    const source = readFileSync(join(root, 'src/core/events.ts'), 'utf8')
    const [, union = ''] = /export type RejectReason = (.*)/.exec(source) ?? []
    const reasons = [...union.matchAll(/'(\w+)'/g)].map(([, reason]) => reason)
    expect(names(table('reason of `rejected` | the token')).toSorted()).toEqual(reasons.toSorted())
  })
})
