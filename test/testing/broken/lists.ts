/** Stores that are wrong about many records: lists, counts and subjects. */
import type { SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { ThreeMethodStore } from '../three-methods.ts'
import type { Broken } from './broken.ts'

/** Finds a subject by who created the record. */
class FollowsNoChange extends MemoryStore {
  readonly #first = new Map<string, string>()
  override create(record: SessionRecord): boolean {
    if (record.subject !== undefined) this.#first.set(record.id, record.subject)
    return super.create(record)
  }
  override findBySubject(subject: string): SessionRecord[] {
    return [...this.#first].flatMap(([id, first]) => (first === subject ? (this.get(id) ?? []) : []))
  }
}

/** Keeps each subject's ids in a list of its own, read and written back: two sign-ins at once lose one. */
class LosesSignIns extends ThreeMethodStore {
  readonly #lists = new Map<string, string[]>()
  override async create(record: SessionRecord): Promise<boolean> {
    const list = this.#lists.get(record.subject ?? '') ?? []
    const created = await super.create(record)
    this.#lists.set(record.subject ?? '', [...list, record.id])
    return created
  }
  override async findBySubject(subject: string): Promise<SessionRecord[]> {
    const found = await Promise.all((this.#lists.get(subject) ?? []).map((id) => this.get(id)))
    return found.filter((record) => record !== undefined)
  }
}

/** A MemoryStore that finds subjects by a looser comparison. */
function matching(like: (wanted: string, subject: string) => boolean): MemoryStore {
  return new (class extends MemoryStore {
    readonly #subjects = new Set<string>()
    override set(id: string, record: SessionRecord): void {
      if (record.subject !== undefined) this.#subjects.add(record.subject)
      super.set(id, record)
    }
    override findBySubject(wanted: string): SessionRecord[] {
      return [...this.#subjects].filter((subject) => like(wanted, subject)).flatMap((one) => super.findBySubject(one))
    }
  })()
}

function sqlLike(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}

export const brokenLists: Broken[] = [
  { it: 'follows no change of subject', make: () => new FollowsNoChange(), fails: ['S23 findBySubject'] },
  { it: 'loses sign-ins at the same time', make: () => new LosesSignIns(), fails: ['I03'] },
  { it: 'finds subjects by wildcards', make: () => matching(sqlLike), fails: ['S11'] },
  {
    it: 'compares subjects without case',
    make: () => matching((wanted, subject) => wanted.toLowerCase() === subject.toLowerCase()),
    fails: ['S12'],
  },
  {
    it: "removes a subject's other sessions and the current one",
    make: () =>
      new (class extends MemoryStore {
        override removeBySubject(subject: string): string[] {
          return super.removeBySubject(subject)
        }
      })(),
    fails: ['S23 removeBySubject', 'I02'],
  },
  {
    it: 'removes by a list of ids that follows no change of subject',
    make: () =>
      new (class extends FollowsNoChange {
        override removeBySubject(subject: string, exceptId?: string): string[] {
          const ids = super.findBySubject(subject).map(({ id }) => id)
          return ids.filter((id) => id !== exceptId && this.destroy(id))
        }
        override findBySubject(subject: string): SessionRecord[] {
          return MemoryStore.prototype.findBySubject.call(this, subject)
        }
      })(),
    fails: ['S23 removeBySubject follows'],
  },
  {
    it: 'removes subjects without case',
    make: () =>
      new (class extends MemoryStore {
        override removeBySubject(subject: string, exceptId?: string): string[] {
          const alike = [subject, subject.toLowerCase(), `${subject.charAt(0).toUpperCase()}${subject.slice(1)}`]
          return [...new Set(alike)].flatMap((one) => super.removeBySubject(one, exceptId))
        }
      })(),
    fails: ['S12 an id or subject'],
  },
  {
    it: 'does not tell whom it removed',
    make: () =>
      new (class extends MemoryStore {
        override removeBySubject(subject: string, exceptId?: string): string[] {
          super.removeBySubject(subject, exceptId)
          return []
        }
      })(),
    fails: ['S23 removeBySubject'],
  },
  {
    it: 'finds swept records by their subject',
    make: () =>
      new (class extends MemoryStore {
        readonly #swept: SessionRecord[] = []
        override removeExpired(now: number, limit: number): number {
          this.#swept.push(...this.findBySubject('u_1').filter((record) => record.expiresAt <= now))
          return super.removeExpired(now, limit)
        }
        override findBySubject(subject: string): SessionRecord[] {
          return [...super.findBySubject(subject), ...this.#swept.filter((record) => record.subject === subject)]
        }
      })(),
    fails: ['S23 a swept record'],
  },
  {
    it: 'yields records twice',
    make: () =>
      new (class extends MemoryStore {
        override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
          yield* super.all()
          yield* super.all()
        }
      })(),
    fails: ['S21 `all`'],
  },
  {
    it: 'leaves records out by pages that shift',
    make: () =>
      new (class extends MemoryStore {
        override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
          for (let at = 0; ; at++) {
            let record: SessionRecord | undefined
            let index = 0
            for await (const one of super.all()) if (index++ === at) record = one
            if (!record) return
            yield record
          }
        }
      })(),
    fails: ['S21 `all`'],
  },
  {
    it: 'counts once, and never again',
    make: () =>
      new (class extends MemoryStore {
        #length: number | undefined
        override length(): number {
          return (this.#length ??= super.length())
        }
      })(),
    fails: ['S21 `length`'],
  },
  {
    it: 'clears what has a subject only',
    make: () =>
      new (class extends MemoryStore {
        override clear(): void {
          this.removeBySubject('u_1')
        }
      })(),
    fails: ['S21 `clear`'],
  },
]
