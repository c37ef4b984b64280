/**
 * What sessions weigh. As a program of its own, because a heap is measured in a process that did nothing else before:
 * `sessions <contestant> <count>` prints the bytes that a stored session takes; `requests <quick>` what a call allocates.
 */
import { everyone } from './everyone.ts'
import { localDriver } from './driver.ts'
import { groupsOf } from './scenarios.ts'
import { spreadOf } from './stats.ts'
import { requestTo } from './visitor.ts'

/** Those that keep sessions in memory, by `name`. */
export const KEEPERS: readonly string[] = [
  'a Map and a hash',
  'latchkey, memory',
  'hono-sessions, plain id',
  '@remix-run/session, memory',
  '@hono/session, storage',
]
const PAYLOAD = 200
/** So few that nothing is collected meanwhile, in a young generation of 256 MB. */
const CALLS = 400
const ROUNDS = 5

const heap = (): number => {
  ;(globalThis as { gc?: () => void }).gc?.()
  return process.memoryUsage().heapUsed
}

async function bytesPerSession(name: string, count: number): Promise<number> {
  const contestant = everyone.find((one) => one.name === name)
  if (!contestant) throw new Error(`no contestant is called ${name}`)
  const world = await contestant.open(PAYLOAD, '')
  const fetch = await world.app()
  const seed = async (): Promise<void> => {
    const response = await fetch(requestTo('/seed', ''))
    if (response.status !== 200) throw new Error(`/seed answered ${response.status}`)
  }
  for (let warm = 0; warm < 1000; warm++) await seed()
  const before = heap()
  let started = 0
  const client = async (): Promise<void> => {
    while (started++ < count) await seed()
  }
  await Promise.all(Array.from({ length: 16 }, client))
  const after = heap()
  // Still in use, or its sessions would not be in the heap.
  await fetch(requestTo('/read', ''))
  return (after - before) / count
}

export interface HeapRow {
  scenario: string
  kind: string
  contestant: string
  bytes: number
}

async function bytesPerCall(quick: boolean): Promise<HeapRow[]> {
  const wanted = quick ? ['anonymous', 'read, warm'] : ['anonymous', 'read, warm', 'read, cold', 'write']
  const rounds = quick ? 2 : ROUNDS
  const groups = groupsOf(everyone, true).filter(({ scenario }) => wanted.includes(scenario))
  const driver = localDriver(groups, '')
  const rows: HeapRow[] = []
  for (const [group, { scenario, kind, contestants }] of groups.entries()) {
    for (const [index, { name }] of contestants.entries()) {
      const place = { group, contestant: index }
      if (name.startsWith('h3') || (await driver.open(place)) !== undefined) continue
      const samples: number[] = []
      for (let round = 0; round <= rounds; round++) {
        await driver.prepare(place, CALLS)
        const before = heap()
        await driver.run(place, CALLS, 1)
        // The first round is for the compiler.
        if (round > 0) samples.push((process.memoryUsage().heapUsed - before) / CALLS)
      }
      rows.push({ scenario, kind, contestant: name, bytes: spreadOf(samples).median })
    }
    await driver.close(group)
  }
  return rows
}

if (import.meta.main) {
  const [, , what, name = '', count = ''] = process.argv
  console.error = () => {}
  if (what === 'sessions') console.log(JSON.stringify(await bytesPerSession(name, Number(count))))
  else console.log(JSON.stringify(await bytesPerCall(name === 'quick')))
  process.exit(0)
}
