import { Store, type SessionRecord, type StoreModel } from 'latchkey'

/** The smallest store: three methods over a Map, each with a wait in it, as a real backend has. */
export class ThreeMethodStore extends Store {
  readonly records: Map<string, string>
  constructor(records = new Map<string, string>()) {
    super()
    this.records = records
  }

  async get(id: string): Promise<SessionRecord | undefined> {
    await Promise.resolve()
    const text = this.records.get(id)
    return text === undefined ? undefined : (JSON.parse(text) as SessionRecord)
  }
  async set(id: string, record: SessionRecord): Promise<void> {
    const text = JSON.stringify(record)
    await Promise.resolve()
    this.records.set(id, text)
  }
  async destroy(id: string): Promise<void> {
    await Promise.resolve()
    this.records.delete(id)
  }
}

/** A store that extends nothing, as a plain object. */
export function bareModel(): StoreModel {
  const records = new Map<string, string>()
  return {
    get(id) {
      const text = records.get(id)
      return text === undefined ? undefined : (JSON.parse(text) as SessionRecord)
    },
    set: (id, record) => void records.set(id, JSON.stringify(record)),
    destroy: (id) => records.delete(id),
  }
}

/** A backend that expires records by itself, by its own clock: exactly when they expire, as stores may. */
export class ExpiringStore extends ThreeMethodStore {
  #expire(): void {
    for (const [id, text] of this.records) if (expiresAt(text) <= Date.now()) this.records.delete(id)
  }
  override get(id: string): Promise<SessionRecord | undefined> {
    this.#expire()
    return super.get(id)
  }
  override length(): number {
    this.#expire()
    return this.records.size
  }
  override async *all(): AsyncGenerator<SessionRecord, void, undefined> {
    this.#expire()
    for (const text of this.records.values()) yield JSON.parse(text) as SessionRecord
  }
}

function expiresAt(text: string): number {
  return (JSON.parse(text) as SessionRecord).expiresAt
}
