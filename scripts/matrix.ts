/**
 * `npm run matrix`: packs the library, installs it into an empty project, and runs the request cases and the conformance kit
 * there in every runtime; what came of it as one table. With `-- --write` README shows it; a test holds that it does.
 */
import { makeProject } from '../test/package/matrix/project.ts'
import { matrixOf, RUNTIMES } from '../test/package/matrix/run.ts'
import { failuresOf, matrixTable, writeTable } from '../test/package/matrix/table.ts'

process.stderr.write('packing …\n')
const project = await makeProject()
try {
  const reports = []
  for (const runtime of RUNTIMES) {
    process.stderr.write(`${runtime} …\n`)
    reports.push(...(await matrixOf(runtime, project)))
  }
  const table = matrixTable(reports)
  console.log(`\n${table}\n`)
  const failures = failuresOf(reports)
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
  else if (process.argv.includes('--write')) await writeTable(table)
} finally {
  await project.remove()
}
