/** What the tests of revocations share: two instances of an app over one sealed cookie and one store of revocations. */
import { CookieStore } from 'latchkey/stores/cookie'
import type { SessionOptions, SessionRecord, Store } from 'latchkey'
import { Site, STORES } from '../protocol/site.ts'
import { SECRET, type Data } from './sealed.ts'

type Options = Omit<SessionOptions<Data>, 'store' | 'now'>

/** Every kind of store that keeps what it is given, as the memory of a sealed cookie. */
export const MEMORIES: { name: string; open: (options?: Options) => Site }[] = STORES.map(({ name, open }) => ({
  name,
  open: (options) => {
    const [one, two] = open().map((revocations) => new CookieStore({ secret: SECRET, revocations }))
    return new Site([one, two] as [CookieStore, CookieStore], options)
  },
}))

/** One site over one store. */
export function siteOver(revocations: Store, options?: Options): Site {
  const store = new CookieStore({ secret: SECRET, revocations })
  return new Site([store, store], options)
}

/** The marks a store holds. */
export async function marksIn(store: Store): Promise<SessionRecord[]> {
  const marks: SessionRecord[] = []
  for await (const mark of store.all?.() ?? []) marks.push(mark)
  return marks
}

/** What the tokens open, as the number of those that open anything. */
export async function opening(site: Site, tokens: readonly (string | undefined)[]): Promise<number> {
  const found = await Promise.all(tokens.filter(Boolean).map((token) => site.data(token as string)))
  return found.filter((data) => data !== undefined).length
}
