/** R03 to R06 on every store that keeps the promises, with barriers that force the overlap. `npm run races` runs 1,000 of each. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from 'latchkey/stores/memory'
import type { Expected, SessionRecord, UpdateResult } from 'latchkey'
import { RACES, repeat, type Race } from '../scale/races.ts'
import { STRONG_STORES } from '../scale/stores.ts'

const ROUNDS = Number(process.env['RACES'] ?? 48)

describe.each(STRONG_STORES)('on $name', ({ open }) => {
  it.each(RACES)(
    `$name, ${ROUNDS} times: nothing is resurrected, live tokens: $alive`,
    async (race) => {
      const opened = await open()
      const tally = await repeat(race, opened, ROUNDS).finally(opened.close)
      expect(tally).toEqual({
        rounds: ROUNDS,
        overlapped: ROUNDS,
        firstWon: expect.any(Number),
        resurrected: 0,
        wrongTokens: 0,
        strayCookies: 0,
      })
      // Both orders occurred, or the barriers force nothing.
      expect(tally.firstWon).toBeGreaterThan(0)
      expect(tally.firstWon).toBeLessThan(ROUNDS)
    },
    60_000 + 50 * ROUNDS,
  )
})

describe('the count finds what is wrong', () => {
  const run = (store: MemoryStore, name: string) => {
    const race = RACES.find((one) => one.name.startsWith(name)) as Race
    return repeat(race, { stores: [store, store], close: () => {} }, 16)
  }

  /** Writes whatever was there. */
  class Upserting extends MemoryStore {
    override update(record: SessionRecord): UpdateResult {
      this.set(record.id, record)
      return 'ok'
    }
  }
  /** Touches by writing back what was read. */
  class Reviving extends MemoryStore {
    override touch(_id: string, expiresAt: number, lastSeenAt: number, _expected: Expected): boolean {
      this.set('revived', { ...(this.last as SessionRecord), expiresAt, lastSeenAt })
      return true
    }
    last: SessionRecord | undefined
    override create(record: SessionRecord): boolean {
      this.last = record
      return super.create(record)
    }
    override get(id: string): SessionRecord | undefined {
      const revived = super.get('revived')
      return revived?.id === id ? revived : super.get(id)
    }
  }

  it.each([
    ['R03', 'whose update inserts', Upserting, 'resurrected'],
    ['R04', 'whose touch inserts', Reviving, 'resurrected'],
    ['R05', 'whose update expects nothing', Upserting, 'strayCookies'],
    ['R06', 'whose update inserts', Upserting, 'resurrected'],
  ] as const)('%s on a store %s', async (name, _, Wrong, count) => {
    expect((await run(new Wrong(), name))[count]).toBeGreaterThan(0)
  })

  it('R05 on a store that keeps the old token alive beside the new one', async () => {
    class Forking extends MemoryStore {
      override update(record: SessionRecord, expected: Expected): UpdateResult {
        const current = this.get(record.id)
        if (!current) return 'gone'
        if (current.verifier !== expected.verifier) return 'conflict'
        return 'ok'
      }
    }
    expect((await run(new Forking(), 'R05')).wrongTokens).toBe(16)
  })
})
