/** The kit inside a Worker; answers with a line for each store. */
import { measure } from './conformance.ts'
import { stores, type Env } from './stores/workerd.ts'

export default {
  async fetch(_request: Request, env: Env): Promise<Response> {
    const lines: string[] = []
    for await (const report of measure(env.RUNTIME, stores(env))) lines.push(JSON.stringify(report))
    return new Response(lines.join('\n'))
  },
}
