/** `latchkey/testing`: the conformance kit for stores, and helpers for tests of applications. Needs no test runner. */
export { storeCases } from './store-cases.ts'
export { testClock, type TestClock } from './clock.ts'
export { faulty, FaultyStore, type FailOptions, type Release, type StoreMethod } from './faulty.ts'
export { loginAs, type LoginOptions } from './login.ts'
export type { StoreCase, StoreCaseOptions } from './case.ts'
