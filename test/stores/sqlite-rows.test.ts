import { createClient } from '@libsql/client'
import { drizzle } from 'drizzle-orm/libsql'
import type { SessionRecord } from 'latchkey'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DRIVERS, recordOf, temporaryFile } from './sqlite-databases.ts'

const FULL: SessionRecord = {
  ...recordOf({ endsAt: null }),
  data: '{"cart":[1]}',
  flash: '{}',
  version: 12,
  authenticatedAt: 1_700_000_000_123,
  expiresAt: 8_640_000_000_000_000,
  ttl: 60_000,
  absolute: null,
  persistent: false,
  subject: 'u_42',
  info: { device: 'Firefox', ['__proto__']: 'x' },
  previous: { verifier: 'before', until: 1_700_000_000_999 },
}

/** Nothing optional, then each optional field alone, then each value that could be mistaken for another. */
const RECORDS: [string, Partial<SessionRecord>][] = [
  ['every field', FULL],
  ['no optional field', {}],
  ['a hard end', { endsAt: 5 }],
  ['no hard end', { endsAt: null }],
  ['times of 0', { createdAt: 0, authenticatedAt: 0, lastSeenAt: 0, endsAt: 0 }],
  ['a time before 1970 and one with a fraction', { createdAt: -5, lastSeenAt: 1_000.5 }],
  ['an own ttl alone', { ttl: 1 }],
  ['an own overall lifetime', { absolute: 7 }],
  ['no overall lifetime of its own', { absolute: null }],
  ['persistent: false', { persistent: false }],
  ['persistent: true', { persistent: true }],
  ['an empty flash and an empty subject', { flash: '', subject: '' }],
  ['empty info', { info: {} }],
  ['a previous token without an end', { previous: { verifier: 'before' } }],
  [
    'keys of previous that this version does not know',
    { previous: { verifier: 'v', handover: 'h', csrf: 'c' } as never },
  ],
]

/** S13 */
const TEXTS = {
  'the empty text': '',
  NUL: 'before\0after',
  'NUL alone': '\0',
  'a lone high surrogate': 'a\ud800b',
  'a lone low surrogate': '\udfff',
  'emoji and U+2028': '👩‍👩‍👧 \u2028 é e\u0301',
  'what the store itself escapes with': '\u0001"x"',
  'that and NUL': '\u0001\0\u0001',
  'a JSON text': '"\\u0000"',
  quotes: `' " \` ; -- %`,
  'a megabyte': 'é'.repeat(500_000),
}

describe.each(DRIVERS)('rows of SqliteStore on $driver', ({ open }) => {
  async function opened() {
    const database = open()
    const store = new SqliteStore(database.db)
    await store.migrate()
    return { ...database, store }
  }

  it('every field comes back exactly, absent ones absent, from each of the three ways to write and to read', async () => {
    const { store } = await opened()
    for (const [what, fields] of RECORDS) {
      const record = recordOf({ ...fields, id: 'r', subject: 's', version: 2 })
      const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ ...record, id })) as [
        SessionRecord,
        SessionRecord,
        SessionRecord,
      ]
      await store.create(a)
      await store.set('b', b)
      await store.create(recordOf({ id: 'c', expiresAt: 0 }))
      await store.update(c, { version: 1, verifier: 'verifier' }, { exactExpiry: true })
      const found = await store.findBySubject('s')
      const listed: SessionRecord[] = []
      for await (const one of store.all()) listed.push(one)
      expect([await store.get('a'), await store.get('b'), await store.get('c')], what).toStrictEqual([a, b, c])
      expect(
        found.toSorted((x, y) => (x.id < y.id ? -1 : 1)),
        what,
      ).toStrictEqual([a, b, c])
      expect(listed, what).toStrictEqual([a, b, c])
      await store.clear()
    }
    for (const [what, fields] of RECORDS) {
      await store.create(recordOf(fields))
      expect(await store.get('id'), what).toStrictEqual(recordOf(fields))
      await store.clear()
    }
  })

  it.each(Object.entries(TEXTS))('S13 %s comes back the same, in every text field', async (_what, text) => {
    const { store } = await opened()
    const record = recordOf({ id: text, verifier: text, data: text, flash: text, subject: text })
    const written = { ...record, info: { [text]: text }, previous: { verifier: text } }
    expect(await store.create(written)).toBe(true)
    expect(await store.get(text)).toStrictEqual(written)
    expect(await store.update({ ...written, version: 2 }, { version: 1, verifier: text })).toBe('ok')
    expect(await store.touch(text, 11_000, 2_000, { version: 2, verifier: text })).toBe(true)
    expect(await store.findBySubject(text)).toHaveLength(1)
    expect(await store.removeBySubject(text, text)).toEqual([])
    expect(await store.removeBySubject(text)).toEqual([text])
  })

  it('S12 ids and subjects that a driver would confuse stay apart', async () => {
    const { store } = await opened()
    const alike = ['a', 'a\0', 'a\0b', 'a\ud800', 'a\udc00', 'a\ufffd', '\u0001"a\\u0000"']
    for (const id of alike) expect(await store.create(recordOf({ id, subject: id }))).toBe(true)
    for (const id of alike) {
      expect((await store.get(id))?.id).toBe(id)
      expect((await store.findBySubject(id)).map((record) => record.id)).toEqual([id])
    }
  })

  it.each([
    ['info that is no JSON', `info = '{'`],
    ['info that is no object', `info = '[1]'`],
    ['previous cut short', `previous = '{"verifier":'`],
    ['a lifetime that is null', `lifetime = 'null'`],
    ['an expiry that is text', `expires_at = 'soon'`],
    ['a version that is text', `version = ''`],
    ['a hard end that is text', `ends_at = 'never'`],
    ['data that is a blob', `data = x'00ff'`],
    ['an escape that is broken', `subject = char(1) || '{'`],
  ])('a row with %s is missing, never an error, and hides no other row', async (_what, change) => {
    const { store, elsewhere } = await opened()
    await store.create(recordOf({ id: 'bad', subject: 'u' }))
    await store.create(recordOf({ id: 'good', subject: 'u' }))
    await elsewhere(`update sessions set ${change} where id = 'bad'`)
    expect(await store.get('bad')).toBeUndefined()
    expect((await store.findBySubject('u')).map(({ id }) => id)).toEqual(['good'])
    const listed: string[] = []
    for await (const { id } of store.all()) listed.push(id)
    expect(listed).toEqual(['good'])
    expect(await store.destroy('bad')).toBe(true)
  })

  it.each([
    ['an escape that is broken', `char(1) || '{'`],
    ['a blob', `x'00ff'`],
  ])('removeBySubject tells of the others whom it removed where an id is %s', async (_what, id) => {
    const { store, elsewhere } = await opened()
    for (const one of ['a', 'bad', 'b']) await store.create(recordOf({ id: one, subject: 'u' }))
    await elsewhere(`update sessions set id = ${id} where id = 'bad'`)
    expect((await store.removeBySubject('u')).toSorted()).toEqual(['a', 'b'])
    expect(await store.length()).toBe(0)
  })
})

it.each(['number', 'bigint', 'string'] as const)(
  'a client that reads integers as %s gives every row',
  async (intMode) => {
    const client = createClient({ url: `file:${temporaryFile()}`, intMode })
    onTestFinished(() => client.close())
    const store = new SqliteStore(drizzle({ client }))
    await store.migrate()
    const record = { ...FULL, expiresAt: 9_000, createdAt: -5, endsAt: 9_500 }
    await store.create(record)
    expect(await store.get('id')).toStrictEqual(record)
    expect(await store.findBySubject('u_42')).toStrictEqual([record])
    expect(await store.all().next()).toStrictEqual({ value: record, done: false })
    expect([await store.length(), await store.countExpired(9_000)]).toEqual([1, 1])
  },
)
