/** The stores on Deno, which needs no more than `PERMISSIONS` of `run.ts` allows. */
import { portable, print, type Task } from './conformance.ts'
import { libsqlFiles } from './files.ts'
import { onServers } from './sqlite.ts'

const task = JSON.parse(Deno.args[0] ?? '') as Task

await print(`Deno ${Deno.version.deno}`, [...portable, ...libsqlFiles(task), ...onServers(task)])
