/**
 * Whole request flows, the same through every adapter. `flow(adapter)` builds a little app around one manager, over a
 * watched store and a clock that stands still, and a browser to visit it with; each visit brings its own handler.
 */
import { Hono } from 'hono'
import { SessionManager, type Session, type SessionEvent, type SessionOptions, type StandardSchema } from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session as honoSession } from 'latchkey/hono'
import { Browser, type BrowserOptions } from './browser.ts'
import { WatchedStore } from './watched-store.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export interface AnyFlash extends Record<string, any> {}
export interface AnyData extends Record<string, any> {}
export type AnySession = Session<AnyData, AnyFlash>
export type AnyManager = SessionManager<AnyData, AnyFlash>

/** What one visit does. Returning nothing answers 200 `ok`. */
export type Handler = (session: AnySession, request: Request) => unknown
export type Serve = (request: Request, env?: any, ctx?: any) => Promise<Response>

export interface Adapter {
  name: string
  serve(sessions: AnyManager, handler: Handler): Serve
}

/** What the app throws becomes 500 here, as the runtime around a raw handler would answer it. */
const INTERNAL = (): Response => new Response('Internal Server Error', { status: 500 })

const hono: Adapter = {
  name: 'latchkey/hono',
  serve(sessions, handler) {
    const app = new Hono()
    app.use(honoSession(sessions))
    app.all('*', async (c) => answer(await handler(c.get('session' as never) as AnySession, c.req.raw)))
    // Hono's own default handler, without its console.error.
    app.onError((error, c) => {
      if (!('getResponse' in error)) return c.text('Internal Server Error', 500)
      const response = (error.getResponse as () => Response)()
      return c.newResponse(response.body, response)
    })
    return async (request, env, ctx) => app.fetch(request, env, ctx)
  },
}

export const rawFetch: Adapter = {
  name: 'latchkey/fetch',
  serve(sessions, handler) {
    const fetch = withSession(sessions, async (request, session: AnySession, ..._rest: unknown[]) =>
      answer(await handler(session, request)),
    )
    return async (request, env, ctx) => fetch(request, env, ctx).catch(INTERNAL)
  },
}

export const adapters: Adapter[] = [hono, rawFetch]

function answer(result: unknown): Response {
  return result instanceof Response ? result : new Response('ok')
}

export type FlowOptions = Omit<SessionOptions<AnyData>, 'store' | 'now' | 'schema'> & {
  origin?: string
  schema?: StandardSchema<any>
}

export class Flow extends Browser {
  readonly sessions: AnyManager
  readonly store: WatchedStore
  readonly clock: { now: number }
  readonly events: (SessionEvent & { name: string })[]
  readonly serve: Serve
  #handler: { current: Handler }

  constructor(adapter: Adapter, options: FlowOptions = {}) {
    const { origin, on, ...rest } = options
    const clock = { now: Date.UTC(2030, 0, 1) }
    const events: (SessionEvent & { name: string })[] = []
    const store = new WatchedStore()
    const names =
      'created loaded updated touched regenerated destroyed expired rejected conflict merged lost reuse storeError'
    const record = Object.fromEntries(
      names.split(' ').map((name) => [name, (event: SessionEvent) => void events.push({ name, ...event })]),
    )
    const sessions: AnyManager = new SessionManager<AnyData, AnyFlash>({
      ...rest,
      on: { ...record, ...on },
      store,
      now: () => clock.now,
    } as object as SessionOptions<AnyData>)
    const handler: { current: Handler } = { current: () => undefined }
    const serve = adapter.serve(sessions, (session, request) => handler.current(session, request))
    const browserOptions: BrowserOptions = { now: () => clock.now }
    if (origin !== undefined) browserOptions.origin = origin
    super((request) => serve(request), browserOptions)
    this.sessions = sessions
    this.store = store
    this.clock = clock
    this.events = events
    this.serve = serve
    this.#handler = handler
  }

  /** One request by this browser, or by another one. An assertion that fails in the handler fails the test. */
  async visit(handler: Handler, init: RequestInit & { path?: string; by?: Browser } = {}): Promise<Response> {
    let failed: unknown
    this.#handler.current = async (session, request) => {
      try {
        return await handler(session, request)
      } catch (error) {
        if (error instanceof Error && error.name === 'AssertionError') failed = error
        throw error
      }
    }
    const { path = '/', by = this, ...rest } = init
    const response = await by.fetch(path, rest)
    if (failed) throw failed
    return response
  }

  /** What a handler sees of the session in one request. */
  async see<T>(look: (session: AnySession, request: Request) => T | Promise<T>, by: Browser = this): Promise<T> {
    let seen: { value: T } | undefined
    const response = await this.visit(
      async (session, request) => void (seen = { value: await look(session, request) }),
      { by },
    )
    if (!seen) throw new Error(`the handler was not run, or failed: ${response.status}`)
    return seen.value
  }

  /** The names of the events since the last time this was asked. */
  takeEvents(): string[] {
    return this.events.splice(0).map((event) => event.name)
  }
}

export function flow(adapter: Adapter = rawFetch, options?: FlowOptions): Flow {
  return new Flow(adapter, options)
}

/** A promise, and what resolves it. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => (open = resolve))
  return { promise, open }
}
