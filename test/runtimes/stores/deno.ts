/** The stores on Deno. */
import { portable, type Subject, type Task } from '../conformance.ts'
import { libsqlFiles } from '../files.ts'
import { onServers } from '../sqlite.ts'

export const runtime: string = `Deno ${Deno.version.deno}`

export const stores = (task: Task): Subject[] => [...portable, ...libsqlFiles(task), ...onServers(task)]
