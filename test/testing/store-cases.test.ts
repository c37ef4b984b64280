import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it } from 'vitest'
import { storeCases } from '../../src/testing/index.ts'
import { ThreeMethodStore } from './three-methods.ts'

const numbers = (letter: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${letter}${String(from + index).padStart(2, '0')}`)

describe('storeCases', () => {
  it('holds S01 to S24, R01 to R06, R10 and I01 to I05, in that order, each name once', () => {
    const names = storeCases(() => new MemoryStore()).map(({ name }) => name)
    const kinds = [...new Set(names.map((name) => name.slice(0, 3)))]
    expect(kinds).toEqual([...numbers('S', 1, 24), ...numbers('R', 1, 6), 'R10', ...numbers('I', 1, 5)])
    expect(new Set(names).size).toBe(names.length)
  })

  it('makes a fresh store for each case, and disposes of every one it made', async () => {
    const [made, disposed] = [[] as MemoryStore[], [] as MemoryStore[]]
    const makeStore = () => {
      made.push(new MemoryStore())
      return made.at(-1)!
    }
    const cases = storeCases(makeStore, {
      otherNamespace: makeStore,
      dispose: async (store) => void disposed.push(store),
    })
    for (const { run, skip } of cases) if (skip === undefined) await run()
    expect(made.length).toBeGreaterThan(cases.filter(({ skip }) => skip === undefined).length)
    expect(new Set(disposed)).toEqual(new Set(made))
    expect(disposed.length).toBe(made.length)
  })

  it('disposes of the store of a case that failed, too', async () => {
    let open = 0
    const makeStore = () => {
      open++
      return new (class extends MemoryStore {
        override create(): boolean {
          throw new Error('disk full')
        }
      })()
    }
    const [first] = storeCases(makeStore, { dispose: () => void open-- })
    await expect(first?.run()).rejects.toThrow('disk full')
    expect(open).toBe(0)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('still in use')
      },
    ],
    ['rejects', () => Promise.reject(new Error('still in use'))],
  ])('leaves it to the first case to say that `dispose` %s, and gives the cases', async (_, dispose) => {
    const cases = storeCases(() => new MemoryStore(), { dispose })
    await expect(cases[0]?.run()).rejects.toThrow('still in use')
  })

  it('is a promise where making a store is one', async () => {
    const cases = await storeCases(async () => new MemoryStore())
    expect(cases.map(({ name }) => name)).toEqual(storeCases(() => new MemoryStore()).map(({ name }) => name))
    await expect(cases[0]?.run()).resolves.toBeUndefined()
  })

  it('says why a case is skipped, and rejects when it is run all the same', async () => {
    const cases = storeCases(() => new ThreeMethodStore())
    const skipped = cases.find(({ name }) => name.startsWith('S20'))
    expect(skipped?.skip).toBe('the store has no `removeExpired`')
    await expect(skipped?.run()).rejects.toThrow('Not tested: the store has no `removeExpired`.')
  })

  it('skips what an eventual store does not claim', () => {
    class Eventual extends MemoryStore {
      override get capabilities() {
        return { atomic: false, consistency: 'eventual' } as const
      }
    }
    const reason = "the store claims `consistency: 'eventual'`"
    const skipped = storeCases(() => new Eventual()).filter(({ skip }) => skip === reason)
    const kinds = [...new Set(skipped.map(({ name }) => name.slice(0, 3)))]
    expect(kinds).toEqual(['S04', 'S05', 'S08', 'S17', ...numbers('R', 1, 6), 'R10'])
  })

  it('says what was wrong: what was expected, and what came', async () => {
    class Wrong extends MemoryStore {
      override findBySubject(): [] {
        return []
      }
    }
    const wrong = storeCases(() => new Wrong()).find(({ name }) => name.startsWith('S23 findBySubject'))
    await expect(wrong?.run()).rejects.toThrow(/^the subject's records: expected \{"id":.*, got undefined\.$/)
  })
})

describe('the kit runs anywhere', () => {
  it('imports no test runner, no built-in of a runtime, and nothing but the core', () => {
    const directory = join(import.meta.dirname, '../../src/testing')
    const imports = readdirSync(directory).flatMap((file) =>
      [...readFileSync(join(directory, file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, source]) => source ?? ''),
    )
    expect(imports.filter((source) => !/^\.\/[a-z-]+\.ts$|^\.\.\/core\/[a-z-]+\.ts$/.test(source))).toEqual([])
    expect(imports.length).toBeGreaterThan(20)
  })
})
