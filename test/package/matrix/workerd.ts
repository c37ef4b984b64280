/** The matrix inside a Worker; answers with a line for each report. */
import { stores, type Env } from '../../runtimes/stores/workerd.ts'
import { reports } from './program.ts'

export default {
  async fetch(_request: Request, env: Env): Promise<Response> {
    const lines: string[] = []
    for await (const report of reports(env.RUNTIME, stores(env), env.TASK)) lines.push(JSON.stringify(report))
    return new Response(lines.join('\n'))
  },
}
