/**
 * The packed library in every runtime, installed into an empty project outside the repository: every entry imports, the
 * request cases (F) hold through each adapter over each store, the conformance kit on each store, and README shows it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MatrixReport } from './matrix/program.ts'
import { makeProject, type Project } from './matrix/project.ts'
import { importsIn, matrixOf, RUNTIMES } from './matrix/run.ts'
import { failuresOf, matrixTable, shownTable } from './matrix/table.ts'

let project: Project
let onNode: Awaited<ReturnType<typeof importsIn>>
const reports: MatrixReport[] = []

beforeAll(async () => {
  project = await makeProject()
  onNode = await importsIn('node24', project)
})
afterAll(() => project?.remove())

const FLOWS = Array.from({ length: 25 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`)

/** The request cases that have no meaning where the record lives in its token: those on a row, and those on copies. */
const LEFT_OUT: Record<string, string[]> = {
  CookieStore: ['F02', 'F03', 'F05', 'F07', 'F16', 'F16', 'F19', 'F23', 'F25'],
  'CookieStore with revocations': ['F02', 'F16', 'F16', 'F23', 'F25'],
}

describe.each(RUNTIMES)('installed in %s', (runtime) => {
  test('every entry imports, and exports the same names as on Node, none of them `default`', async () => {
    const found = await importsIn(runtime, project)
    expect(found).toEqual(onNode)
    expect(Object.keys(found)).toEqual(project.specifiers)
    for (const [specifier, names] of Object.entries(found)) {
      expect(names, specifier).toBeInstanceOf(Array)
      expect(names, specifier).not.toHaveLength(0)
      expect(names, specifier).not.toContain('default')
    }
  })

  test('F01 to F25 and the conformance kit hold', { timeout: 240_000 }, async () => {
    const found = await matrixOf(runtime, project)
    reports.push(...found)
    expect(failuresOf(found)).toEqual([])
    for (const { suite, row, run, skipped, outcomes } of found) {
      expect(run + skipped, `${suite}, ${row}`).toBe(Object.keys(outcomes).length)
      if (!suite.startsWith('latchkey/')) continue
      const numbers = Object.keys(outcomes).map((name) => name.slice(0, 3))
      expect([...new Set(numbers)], `${suite}, ${row}`).toEqual(FLOWS)
      const left = Object.entries(outcomes).flatMap(([name, outcome]) => (outcome === 'held' ? [] : name.slice(0, 3)))
      expect(left, `${suite}, ${row}`).toEqual(LEFT_OUT[row] ?? [])
    }
  })
})

test('README shows what was found; `npm run matrix -- --write` writes it', async () => {
  const table = matrixTable(reports)
  console.log(`\n${table}\n`)
  expect(await shownTable()).toBe(table)
})
