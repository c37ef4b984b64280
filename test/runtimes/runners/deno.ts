import { MemoryStore } from '../../../src/stores/memory.ts'
import { storeCases } from '../../../src/testing/index.ts'

for (const { name, run, skip } of storeCases(() => new MemoryStore()))
  Deno.test({ name, ignore: skip !== undefined, fn: run })
