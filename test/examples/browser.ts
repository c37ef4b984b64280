/**
 * A browser without JavaScript, for tests: real HTTP by `fetch`, a real cookie jar, the headers that browsers add to a
 * navigation, redirects followed by GET, and forms that are filled in and submitted as the page wrote them.
 */
import { serve } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import { CookieJar, type Cookie } from 'tough-cookie'

export interface Page {
  url: URL
  status: number
  headers: Headers
  html: string
  /** What a reader sees: no tags, entities resolved, white space as one space. */
  text: string
  /** Every answer on the way here, redirects included. */
  trail: { status: number; headers: Headers }[]
}

export class Browser {
  readonly origin: string
  readonly #userAgent: string
  jar = new CookieJar()
  page: Page | undefined

  constructor(origin: string, userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0') {
    this.origin = origin
    this.#userAgent = userAgent
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.send('GET', path, undefined, { 'Sec-Fetch-Site': 'none', ...headers })
  }

  /** Posts a form as a page of this site would. */
  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.send('POST', path, new URLSearchParams(fields), {
      Origin: this.origin,
      'Sec-Fetch-Site': 'same-origin',
      ...headers,
    })
  }

  /**
   * Submits the form of the current page whose action this is, and whose HTML contains `containing`: the fields as the page
   * filled them in, with `fields` typed over them. A box is checked by giving its value.
   */
  submit(action: string, fields: Record<string, string> = {}, containing = ''): Promise<Page> {
    const forms = this.page?.html.match(/<form\b[\s\S]*?<\/form>/g) ?? []
    const form = forms.find((text) => attribute(text, 'action') === action && text.includes(containing))
    if (form === undefined)
      throw new Error(`The page has no form for ${action} with ${containing || 'anything'} in it.`)
    const filled: Record<string, string> = {}
    for (const input of form.match(/<input\b[^>]*>/g) ?? []) {
      const name = attribute(input, 'name') ?? ''
      if (attribute(input, 'type') !== 'checkbox' || /\schecked\b/.test(input))
        filled[name] = attribute(input, 'value') ?? ''
      else if (name in fields && fields[name] !== attribute(input, 'value'))
        throw new Error(`No such value of ${name}.`)
      else filled[name] ??= undefined as unknown as string
    }
    for (const [name, value] of Object.entries(fields)) {
      if (!(name in filled)) throw new Error(`The form for ${action} has no field ${name}.`)
      filled[name] = value
    }
    return this.post(action, Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== undefined)))
  }

  async send(method: string, path: string, body: BodyInit | undefined, headers: Record<string, string>): Promise<Page> {
    let url = new URL(path, this.origin)
    const trail: Page['trail'] = []
    let init: RequestInit = { method, body: body ?? null }
    for (;;) {
      const cookie = await this.jar.getCookieString(url.href)
      const all = { 'User-Agent': this.#userAgent, ...headers, ...(cookie ? { Cookie: cookie } : {}) }
      const response = await fetch(url, { ...init, headers: all, redirect: 'manual' })
      for (const header of response.headers.getSetCookie()) await this.jar.setCookie(header, url.href)
      trail.push({ status: response.status, headers: response.headers })
      const location = response.headers.get('location')
      if (location === null || trail.length > 5) {
        const html = await response.text()
        this.page = { url, status: response.status, headers: response.headers, html, text: readable(html), trail }
        return this.page
      }
      await response.arrayBuffer()
      url = new URL(location, url)
      if (url.origin !== this.origin) throw new Error('The site sent the browser elsewhere.')
      init = { method: 'GET' }
    }
  }

  async cookie(name = 'session'): Promise<Cookie | undefined> {
    return (await this.jar.getCookies(this.origin)).find((cookie) => cookie.key === name)
  }

  async cookieHeader(): Promise<string> {
    return this.jar.getCookieString(this.origin)
  }

  /** Closes the browser and opens it again: cookies without an age are gone. */
  async restart(): Promise<void> {
    const kept = (await this.jar.getCookies(this.origin)).filter((cookie) => cookie.isPersistent())
    this.jar = new CookieJar()
    for (const cookie of kept) await this.jar.setCookie(cookie, this.origin)
    this.page = undefined
  }

  /** Fills in and sends the sign-in form. */
  async signIn(login = 'ada', fields: Record<string, string> = {}): Promise<Page> {
    if (!this.page?.html.includes('action="/sign-in"')) await this.get('/sign-in')
    return this.submit('/sign-in', { login, password: 'open sesame', ...fields })
  }
}

/** Serves an app on a free port of this machine, until `close`. */
export async function listen(app: { fetch: (request: Request) => Response | Promise<Response> }): Promise<{
  origin: string
  close: () => Promise<void>
}> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done())
      if ('closeAllConnections' in server) server.closeAllConnections()
    })
  return { origin: `http://127.0.0.1:${port}`, close }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : unescape(value)
}

function readable(html: string): string {
  const body = html.replace(/<head>[\s\S]*?<\/head>/, ' ')
  return unescape(body.replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()
}

function unescape(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '')
}
