/**
 * What the tests use of Cloudflare's own modules and globals: the bindings of wrangler.toml, and a few names that no other
 * runtime has. By hand, because the generated types would be those of every test in this repository.
 */
declare module 'cloudflare:workers' {
  import type { KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'

  export const env: {
    SESSIONS: KVNamespaceLike
    DB: D1Database
    /** The Worker of module-scope.ts. */
    MODULE_SCOPE: { fetch(input: string | Request, init?: RequestInit): Promise<Response> }
  }
}

declare module 'cloudflare:test' {
  interface Context {
    waitUntil(promise: Promise<unknown>): void
    passThroughOnException(): void
    props: unknown
  }
  export function createExecutionContext(): Context
  export function waitOnExecutionContext(context: Context): Promise<void>
}

/** As drizzle-orm/d1 names it. */
interface D1Database {
  prepare(query: string): { all(): Promise<{ results: Record<string, unknown>[] }>; run(): Promise<unknown> }
}
