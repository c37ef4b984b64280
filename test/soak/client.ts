/** A browser in as few lines as can be: one cookie, sent and kept. */
import type { Session, SessionManager } from 'latchkey'

export type Data = { n?: number; a?: string; b?: string }
export type Sessions = SessionManager<Data>
export type Visit = Session<Data>

export class Client {
  token: string | undefined
  constructor(token?: string) {
    this.token = token
  }

  request(init: RequestInit = {}): Request {
    const headers = new Headers(init.headers)
    if (this.token) headers.set('cookie', `__Host-session=${this.token}`)
    return new Request('https://shop.example/', { ...init, headers })
  }

  /** One request; what the handler returned. */
  async visit<T>(sessions: Sessions, handler: (session: Visit) => T | Promise<T>): Promise<T> {
    const session = await sessions.load(this.request())
    const result = await handler(session)
    this.keep(await sessions.commit(session, new Response('ok')))
    return result
  }

  keep(response: Response): void {
    for (const header of response.headers.getSetCookie()) {
      const match = /^__Host-session=([^;]*)/.exec(header)
      if (match) this.token = match[1] || undefined
    }
  }
}
