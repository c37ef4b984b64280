/** What a request case is, and how a list of them becomes what the conformance kit's cases are: for any runner, or none. */
import type { StoreCase } from 'latchkey/testing'
import { Site, type Place, type SiteOptions } from './site.ts'

/** One case of `F01` to `F25`, told through requests and responses. */
export interface FlowCase {
  /** A sentence that begins with the case's number. */
  title: string
  /** `row`: a record on the server. `end`: an end that reaches copies of the cookie, by a row or by `revocations`. */
  needs?: keyof typeof LACKING
  /** @param open makes an app over a fresh store; it is closed when the case is over */
  run(open: (options?: SiteOptions) => Promise<Site>): Promise<void>
}

/** Why a case is not run where the record lives in the token. */
const LACKING = {
  row: 'the record lives in the token: the store keeps no row',
  end: 'a copied cookie outlives its end, without `revocations`',
}

/** The cases for one adapter over one store. */
export async function casesFor(flows: readonly FlowCase[], place: Place): Promise<StoreCase[]> {
  const { store, close } = await place.subject.open()
  const lacks = {
    row: store.capabilities?.carriesRecord === true,
    end: store.capabilities?.carriesRecord === true && !('revocations' in store && store.revocations),
  }
  await close()
  return flows.map(({ title, needs, run }) => {
    if (needs && lacks[needs]) {
      const skip = LACKING[needs]
      return { name: title, skip, run: () => Promise.reject(new Error(`Not tested: ${skip}.`)) }
    }
    return {
      name: title,
      run: async () => {
        const sites: Site[] = []
        try {
          await run(async (options) => {
            const site = await Site.open(place, options)
            sites.push(site)
            return site
          })
        } finally {
          for (const { close: end } of sites.toReversed()) await end()
        }
      },
    }
  })
}
