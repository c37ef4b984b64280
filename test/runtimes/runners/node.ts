import { test } from 'node:test'
import { MemoryStore } from '../../../src/stores/memory.ts'
import { storeCases } from '../../../src/testing/index.ts'

for (const { name, run, skip } of storeCases(() => new MemoryStore())) test(name, { skip: skip ?? false }, run)
