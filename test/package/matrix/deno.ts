/** The matrix on Deno. */
import { runtime, stores } from '../../runtimes/stores/deno.ts'
import { print } from './program.ts'

await print(runtime, stores)
