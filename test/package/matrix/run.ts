/** Runs the programs of an installed project, runtime by runtime. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { programOf, runEntry, withTask, type Runtime } from '../../runtimes/run.ts'
import type { Task } from '../../runtimes/conformance.ts'
import type { MatrixReport } from './program.ts'
import type { Project } from './project.ts'

/** In the order of the columns. */
export const RUNTIMES: readonly Runtime[] = ['node24', 'node22', 'deno', 'bun', 'workerd']

/** What each entry of the package exports in a runtime, or the error of importing it. */
export async function importsIn(runtime: Runtime, { directory }: Project): Promise<Record<string, string[] | string>> {
  const program = runtime === 'workerd' ? 'imports-workerd.js' : 'imports.js'
  return JSON.parse(await runEntry(runtime, join(directory, program), { directory, servers: [] }, directory)) as never
}

/** The kit and the request cases on every store of a runtime. */
export async function matrixOf(runtime: Runtime, { directory: project }: Project): Promise<MatrixReport[]> {
  return withTask(({ directory, servers }) =>
    withUpstream(async (upstream) => {
      // Where there are files, libSQL is measured on those; and always on our own server, whatever others there are.
      const task: Task = { directory, servers: runtime === 'workerd' ? servers.slice(0, 1) : [], upstream }
      const lines = await runEntry(runtime, join(project, `${programOf(runtime)}.js`), task, project)
      const reports = lines.split('\n').filter((line) => line.startsWith('{'))
      if (reports.length === 0) throw new Error(`Nothing was reported:\n${lines}`)
      return reports.map((line) => JSON.parse(line) as MatrixReport)
    }),
  )
}

/** A web page to be proxied, with a header and a cookie of its own. */
async function withUpstream<T>(use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => {
    response.setHeader('Set-Cookie', 'upstream=1; Path=/').setHeader('X-Upstream', 'yes').end('from upstream')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
}
