/** Ends every run with one line that a script can read: `N passed, N failed`, and `, N skipped` where there were any. */
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

export class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      // A file or a suite that breaks outside its tests is a failure of its own.
      count.failed += [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length
      for (const test of module.children.allTests()) count[test.result().state]++
    }
    const skipped = count.skipped + count.pending
    const total = `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
    console.log(`Node ${process.version}\n${total}`)
  }
}
