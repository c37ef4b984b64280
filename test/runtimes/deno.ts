/** The kit on Deno, which needs no more than `denoPermissions` of `run.ts` allows. */
import { print, type Task } from './conformance.ts'
import { runtime, stores } from './stores/deno.ts'

await print(runtime, stores(JSON.parse(Deno.args[0] ?? '') as Task))
