/** The stores of the model: the records of a real `MemoryStore`, with every call a step that somebody else takes. */
import { Store, type Expected, type SessionRecord, type UpdateResult } from 'latchkey'
import type { MemoryStore } from 'latchkey/stores/memory'

/** Carries a store call out when its time has come. */
export type Step = <T>(call: string, id: string, writes: boolean, run: () => T) => T | Promise<T>

/** The records of a real `MemoryStore`, through the three methods that make a store. */
export class SteppedThreeMethodStore extends Store {
  readonly inner: MemoryStore
  readonly step: Step
  constructor(inner: MemoryStore, step: Step) {
    super()
    this.inner = inner
    this.step = step
  }
  get(id: string) {
    return this.step('get', id, false, () => this.inner.get(id))
  }
  set(id: string, record: SessionRecord) {
    return this.step('set', id, true, () => this.inner.set(id, record))
  }
  destroy(id: string) {
    return this.step('destroy', id, true, () => this.inner.destroy(id))
  }
}

/** The same with the `MemoryStore`'s own compare-and-set, one move each. */
export class SteppedStore extends SteppedThreeMethodStore {
  override get capabilities() {
    return this.inner.capabilities
  }
  override create(record: SessionRecord) {
    return this.step('create', record.id, true, () => this.inner.create(record))
  }
  override update(record: SessionRecord, expected: Expected, options?: { exactExpiry?: boolean }) {
    return this.step<UpdateResult>('update', record.id, true, () => this.inner.update(record, expected, options))
  }
  override touch(id: string, expiresAt: number, lastSeenAt: number, expected: Expected) {
    return this.step('touch', id, true, () => this.inner.touch(id, expiresAt, lastSeenAt, expected))
  }
}
