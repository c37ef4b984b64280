/** The kit on Node: `node test/runtimes/node.ts '{"directory":"…","servers":[]}'`. */
import { print, type Task } from './conformance.ts'
import { runtime, stores } from './stores/node.ts'

await print(runtime, stores(JSON.parse(process.argv[2] ?? '') as Task))
