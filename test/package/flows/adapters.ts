/** The adapters, each as an app around one handler: what a request case is run through. */
import { Hono } from 'hono'
import type { Session, SessionManager } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session as honoSession } from 'latchkey/hono'

export interface AnyData extends Record<string, any> {}
export type AnySession = Session<AnyData, AnyData>
export type AnyManager = SessionManager<AnyData, AnyData>

/** What an app does with the session of each of its managers. Returning nothing answers 200 `ok`. */
export type App = (sessions: readonly AnySession[], request: Request) => unknown

export interface Adapter {
  name: string
  serve(managers: readonly AnyManager[], app: App): (request: Request) => Promise<Response>
}

const INTERNAL = 'Internal Server Error'

const hono: Adapter = {
  name: 'latchkey/hono',
  serve(managers, app) {
    const routes = new Hono()
    managers.forEach((manager, index) => routes.use(honoSession(manager, { as: `session${index}` })))
    routes.all('*', async (c) => {
      const sessions = managers.map((_, index) => c.get(`session${index}` as never) as AnySession)
      return answer(await app(sessions, c.req.raw))
    })
    // Hono's own default, without its console.error.
    routes.onError((error, c) => {
      if (!('getResponse' in error)) return c.text(INTERNAL, 500)
      const response = (error.getResponse as () => Response)()
      return c.newResponse(response.body, response)
    })
    return async (request) => routes.fetch(request)
  },
}

const fetch: Adapter = {
  name: 'latchkey/fetch',
  serve(managers, app) {
    const inside = async (request: Request, sessions: readonly AnySession[]): Promise<Response> => {
      const manager = managers[sessions.length]
      if (!manager) return answer(await app(sessions, request))
      return withSession(manager, (sameRequest, session) => inside(sameRequest, [...sessions, session]))(request)
    }
    // What the app throws is the runtime's to answer.
    return (request) => inside(request, []).catch(() => new Response(INTERNAL, { status: 500 }))
  },
}

export const adapters: readonly Adapter[] = [hono, fetch]

function answer(result: unknown): Response {
  return result instanceof Response ? result : new Response('ok')
}
