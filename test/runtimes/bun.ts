/** The kit on Bun: `bun test/runtimes/bun.ts '{"directory":"…","servers":[]}'`. */
import { print, type Task } from './conformance.ts'
import { runtime, stores } from './stores/bun.ts'

await print(runtime, stores(JSON.parse(process.argv[2] ?? '') as Task))
