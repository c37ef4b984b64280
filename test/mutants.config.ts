/** What Stryker runs against each mutant: the tests of core that are quick and certain, without processes or servers. */
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../vitest.config.ts'

export default defineConfig({
  resolve: mergeConfig({}, { alias: (base as { resolve: { alias: never } }).resolve.alias }),
  test: {
    include: [
      'test/core/*.test.ts',
      'test/flows/{rotation,sign-in,visitors,session-*,headless,in-flight,responses,cookies}.test.ts',
    ],
    exclude: ['test/core/{fuzz-cookies,bundle,arrows,public-names,sweep,secret}.test.ts', 'test/core/*types.test.ts'],
    testTimeout: 5_000,
  },
})
