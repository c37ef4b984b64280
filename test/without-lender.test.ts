/** What the tests of tokens, signatures and seals say on Node's own synchronous crypto holds without it, to the letter. */
import './support/without-lender.ts'
import { expect, it } from 'vitest'
import { lent } from '../src/core/bytes.ts'
import './core/bytes.test.ts'
import './core/csrf.test.ts'
import './core/keys.test.ts'
import './core/token.test.ts'
import './flows/spared.test.ts'
import './stores/cookie-keys.test.ts'
import './stores/cookie-seal.test.ts'
import './stores/encrypted-keys.test.ts'
import './stores/encrypted-tampering.test.ts'

it('the runtime of this file lends nothing', () => {
  expect(lent).toBeUndefined()
})
