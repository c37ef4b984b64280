/** Cases of content: what was written comes back, whole and unshared (S13, S14, S16). */
import { SessionTooLargeError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { check, same } from './assert.ts'
import { aFullRecord, aRecord, everything, expecting, find, manage, plant, clientWith } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { loginAs } from './login.ts'

const TEXTS = {
  nul: 'a\0b',
  emoji: '\u{1f511} \u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  loneHigh: 'a\ud800b',
  loneLow: 'a\udc00b',
  lines: 'a\u2028b\u2029c\r\nd\re',
  quotes: `'"\`\\ \\u0000 %s \${x} {{x}} <!-- --> -- ;`,
  forms: '\u00e9 e\u0301 \ufeff \ufffd',
  space: ' \t a \u00a0 ',
  empty: '',
}

const FAR = Date.UTC(2100, 1, 28, 23, 59, 59, 999)

/** Changes everything that could be shared. */
function spoil(record: SessionRecord | undefined): void {
  if (!record) return
  Object.assign(record, { data: '"spoilt"', subject: 'spoilt', version: 99 })
  Object.assign(record.info ?? {}, { device: 'spoilt' })
  Object.assign(record.previous ?? {}, { verifier: 'spoilt' })
}

export const dataCases: CaseDefinition[] = [
  {
    name: 'S13 data with NUL, emoji, lone surrogates and U+2028 comes back the same',
    needs: [],
    async run(bench) {
      const sessions = manage(bench)
      const data = { ...TEXTS, [TEXTS.nul]: 1, [TEXTS.loneHigh]: 2, [TEXTS.emoji]: [TEXTS.loneLow, null, 1e21, -0.5] }
      const visitor = clientWith(await loginAs(sessions, 'u_1', { data }))
      same((await sessions.load(visitor.request())).data, data, 'the data')
    },
  },
  {
    name: 'S13 a megabyte of data comes back the same, or is a SessionTooLargeError',
    needs: [],
    async run(bench) {
      const sessions = manage(bench)
      const data = { big: 'x\u00e9\u{1f511}\n'.repeat(131_072) }
      let visitor
      try {
        visitor = clientWith(await loginAs(sessions, 'u_1', { data }))
      } catch (error) {
        check(error instanceof SessionTooLargeError, 'What does not fit must be a SessionTooLargeError.')
        check(error.limit < error.bytes, 'A SessionTooLargeError must tell the size and the limit.')
        return
      }
      check((await sessions.load(visitor.request())).data['big'] === data.big, 'A megabyte came back changed.')
    },
  },
  {
    name: 'S13 every field of a record comes back as it was, and absent ones stay absent',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const text = `{"a":"${TEXTS.emoji}\u2028 \\u0000"}`
      const info = { ...TEXTS, ['a\0\ud800']: '1' }
      const full = await plant(store, aFullRecord(bench, { data: text, flash: text, info, subject: TEXTS.quotes }))
      same(await find(store, full.id), full, 'a record with every field')
      const bare = await plant(store, aRecord(bench, { endsAt: null }))
      same(await find(store, bare.id), bare, 'a record with no optional field')

      const filled: SessionRecord = { ...full, id: bare.id, version: 2, absolute: null, persistent: true, endsAt: null }
      filled.previous = { verifier: full.verifier }
      same(await store.update(filled, expecting(bare), { exactExpiry: true }), 'ok', 'update that adds every field')
      same(await find(store, bare.id), filled, 'a record that an update gave every field')
      const emptied: SessionRecord = { ...bare, id: full.id, version: 2 }
      same(await store.update(emptied, expecting(full), { exactExpiry: true }), 'ok', 'update that removes fields')
      same(await find(store, full.id), emptied, 'a record that an update took every optional field from')
    },
  },
  {
    name: 'S14 changing what a store returned, or what it was given, does not change the store',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = aFullRecord(bench)
      const given = structuredClone(record)
      await store.create(given)
      spoil(given)
      same(await find(store, record.id), record, 'the record after changing what `create` was given')
      spoil(await find(store, record.id))
      same(await find(store, record.id), record, 'the record after changing what `get` returned')
      for (const found of (await store.findBySubject?.('u_42')) ?? []) spoil(found)
      for (const found of await everything(store)) spoil(found)
      same(await find(store, record.id), record, 'the record after changing what a list returned')
      const next = { ...structuredClone(record), version: 2 }
      same(await store.update(next, expecting(record)), 'ok', 'update')
      spoil(next)
      same(await find(store, record.id), { ...record, version: 2 }, 'the record after changing what `update` was given')
    },
  },
  {
    name: 'S16 times come back to the millisecond, whatever the time zone',
    needs: ['row'],
    async run(bench) {
      const { store, options } = bench
      // 2026-03-29 01:30 UTC is skipped or doubled by summer time in one zone or another; the others are edges of formats.
      const times = [0, 1, 999, Date.UTC(2026, 2, 29, 1, 30, 0, 1), 2 ** 31 * 1000 + 7, 2 ** 32 * 1000 + 3, FAR]
      const records = times.map((time) =>
        aFullRecord(bench, {
          createdAt: time,
          authenticatedAt: time + 1,
          rotatedAt: time + 2,
          lastSeenAt: time + 3,
          expiresAt: FAR + time,
          endsAt: FAR + time + 1,
          previous: { verifier: 'v', until: time + 5 },
        }),
      )
      const written = async (): Promise<void> => {
        for (const record of records) await plant(store, record)
      }
      const read = async (): Promise<void> => {
        for (const record of records) same(await find(store, record.id), record, 'a record with its times')
      }
      const { inTimeZone } = options
      if (inTimeZone) await inTimeZone('America/St_Johns', written)
      else await written()
      await read()
      if (inTimeZone) for (const zone of ['Pacific/Kiritimati', 'Europe/Berlin', 'UTC']) await inTimeZone(zone, read)
    },
  },
]
