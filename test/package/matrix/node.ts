/** The matrix on Node. */
import { runtime, stores } from '../../runtimes/stores/node.ts'
import { print } from './program.ts'

await print(runtime, stores)
