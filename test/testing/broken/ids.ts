/** Stores that are wrong about which record is meant, and about what others do to the backend meanwhile. */
import type { Expected, SessionRecord, UpdateResult } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { ThreeMethodStore } from '../three-methods.ts'
import { lookingUp, type Broken } from './broken.ts'

/** One connection whose answers go to whoever asked last. */
class MixesAnswers extends ThreeMethodStore {
  #asked = ''
  override async get(id: string): Promise<SessionRecord | undefined> {
    this.#asked = id
    await Promise.resolve()
    return super.get(this.#asked)
  }
}

/** Drops what it is told while the database is locked, and says that all is well. */
class DropsWhenLocked extends MemoryStore {
  locked = false
  override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): UpdateResult {
    return this.locked ? 'ok' : super.update(record, expected, options)
  }
}

const shared = new MemoryStore()

export const brokenIds: Broken[] = [
  {
    it: 'throws for an id that is no string',
    make: () =>
      new (class extends MemoryStore {
        override get(id: string): SessionRecord | undefined {
          return super.get(id.toString())
        }
      })(),
    fails: ['S10'],
  },
  {
    it: 'cuts ids to the length of its own',
    make: lookingUp((id) => id.slice(0, 22)),
    fails: ['S10', 'S11'],
  },
  { it: 'ends ids at NUL', make: lookingUp((id) => id.split('\0', 1)[0] ?? ''), fails: ['S11'] },
  { it: 'cleans paths out of ids', make: lookingUp((id) => id.replace(/^.*[/\\]/, '')), fails: ['S11'] },
  { it: 'decodes ids', make: lookingUp((id) => id.replace('%00', '')), fails: ['S11'] },
  {
    it: 'has room for 64 characters of an id',
    make: () =>
      new (class extends MemoryStore {
        override get(id: string): SessionRecord | undefined {
          return super.get(String(id).slice(0, 64))
        }
        override set(id: string, record: SessionRecord): void {
          super.set(id.slice(0, 64), record)
        }
        override create(record: SessionRecord): boolean {
          if (this.get(record.id)) return false
          this.set(record.id, record)
          return true
        }
      })(),
    fails: ['S12 ids of 128'],
  },
  { it: 'trims ids', make: lookingUp((id) => id.trim()), fails: ['S12'] },
  {
    it: 'compares ids without case',
    make: () => {
      const records = new Map<string, string>()
      return {
        get: (id) => {
          const text = records.get(String(id).toLowerCase())
          return text === undefined ? undefined : (JSON.parse(text) as SessionRecord)
        },
        set: (id, record) => void records.set(id.toLowerCase(), JSON.stringify(record)),
        destroy: (id) => records.delete(String(id).toLowerCase()),
      }
    },
    fails: ['S12'],
  },
  {
    it: "mixes up answers, so that one gets somebody else's record",
    make: () => new MixesAnswers(),
    fails: ['S24 every answer'],
  },
  {
    it: 'loses writes while its database is locked',
    make: () => new DropsWhenLocked(),
    options: {
      lock: (store) => {
        const lockable = store as DropsWhenLocked
        lockable.locked = true
        return () => {
          lockable.locked = false
        }
      },
    },
    fails: ['S17'],
  },
  {
    it: 'knows no prefixes',
    make: () => {
      shared.clear()
      return shared
    },
    options: { otherNamespace: () => shared },
    fails: ['S22'],
  },
]
