import { test } from 'bun:test'
import { MemoryStore } from '../../../src/stores/memory.ts'
import { storeCases } from '../../../src/testing/index.ts'

for (const { name, run, skip } of storeCases(() => new MemoryStore())) test.skipIf(skip !== undefined)(name, run)
