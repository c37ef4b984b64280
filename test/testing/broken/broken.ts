import type { SessionRecord, StoreModel } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import type { StoreCaseOptions } from '../../../src/testing/index.ts'

/** A store that is wrong in one way, and the cases that must find it out, by the beginnings of their names. */
export interface Broken {
  /** What it does, e.g. `brings a destroyed record back`. */
  it: string
  make: () => StoreModel
  options?: StoreCaseOptions
  fails: string[]
}

/** A store that changes what it is given to write. */
export function writing(change: (record: SessionRecord) => SessionRecord): () => StoreModel {
  return () =>
    new (class extends MemoryStore {
      override set(id: string, record: SessionRecord): void {
        super.set(id, change(record))
      }
    })()
}

/** A store that looks another id up than the one it was asked for. */
export function lookingUp(change: (id: string) => string): () => StoreModel {
  return () =>
    new (class extends MemoryStore {
      override get(id: string): SessionRecord | undefined {
        return super.get(typeof id === 'string' ? change(id) : id)
      }
    })()
}

/** A copy of a record without some of its fields. */
export function without(record: SessionRecord, ...fields: (keyof SessionRecord)[]): SessionRecord {
  const copy = { ...record }
  for (const field of fields) delete copy[field]
  return copy
}
