import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { SessionConfigError } from 'latchkey'
import { LibsqlStore, type LibsqlStoreOptions } from 'latchkey/stores/libsql'
import { describe, expect, it } from 'vitest'
import { temporaryFile } from './sqlite-databases.ts'

describe('the options of LibsqlStore', () => {
  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /options are undefined.*`url`/],
    ['no url', {}, /`url` is undefined.*'file:sessions\.db'/],
    ['a bare path', { url: 'sessions.db' }, /`url` is a string of another form.*'file:sessions\.db'/],
    ['a file without a name', { url: 'file:' }, /`url` is/],
    ['another scheme', { url: 'postgres://x' }, /`url` is/],
    ['a server without a name', { url: 'http://' }, /`url` is/],
    ['a parameter the client does not know', { url: 'libsql://db.example?x=canary-url' }, /`url` is/],
    ['an empty token', { url: ':memory:', authToken: '' }, /`authToken` is empty/],
    ['a token that is none', { url: ':memory:', authToken: 7 }, /`authToken` is a number/],
    ['a negative timeout', { url: ':memory:', timeout: -1 }, /`timeout` is a number.*must be 0, or milliseconds/],
    ['a timeout without a unit', { url: ':memory:', timeout: '5' }, /`timeout` is/],
    ['a table that is a name', { url: ':memory:', table: 'sessions' }, /`table` is a string.*sessionsTableNamed/],
    ['an option that is none', { url: ':memory:', tablename: 'x' }, /`tablename` is no option/],
    ['several at once', { url: 7, timeout: 'soon' }, /2 options are wrong[^]*`url`[^]*`timeout`/],
  ])('refuses %s', (_what, options, message) => {
    const make = (): unknown => new LibsqlStore(options as LibsqlStoreOptions)
    expect(make).toThrow(SessionConfigError)
    expect(make).toThrow(message)
    expect(make).not.toThrow('canary')
  })

  it('says what is the matter when the directory of the file is missing, or the file is a directory', () => {
    const directory = dirname(temporaryFile())
    mkdirSync(join(directory, 'folder'))
    for (const name of ['none/sessions.db', 'folder']) {
      const make = (): unknown => new LibsqlStore({ url: `file:${join(directory, name)}` })
      expect(make).toThrow(SessionConfigError)
      expect(make).toThrow(/`url`.*directory must exist/s)
    }
  })

  it('a file that is no database fails at first use, and is left as it is', async () => {
    const file = temporaryFile()
    writeFileSync(file, 'not a database, but long enough to be taken for the header of one'.repeat(20))
    await expect(new LibsqlStore({ url: `file:${file}` }).get('id')).rejects.toThrow('SQLITE_NOTADB')
  })

  it('P13 inspecting or serialising the store shows nothing of them', async () => {
    const store = new LibsqlStore({ url: 'libsql://canary.example', authToken: 'canary' })
    const shown = [inspect(store, { depth: 20, showHidden: true }), JSON.stringify(store), String(store)]
    expect(shown.join('\n')).not.toContain('canary')
    store.close()
  })
})
