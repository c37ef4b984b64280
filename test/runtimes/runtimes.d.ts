/** What the entries use of runtimes and drivers whose types are not installed. */
declare module 'better-sqlite3' {
  class Database {
    constructor(file: string, options?: { timeout?: number })
    pragma(text: string): unknown
    exec(sql: string): this
    close(): this
  }
  export default Database
}

declare module 'bun:sqlite' {
  export class Database {
    constructor(file: string)
    run(sql: string): unknown
    close(): void
  }
}

declare module 'bun:test' {
  export const test: { skipIf(skip: boolean): (name: string, run: () => Promise<void>) => void }
}

// Namespaces, because examples/runtimes.d.ts adds what the examples use.
declare namespace Bun {
  const version: string
}
declare namespace Deno {
  const args: string[]
  const version: { deno: string }
  function test(definition: { name: string; ignore: boolean; fn: () => Promise<void> }): void
}
