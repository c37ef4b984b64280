/** Stores that are wrong about one row: when it is made, changed, found and gone. */
import { Store, type Expected, type SessionRecord, type UpdateResult } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { ThreeMethodStore } from '../three-methods.ts'
import type { Broken } from './broken.ts'

class Resurrects extends MemoryStore {
  override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): UpdateResult {
    const result = super.update(record, expected, options)
    if (result !== 'gone') return result
    this.set(record.id, record)
    return 'ok'
  }
}

class OverwritesOnCreate extends MemoryStore {
  override create(record: SessionRecord): boolean {
    this.set(record.id, record)
    return true
  }
}

/** Claims what it would have to be one step to keep. */
class NotAtomic extends ThreeMethodStore {
  override get capabilities() {
    return { atomic: true, consistency: 'strong' } as const
  }
  override async create(record: SessionRecord): Promise<boolean> {
    if (await this.get(record.id)) return false
    await this.set(record.id, record)
    return true
  }
  override async update(record: SessionRecord, expected: Expected): Promise<UpdateResult> {
    const current = await this.get(record.id)
    if (!current) return 'gone'
    if (current.version !== expected.version || current.verifier !== expected.verifier) return 'conflict'
    await this.set(record.id, { ...record, expiresAt: Math.max(record.expiresAt, current.expiresAt) })
    return 'ok'
  }
}

/** Answers from what this instance saw last: two instances do not see each other's writes. */
class CachesReads extends MemoryStore {
  readonly #backend: MemoryStore
  readonly #cache = new Map<string, SessionRecord>()
  constructor(backend: MemoryStore = new MemoryStore()) {
    super()
    this.#backend = backend
  }
  peer(): CachesReads {
    return new CachesReads(this.#backend)
  }
  override get(id: string): SessionRecord | undefined {
    const record = this.#cache.get(id) ?? this.#backend.get(id)
    if (record) this.#cache.set(id, record)
    return record && structuredClone(record)
  }
  override set(id: string, record: SessionRecord): void {
    this.#cache.set(id, structuredClone(record))
    this.#backend.set(id, record)
  }
  override destroy(id: string): boolean {
    this.#cache.delete(id)
    return this.#backend.destroy(id)
  }
  override create(record: SessionRecord): boolean {
    if (this.get(record.id)) return false
    this.set(record.id, record)
    return true
  }
}

/** Has the base class's lock, which holds within one instance, and says that it holds for all. */
class ClaimsTooMuch extends ThreeMethodStore {
  override get capabilities() {
    return { atomic: true, consistency: 'strong' } as const
  }
  peer(): ClaimsTooMuch {
    return new ClaimsTooMuch(this.records)
  }
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

/** Keeps what was destroyed, marked. */
class DeletesSoftly extends MemoryStore {
  readonly #dead = new Set<string>()
  override get(id: string): SessionRecord | undefined {
    return this.#dead.has(id) ? undefined : super.get(id)
  }
  override destroy(id: string): boolean {
    const there = this.get(id) !== undefined
    this.#dead.add(id)
    return there
  }
}

export const brokenRows: Broken[] = [
  {
    it: 'brings a destroyed record back by an update',
    make: () => new Resurrects(),
    fails: ['S06 update on a destroyed id', 'S07', 'S08', 'R03 a logout', 'R06 a logout during'],
  },
  {
    it: 'says "conflict" for what is gone',
    make: () =>
      new (class extends MemoryStore {
        override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): UpdateResult {
          const result = super.update(record, expected, options)
          return result === 'gone' ? 'conflict' : result
        }
      })(),
    fails: ['S06 update on a destroyed id', 'S07', 'S10'],
  },
  {
    it: 'overwrites on create',
    make: () => new OverwritesOnCreate(),
    fails: ['S04 `create` on an id that exists', 'S04 of many', 'S05'],
  },
  {
    it: 'claims to be atomic, and reads and writes in two steps',
    make: () => new NotAtomic(),
    fails: ['S04 of many', 'S08 a destroy between', 'R01 two requests', 'R01 of many', 'R05 of two'],
  },
  {
    it: 'caches reads in each instance',
    make: () => new CachesReads(),
    options: { peer: (store) => (store as CachesReads).peer() },
    fails: [
      'R01 two requests that write different keys both keep their change, through two instances',
      'R03 a logout during a slow writing request stays a logout, through two instances',
      'R05 of two concurrent regenerations one token lives, and the loser sets no cookie, through two instances',
      'R06 a logout that was on its way when the token was replaced still ends the session, through two instances',
    ],
  },
  {
    it: 'is atomic within one instance, and claims more',
    make: () => new ClaimsTooMuch(),
    options: { peer: (store) => (store as ClaimsTooMuch).peer() },
    fails: [
      'R01 two requests that write different keys both keep their change, through two instances',
      'R01 of many updates that expect the same record exactly one is "ok", and the rest are "conflict", through two',
      'R05 of two concurrent regenerations one token lives, and the loser sets no cookie, through two instances',
      'R10 a sweep that races a touch: the live row survives, through two instances',
    ],
  },
  {
    it: 'throws for a missing id',
    make: () =>
      new (class extends MemoryStore {
        override get(id: string): SessionRecord | undefined {
          const record = super.get(id)
          if (!record) throw new Error('no such key')
          return record
        }
      })(),
    fails: ['S01 a missing id', 'S10'],
  },
  {
    it: 'answers null for a missing id',
    make: () =>
      new (class extends MemoryStore {
        override get(id: string): SessionRecord | undefined {
          return super.get(id) ?? (null as unknown as undefined)
        }
      })(),
    fails: ['S01 a missing id'],
  },
  {
    it: 'creates an empty record for a missing id, as it is asked',
    make: () =>
      new (class extends ThreeMethodStore {
        override async get(id: string): Promise<SessionRecord | undefined> {
          const record = await super.get(id)
          if (!record) this.records.set(id, 'null')
          return record
        }
        override async length(): Promise<number> {
          return this.records.size
        }
      })(),
    fails: ['S01 a missing id'],
  },
  {
    it: 'keeps the old one when a record is set over another',
    make: () =>
      new (class extends ThreeMethodStore {
        override async set(id: string, record: SessionRecord): Promise<void> {
          await super.set(id, { ...(await this.get(id)), ...record })
        }
      })(),
    fails: ['S01 `set` writes', 'S13 every field'],
  },
  {
    it: 'throws when it destroys what is not there',
    make: () =>
      new (class extends MemoryStore {
        override destroy(id: string): boolean {
          if (!super.destroy(id)) throw new Error('ENOENT')
          return true
        }
      })(),
    fails: ['S09'],
  },
  {
    it: 'says that it destroyed nothing when it did',
    make: () =>
      new (class extends MemoryStore {
        override destroy(id: string): boolean {
          super.destroy(id)
          return false
        }
      })(),
    fails: ['S09'],
  },
  {
    it: 'keeps destroyed records, marked, and counts them',
    make: () => new DeletesSoftly(),
    fails: ['S09', 'S21 `length`', 'S23 removeBySubject'],
  },
  {
    it: 'ignores the version that update expects',
    make: () =>
      new (class extends MemoryStore {
        override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): UpdateResult {
          const version = this.get(record.id)?.version ?? expected.version
          return super.update(record, { ...expected, version }, options)
        }
      })(),
    fails: ['R01 two requests', 'R01 of many', 'R01 update expecting', 'R02'],
  },
  {
    it: 'ignores the verifier that update expects',
    make: () =>
      new (class extends MemoryStore {
        override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }): UpdateResult {
          const verifier = this.get(record.id)?.verifier ?? expected.verifier
          return super.update(record, { ...expected, verifier }, options)
        }
      })(),
    fails: ['R05 update expecting'],
  },
  {
    it: 'is a bare Store whose destroy is forgotten',
    make: () =>
      new (class extends Store {
        readonly #inner = new MemoryStore()
        get(id: string): SessionRecord | undefined {
          return this.#inner.get(id)
        }
        set(id: string, record: SessionRecord): void {
          this.#inner.set(id, record)
        }
        destroy(): void {}
      })(),
    fails: ['S06', 'S09', 'S19 touch on a destroyed', 'R03', 'R04', 'R06'],
  },
]
