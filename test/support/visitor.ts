/** A browser over a manager of one's own, through the raw fetch adapter; each visit brings its handler. */
import type { Session, SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { Browser } from './browser.ts'

type Shop = Record<string, any>

type Handle = (session: Session<Shop>, request: Request) => unknown

export function visitor(sessions: SessionManager<Shop>) {
  let handle: Handle = () => undefined
  const browser = new Browser(
    withSession(sessions, async (request, session) => {
      const result = await handle(session, request)
      return result instanceof Response ? result : new Response('ok')
    }),
  )
  const visit = (next: Handle): Promise<Response> => {
    handle = next
    return browser.fetch()
  }
  const see = async <T>(look: (session: Session<Shop>, request: Request) => T): Promise<Awaited<T>> => {
    const found: Awaited<T>[] = []
    await visit(async (session, request) => void found.push(await look(session, request)))
    return found[0] as Awaited<T>
  }
  return { browser, visit, see }
}
