/**
 * The entry in Node, Bun and Deno. Takes `{ quick, only, directory }` as JSON, and prints one line of JSON for each table.
 */
import { everyone } from '../everyone.ts'
import { rawLibsql } from '../floors/libsql.ts'
import { localDriver } from '../driver.ts'
import { FULL, measure, QUICK } from '../harness.ts'
import { latchkeyLibsql } from '../peers/latchkey-libsql.ts'
import { groupsOf } from '../scenarios.ts'
import type { Task } from './run.ts'

// A peer that logs every bad cookie is measured without the terminal's time.
console.error = () => {}

const { quick, only, directory } = JSON.parse(process.argv[2] ?? '{}') as Task
const groups = groupsOf([...everyone, rawLibsql, latchkeyLibsql], quick)
const driver = localDriver(groups, directory)
for (const [index, { scenario, kind }] of groups.entries()) {
  if (only !== undefined && !`${scenario} ${kind}`.includes(only)) continue
  console.log(JSON.stringify(await measure(driver, groups, index, quick ? QUICK : FULL)))
}
process.exit(0)
