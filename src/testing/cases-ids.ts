/** Cases of ids: what is no id, what only looks like one, and whose record answers (S10 to S12, S24). */
import { StoreUnavailableError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { destroyRecord, Store, type MaybePromise } from '../core/store.ts'
import { check, rejects, same } from './assert.ts'
import { aRecord, expecting, find, HOUR, manage, plant, signIn, type Bench } from './bench.ts'
import type { CaseDefinition } from './case.ts'
import { createId } from '../core/token.ts'

/** Checks that none of these ids finds, changes or removes anything. */
async function areMissing(bench: Bench, ids: readonly string[]): Promise<void> {
  const { store } = bench
  for (const id of ids) {
    const name = `the id ${JSON.stringify(String(id).slice(0, 40))}`
    check((await find(store, id)) === undefined, `\`get\` must find nothing under ${name}.`)
    // An hour old: of a younger one, an eventual store may take it that it is only not to be seen yet.
    const record = aRecord(bench, { id, createdAt: bench.clock() - HOUR })
    same(await store.update(record, expecting(record)), 'gone', `update under ${name}`)
    const touched = await store.touch(id, record.expiresAt + 1, record.lastSeenAt + 1, expecting(record))
    same(touched, false, `touch under ${name}`)
    await destroyRecord(store, id)
    check((await find(store, id)) === undefined, `There is a row under ${name} now.`)
  }
}

/** Answers every question with one record: a connection whose answers got mixed up. */
class MixedUp extends Store {
  readonly #answer: () => MaybePromise<SessionRecord | undefined>
  constructor(answer: () => MaybePromise<SessionRecord | undefined>) {
    super()
    this.#answer = answer
  }
  get(): MaybePromise<SessionRecord | undefined> {
    return this.#answer()
  }
  set(): void {}
  destroy(): void {}
}

export const idCases: CaseDefinition[] = [
  {
    name: 'S10 an empty, null or overlong id is missing: never a throw, never a row',
    needs: ['row'],
    async run(bench) {
      const record = await plant(bench.store, aRecord(bench))
      await areMissing(bench, ['', null as unknown as string, 'a'.repeat(10_000), `${record.id}${'a'.repeat(10_000)}`])
      same(await find(bench.store, record.id), record, 'the record that is there')
      if (bench.store.length) same(await bench.store.length(), 1, '`length` afterwards')
    },
  },
  {
    name: 'S11 paths, NUL, separators, wildcards and SQL in an id or subject are text that is missing',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const record = await plant(store, aRecord(bench, { subject: 'u_42' }))
      const { id } = record
      const around = [
        `./${id}`,
        `../${id}`,
        `x/../${id}`,
        `\\${id}`,
        `${id}/`,
        `${id}\0`,
        `${id}%00`,
        `${id}:`,
        `${id}' --`,
      ]
      const alone = ['../', '..\\', '\0', ':', '%', '_', '*', '?', '%00', "' OR '1'='1", "'; DROP TABLE sessions; --"]
      const inherited = ['__proto__', 'constructor', 'toString']
      await areMissing(bench, [...around, ...alone, ...inherited, `${id.slice(0, -1)}_`, `${id.slice(0, -1)}%`])
      for (const subject of [...alone, ...inherited, 'u%', 'u__2']) {
        const found = await store.findBySubject?.(subject)
        if (found) same(found, [], `findBySubject(${JSON.stringify(subject)})`)
        const removed = await store.removeBySubject?.(subject)
        if (removed) same(removed, [], `removeBySubject(${JSON.stringify(subject)})`)
      }
      same(await find(store, id), record, 'the record that is there')
    },
  },
  {
    name: 'S12 an id or subject that differs in case or by a space is another one',
    needs: ['row'],
    async run(bench) {
      const { store } = bench
      const id = `Ab${createId()}`
      const record = await plant(store, aRecord(bench, { id, subject: 'Ada' }))
      await areMissing(bench, [
        id.toLowerCase(),
        id.toUpperCase(),
        `${id} `,
        ` ${id}`,
        `${id}\n`,
        `${id}\t`,
        `${id}\u00a0`,
      ])
      for (const subject of ['ada', 'ADA', 'Ada ', ' Ada', 'A\u0301da']) {
        const found = await store.findBySubject?.(subject)
        if (found) same(found, [], `findBySubject(${JSON.stringify(subject)})`)
        const removed = await store.removeBySubject?.(subject)
        if (removed) same(removed, [], `removeBySubject(${JSON.stringify(subject)})`)
      }
      const twin = await plant(store, aRecord(bench, { id: id.replace('Ab', 'aB') }))
      same(await find(store, id), record, 'the record')
      same(await find(store, twin.id), twin, 'the record whose id differs in case only')
    },
  },
  {
    name: 'S12 ids of 128 characters that differ in the last alone are two',
    needs: ['row'],
    async run(bench) {
      const ids = ['a', 'b'].map((last) => 'x'.repeat(127) + last)
      const records: SessionRecord[] = []
      for (const id of ids) records.push(await plant(bench.store, aRecord(bench, { id })))
      for (const record of records) same(await find(bench.store, record.id), record, 'a record with a long id')
    },
  },
  {
    name: "S24 every answer is the record that was asked for; somebody else's is an outage, not a login",
    needs: ['row'],
    async run(bench) {
      const records = Array.from({ length: 20 }, (_, n) => aRecord(bench, { data: `{"n":${n}}` }))
      await Promise.all(records.map((record) => plant(bench.store, record)))
      const answers = await Promise.all(records.map((record) => find(bench.store, record.id)))
      same(answers, records, 'the answers to 20 questions at once')

      const sessions = manage(bench)
      const [mine, theirs] = [await signIn(sessions, 'u_1'), await signIn(sessions, 'u_2')]
      const mixedUp = manage(bench, { store: new MixedUp(() => bench.store.get(theirs.id)) })
      const loading = mixedUp.load(mine.request())
      await rejects(loading, [StoreUnavailableError], "a store that answers with somebody else's record")
    },
  },
]
