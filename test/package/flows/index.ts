/** The F cases: request and response, the same through every adapter, over every store, in every runtime. */
import type { StoreCase } from 'latchkey/testing'
import { casesFor } from './case.ts'
import { cookieFlows } from './cookies.ts'
import { dataFlows } from './data.ts'
import { failureFlows } from './failures.ts'
import { responseFlows } from './responses.ts'
import { signInFlows } from './sign-in.ts'
import type { Place } from './site.ts'
import { visitorFlows } from './visitors.ts'

export { adapters } from './adapters.ts'

const FLOWS = [...visitorFlows, ...signInFlows, ...dataFlows, ...failureFlows, ...responseFlows, ...cookieFlows]

export function flowCases(place: Place): Promise<StoreCase[]> {
  return casesFor(
    FLOWS.toSorted((a, b) => a.title.slice(0, 3).localeCompare(b.title.slice(0, 3))),
    place,
  )
}
