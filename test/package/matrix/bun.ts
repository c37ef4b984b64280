/** The matrix on Bun. */
import { runtime, stores } from '../../runtimes/stores/bun.ts'
import { print } from './program.ts'

await print(runtime, stores)
