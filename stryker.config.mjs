/**
 * Mutation testing of src/core: `npm run mutants`, or a part of it with `npm run mutants -- --mutate src/core/policy.ts`.
 * Each change of one operator, constant or branch should make a test fail; what survives is read (docs/reliability.md).
 */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutants.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: ['src/core/**/*.ts', '!src/core/index.ts', '!src/core/types.ts', '!src/core/store-model.ts'],
  // Texts of messages are most of the string literals, and are for people: tests hold their codes and the names in them.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 5_000,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, skipFull: false },
  jsonReporter: { fileName: 'data/mutants/report.json' },
  incrementalFile: 'data/mutants/incremental.json',
  tempDirName: 'data/mutants/sandbox',
  // Stryker would rewrite the paths in it with TypeScript's old API, which TypeScript 7 has not; nothing here needs that.
  tsconfigFile: 'none',
  disableTypeChecks: false,
  ignorePatterns: ['bench', 'data', 'dist', 'docs', '.ci'],
  allowConsoleColors: false,
}
