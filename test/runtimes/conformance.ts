/**
 * The conformance kit without a test runner, for every runtime there is. An entry (`node.ts`, `deno.ts`, `bun.ts`, the Worker)
 * takes the stores of its runtime from `stores/` and prints one line of JSON for each. Nothing here but the library, by
 * relative path: that is what all of them resolve alike.
 */
import { Store, type SessionRecord, type StoreModel } from '../../src/core/index.ts'
import { CookieCache } from '../../src/stores/cookie-cache.ts'
import { CookieStore } from '../../src/stores/cookie.ts'
import { EncryptedStore } from '../../src/stores/encrypted.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { storeCases, type StoreCase, type StoreCaseOptions } from '../../src/testing/index.ts'

/** A store, and how the kit gets at it. */
export interface Subject {
  store: string
  cases: () => Promise<StoreCase[]>
  /** A fresh one, for cases of another kind. */
  open: (making?: Making) => Promise<{ store: StoreModel; close: () => Promise<void> }>
}

/** What those cases ask of a store that is made for them; the kit asks nothing. */
export interface Making {
  /** The clock, for a store that has one of its own. */
  now?: () => number
  /** Goes between a store and the one that it wraps. */
  guard?: (inner: StoreModel) => StoreModel
}

/** What the kit found out about one store in one runtime. */
export interface Report {
  runtime: string
  store: string
  run: number
  skipped: number
  failed: number
  /** By case: `'held'`, `'skipped: <why>'` or `'failed: <why>'`. */
  outcomes: Record<string, string>
}

export function subject<S extends StoreModel>(
  store: string,
  makeStore: (making?: Making) => S | Promise<S>,
  options?: StoreCaseOptions<S>,
): Subject {
  return {
    store,
    cases: async () => storeCases(async () => makeStore(), options),
    async open(making) {
      const made = await makeStore(making)
      return { store: made, close: async () => options?.dispose?.(made) }
    },
  }
}

/** Runs every case of every store, one after the other. */
export async function* measure(
  runtime: string,
  subjects: readonly Pick<Subject, 'store' | 'cases'>[],
): AsyncGenerator<Report, void, undefined> {
  for (const { store, cases } of subjects) {
    const report: Report = { runtime, store, run: 0, skipped: 0, failed: 0, outcomes: {} }
    for (const { name, run, skip } of await cases()) {
      if (skip !== undefined) {
        report.skipped++
        report.outcomes[name] = `skipped: ${skip}`
        continue
      }
      report.run++
      try {
        await run()
        report.outcomes[name] = 'held'
      } catch (error) {
        report.failed++
        report.outcomes[name] = `failed: ${error instanceof Error ? error.message : String(error)}`
      }
    }
    yield report
  }
}

/** What an entry is told by whoever starts it. */
export interface Task {
  /** An empty directory of its own. */
  directory: string
  /** A libSQL server, and another one from outside where there is one. */
  servers: { name: string; url: string; authToken?: string }[]
  /** A web page, for those that proxy one. */
  upstream?: string
}

/** Measures, and prints each report as a line. */
export async function print(runtime: string, subjects: readonly Subject[]): Promise<void> {
  for await (const report of measure(runtime, subjects)) console.log(JSON.stringify(report))
}

/** The smallest store there is. */
class MapStore extends Store {
  readonly #rows = new Map<string, string>()
  async get(id: string): Promise<SessionRecord | undefined> {
    const row = this.#rows.get(id)
    return row === undefined ? undefined : (JSON.parse(row) as SessionRecord)
  }
  async set(id: string, record: SessionRecord): Promise<void> {
    this.#rows.set(id, JSON.stringify(record))
  }
  async destroy(id: string): Promise<boolean> {
    return this.#rows.delete(id)
  }
}

const secret = 'a secret for tests, of more than 32 bytes'

const cached = ({ guard }: Making = {}): CookieCache => {
  const memory = new MemoryStore()
  return new CookieCache(guard?.(memory) ?? memory, { secret })
}

const encrypted = ({ guard }: Making = {}): EncryptedStore => {
  const memory = new MemoryStore()
  return new EncryptedStore(guard?.(memory) ?? memory, { secret })
}

/** The stores that need nothing of their runtime. */
export const portable: readonly Subject[] = [
  subject('MemoryStore', () => new MemoryStore(), { otherNamespace: () => new MemoryStore() }),
  subject('CookieStore', () => new CookieStore({ secret })),
  subject('CookieCache over MemoryStore', cached, { otherNamespace: () => cached() }),
  subject('EncryptedStore over MemoryStore', encrypted, { otherNamespace: () => encrypted() }),
  subject('three methods over a Map', () => new MapStore(), { otherNamespace: () => new MapStore() }),
]
