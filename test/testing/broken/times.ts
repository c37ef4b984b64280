/** Stores that are wrong about time: expiry, touches, the sweep. */
import type { Expected, SessionRecord, UpdateResult } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { ThreeMethodStore } from '../three-methods.ts'
import type { Broken } from './broken.ts'

/** A MemoryStore whose touch, once it holds, writes this. */
function touching(
  change: (record: SessionRecord, expiresAt: number, lastSeenAt: number) => SessionRecord,
): MemoryStore {
  return new (class extends MemoryStore {
    override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
      const before = this.get(id)
      if (!before || !super.touch(id, expiresAt, lastSeenAt, expected)) return false
      this.set(id, change(before, expiresAt, lastSeenAt))
      return true
    }
  })()
}

/** A MemoryStore that sweeps in its own way. */
function sweeping(remove: (store: MemoryStore, now: number, limit: number) => number): MemoryStore {
  return new (class extends MemoryStore {
    override removeExpired(now: number, limit: number): number {
      return remove(this, now, limit)
    }
  })()
}

const sweep = (store: MemoryStore, now: number, limit: number): number =>
  MemoryStore.prototype.removeExpired.call(store, now, limit)

/** Brings a touched record back from what it remembers. */
class TouchResurrects extends MemoryStore {
  readonly #seen = new Map<string, SessionRecord>()
  override set(id: string, record: SessionRecord): void {
    this.#seen.set(id, structuredClone(record))
    super.set(id, record)
  }
  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
    const record = this.#seen.get(id)
    if (record && !this.get(id)) super.set(id, record)
    return super.touch(id, expiresAt, lastSeenAt, expected)
  }
}

/** Collects what has expired, and removes it later without looking again. */
class SweepsBlindly extends ThreeMethodStore {
  override async removeExpired(now: number, limit: number): Promise<number> {
    const dead: string[] = []
    for (const id of this.records.keys()) {
      const record = await this.get(id)
      if (record && record.expiresAt <= now && dead.length < limit) dead.push(id)
    }
    for (const id of dead) await this.destroy(id)
    return dead.length
  }
}

/** Keeps the times that a touch moves in columns of their own, beside the record. */
class TouchesApart extends MemoryStore {
  readonly #rows = new Map<string, SessionRecord>()
  override set(id: string, record: SessionRecord): void {
    this.#rows.set(id, structuredClone(record))
    super.set(id, record)
  }
  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
    const row = this.#rows.get(id)
    const touched = super.touch(id, expiresAt, lastSeenAt, expected)
    if (row) this.#rows.set(id, row)
    return touched
  }
  /** The record without its columns. */
  protected untouched(record: SessionRecord): SessionRecord {
    return structuredClone(this.#rows.get(record.id) ?? record)
  }
}

const OTHER_FIELDS = 'S18 touch moves'
const PAST_END = 'S18 touch never'
const LATER = 'S18 update keeps'
const EXACTLY = 'S20 removeExpired takes'
const LIMIT = 'S20 removeExpired honours'

export const brokenTimes: Broken[] = [
  {
    it: 'shortens on touch',
    make: () => touching((record, expiresAt, lastSeenAt) => ({ ...record, expiresAt, lastSeenAt })),
    fails: ['S18 an older touch', PAST_END],
  },
  {
    it: 'touches past the hard end',
    make: () =>
      touching((record, expiresAt, lastSeenAt) => ({
        ...record,
        expiresAt: Math.max(record.expiresAt, expiresAt),
        lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
      })),
    fails: [PAST_END],
  },
  {
    it: 'bumps the version on touch',
    make: () => touching((record, expiresAt, lastSeenAt) => ({ ...record, expiresAt, lastSeenAt, version: 2 })),
    fails: [OTHER_FIELDS],
  },
  {
    it: 'writes data on touch',
    make: () => touching((record, expiresAt, lastSeenAt) => ({ ...record, expiresAt, lastSeenAt, data: '{}' })),
    fails: [OTHER_FIELDS],
  },
  {
    it: 'leaves lastSeenAt alone on touch',
    make: () => touching((record, expiresAt) => ({ ...record, expiresAt })),
    fails: [OTHER_FIELDS],
  },
  {
    it: 'does nothing on touch, and says it did',
    make: () => touching((record) => record),
    fails: [OTHER_FIELDS, 'R10'],
  },
  {
    it: 'counts the rows that a touch changed, and not those that it found',
    make: () =>
      new (class extends MemoryStore {
        override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected): boolean {
          const before = JSON.stringify(this.get(id))
          return super.touch(id, expiresAt, lastSeenAt, expected) && JSON.stringify(this.get(id)) !== before
        }
      })(),
    fails: ['S18 an older touch'],
  },
  {
    it: 'lists a subject by the expiry before the touch',
    make: () =>
      new (class extends TouchesApart {
        override findBySubject(subject: string): SessionRecord[] {
          return super.findBySubject(subject).map((record) => this.untouched(record))
        }
      })(),
    fails: [OTHER_FIELDS],
  },
  {
    it: 'lists all by the expiry before the touch',
    make: () =>
      new (class extends TouchesApart {
        override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
          for await (const record of super.all()) yield this.untouched(record)
        }
      })(),
    fails: [OTHER_FIELDS],
  },
  {
    it: 'brings a destroyed record back by a touch',
    make: () => new TouchResurrects(),
    fails: ['S19 touch on a destroyed', 'R04'],
  },
  {
    it: 'ignores what touch expects',
    make: () =>
      new (class extends MemoryStore {
        override touch(id: string, expiresAt: number, lastSeenAt: number): boolean {
          const record = this.get(id)
          return record !== undefined && super.touch(id, expiresAt, lastSeenAt, record)
        }
      })(),
    fails: ['S19 touch expecting'],
  },
  {
    it: 'keeps the earlier expiry when an update comes late',
    make: () =>
      new (class extends MemoryStore {
        override update(record: SessionRecord, expected: Expected): UpdateResult {
          return super.update(record, expected, { exactExpiry: true })
        }
      })(),
    fails: [LATER],
  },
  {
    it: 'never shortens, not even for a changed lifetime',
    make: () =>
      new (class extends MemoryStore {
        override update(record: SessionRecord, expected: Expected): UpdateResult {
          return super.update(record, expected)
        }
      })(),
    fails: [LATER],
  },
  {
    it: 'renews whatever is read',
    make: () =>
      new (class extends MemoryStore {
        override get(id: string): SessionRecord | undefined {
          const record = super.get(id)
          return record && { ...record, expiresAt: record.expiresAt + 86_400_000, endsAt: null }
        }
      })(),
    fails: ['S02', 'S03', 'S16'],
  },
  {
    it: 'gives every record a second at least',
    make: () =>
      new (class extends MemoryStore {
        override set(id: string, record: SessionRecord): void {
          super.set(id, { ...record, expiresAt: Math.max(record.expiresAt, record.createdAt + 1_000) })
        }
      })(),
    fails: ['S15'],
  },
  {
    it: 'refuses a record with no life left',
    make: () =>
      new (class extends MemoryStore {
        override create(record: SessionRecord): boolean {
          if (record.expiresAt <= record.createdAt) throw new Error('invalid expiration')
          return super.create(record)
        }
      })(),
    fails: ['S15'],
  },
  {
    it: 'sweeps a millisecond late',
    make: () => sweeping((store, now, n) => sweep(store, now - 1, n)),
    fails: [EXACTLY],
  },
  {
    it: 'sweeps a millisecond early',
    make: () => sweeping((store, now, n) => sweep(store, now + 1, n)),
    fails: [EXACTLY, 'R10'],
  },
  { it: 'ignores the limit of a sweep', make: () => sweeping((store, now) => sweep(store, now, 1e9)), fails: [LIMIT] },
  {
    it: 'counts what it looked at, not what it removed',
    make: () => sweeping((store, now, n) => sweep(store, now, n) && n),
    fails: [EXACTLY, LIMIT],
  },
  {
    it: 'counts live records as expired',
    make: () =>
      new (class extends MemoryStore {
        override countExpired(): number {
          return this.length()
        }
      })(),
    fails: [EXACTLY],
  },
  { it: 'removes what was renewed since it looked', make: () => new SweepsBlindly(), fails: ['R10'] },
]
