/** Stores that do not give back what they were given. */
import type { SessionRecord, StoreModel } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { without, writing, type Broken } from './broken.ts'

/** Changes every text in a record's data and info, as a column of a narrower encoding would. */
function recoding(recode: (text: string) => string): () => StoreModel {
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return recode(value)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(deep)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [recode(key), deep(inner)]))
  }
  return writing((record) => ({
    ...record,
    data: JSON.stringify(deep(JSON.parse(record.data))),
    ...(record.info && { info: deep(record.info) as Record<string, string> }),
  }))
}

function times(change: (time: number) => number): () => StoreModel {
  return writing((record) => ({
    ...record,
    createdAt: change(record.createdAt),
    rotatedAt: change(record.rotatedAt),
    lastSeenAt: change(record.lastSeenAt),
    expiresAt: change(record.expiresAt),
    endsAt: record.endsAt === null ? null : change(record.endsAt),
  }))
}

/** Hands its own objects out. */
function sharing(): StoreModel {
  const records = new Map<string, SessionRecord>()
  return {
    get: (id) => records.get(id),
    set: (id, record) => void records.set(id, { ...record }),
    destroy: (id) => records.delete(id),
  }
}

/** Keeps the objects it is given. */
function keeping(): StoreModel {
  const records = new Map<string, SessionRecord>()
  return {
    get: (id) => (records.has(id) ? structuredClone(records.get(id)) : undefined),
    set: (id, record) => void records.set(id, record),
    destroy: (id) => records.delete(id),
  }
}

const CHARACTERS = 'S13 data with NUL'
const MEGABYTE = 'S13 a megabyte'
const FIELDS = 'S13 every field'

export const brokenContent: Broken[] = [
  { it: 'loses NUL', make: recoding((text) => text.replaceAll('\0', '')), fails: [CHARACTERS, FIELDS] },
  { it: 'replaces lone surrogates', make: recoding((text) => text.toWellFormed()), fails: [CHARACTERS, FIELDS] },
  { it: 'normalises texts', make: recoding((text) => text.normalize('NFC')), fails: [CHARACTERS] },
  { it: 'trims texts', make: recoding((text) => text.trim()), fails: [CHARACTERS] },
  {
    it: 'keeps three bytes of UTF-8',
    make: recoding((text) => text.replaceAll(/\p{Extended_Pictographic}/gu, '?')),
    fails: [CHARACTERS],
  },
  {
    it: 'cuts data at 64 kB',
    make: writing((record) => ({ ...record, data: record.data.slice(0, 65_535) })),
    fails: [MEGABYTE],
  },
  {
    it: 'forgets the subject',
    make: writing((record) => without(record, 'subject')),
    fails: [FIELDS, 'S23 findBySubject', 'I03'],
  },
  { it: 'drops what replaced tokens leave', make: writing((record) => without(record, 'previous')), fails: [FIELDS] },
  {
    it: 'drops own lifetimes',
    make: writing((record) => without(record, 'ttl', 'absolute', 'persistent')),
    fails: [FIELDS],
  },
  { it: 'drops flash messages', make: writing((record) => without(record, 'flash')), fails: [FIELDS] },
  {
    it: 'has 0 for no hard end',
    make: writing((record) => ({ ...record, endsAt: record.endsAt ?? 0 })),
    fails: [FIELDS, 'S18 touch never'],
  },
  {
    it: 'has null for absent fields',
    make: writing((record) => ({ ...record, subject: record.subject ?? (null as unknown as string) })),
    fails: [FIELDS],
  },
  {
    it: 'leaves fields that an update removed',
    make: () =>
      new (class extends MemoryStore {
        override set(id: string, record: SessionRecord): void {
          super.set(id, { ...this.get(id), ...record })
        }
      })(),
    fails: ['S01 `set`', FIELDS, 'S23 findBySubject'],
  },
  {
    it: 'loses the subject with the old token',
    make: () =>
      new (class extends MemoryStore {
        override set(id: string, record: SessionRecord): void {
          const current = this.get(id)
          super.set(id, current && current.verifier !== record.verifier ? without(record, 'subject') : record)
        }
      })(),
    fails: ['S23 findBySubject', 'I04'],
  },
  { it: 'hands its own objects out', make: sharing, fails: ['S14 changing'] },
  { it: 'keeps the objects it is given', make: keeping, fails: ['S14 changing'] },
  { it: 'keeps times in seconds', make: times((time) => Math.floor(time / 1000) * 1000), fails: ['S03', 'S16'] },
  {
    it: 'keeps times in 32 bits of seconds',
    make: times((time) => ((time / 1000) | 0) * 1000 + (time % 1000)),
    fails: ['S16'],
  },
]
