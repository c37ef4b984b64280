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

declare const Bun: { version: string }
declare const Deno: {
  args: string[]
  version: { deno: string }
  test(definition: { name: string; ignore: boolean; fn: () => Promise<void> }): void
}
