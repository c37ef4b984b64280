import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The tests that mutants of src/core are run against: fast and deterministic ones, without processes, servers or models. */
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  test: {
    include: [
      'test/core/*.test.ts',
      'test/flows/*.test.ts',
      'test/stores/cookie*.test.ts',
      'test/stores/revocations*.test.ts',
      'test/protocol/{conflict,faults,own-store,promises,quiet,races,sign-in}.test.ts',
      'test/testing/{clock,faulty,login,store-cases}.test.ts',
    ],
    exclude: [
      // About the shape of the source, or its types.
      'test/core/{arrows,bundle,public-names,schema-types,types}.test.ts',
      // The same rules as their neighbours, many times over.
      'test/core/fuzz-cookies.test.ts',
      'test/flows/{key-rotation,outages-everywhere}.test.ts',
      // Its Node server puts a Response of its own in place of the global one.
      'test/flows/http.test.ts',
    ],
    // Mutants are switched by a global of the worker: one worker for all files of a run, which is many times as fast.
    isolate: false,
    testTimeout: 5_000,
    hookTimeout: 5_000,
  },
})
