/**
 * A browser as far as cookies go: applies Set-Cookie after RFC 6265bis (prefixes, Secure, Domain, Path, Max-Age, the
 * 4096 octet limit, replacement by name + domain + path) and sends back what a browser would.
 */

export interface StoredCookie {
  name: string
  value: string
  domain: string
  hostOnly: boolean
  path: string
  secure: boolean
  httpOnly: boolean
  partitioned: boolean
  sameSite: string | undefined
  /** Epoch milliseconds; `undefined` for a cookie that ends with the browser. */
  expires: number | undefined
}

export interface BrowserOptions {
  origin?: string
  now?: () => number
}

export type Send = (request: Request) => Promise<Response>

export class Browser {
  readonly origin: string
  cookies: StoredCookie[] = []
  readonly #send: Send
  readonly #now: () => number

  constructor(send: Send, options: BrowserOptions = {}) {
    this.#send = send
    this.origin = options.origin ?? 'https://shop.example'
    this.#now = options.now ?? (() => Date.now())
  }

  /** The request this browser would send, cookies included. */
  request(path = '/', init: RequestInit = {}): Request {
    const url = new URL(path, this.origin)
    const headers = new Headers(init.headers)
    const cookie = this.header(url)
    if (cookie && !headers.has('cookie')) headers.set('cookie', cookie)
    return new Request(url, { ...init, headers })
  }

  async fetch(path = '/', init: RequestInit = {}): Promise<Response> {
    const request = this.request(path, init)
    const response = await this.#send(request)
    for (const line of response.headers.getSetCookie()) this.accept(line, new URL(request.url))
    return response
  }

  /** The Cookie header for a URL. */
  header(url: URL | string = this.origin): string {
    const { hostname, pathname, protocol } = new URL(url)
    const now = this.#now()
    this.cookies = this.cookies.filter((cookie) => cookie.expires === undefined || cookie.expires > now)
    return this.cookies
      .filter((cookie) => (cookie.hostOnly ? hostname === cookie.domain : domainMatches(hostname, cookie.domain)))
      .filter((cookie) => pathMatches(pathname, cookie.path))
      .filter((cookie) => !cookie.secure || protocol === 'https:' || isLoopback(hostname))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ')
  }

  /** Takes one Set-Cookie line as a browser does: or silently drops it. */
  accept(line: string, url: URL): void {
    const [pair = '', ...rest] = line.split(';')
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    const attributes = new Map(
      rest.map((part) => {
        const [key = '', ...words] = part.split('=')
        return [key.trim().toLowerCase(), words.join('=').trim()] as const
      }),
    )
    if (at < 0 || name.length + value.length > 4096) return
    const given = attributes.get('domain')?.replace(/^\./, '')
    const secure = attributes.has('secure')
    if (given !== undefined && !domainMatches(url.hostname, given)) return
    if (secure && url.protocol !== 'https:' && !isLoopback(url.hostname)) return
    if (attributes.has('partitioned') && !secure) return
    if (attributes.get('samesite')?.toLowerCase() === 'none' && !secure) return
    const path = attributes.get('path')?.startsWith('/') ? (attributes.get('path') as string) : '/'
    if (/^__secure-/i.test(name) && !secure) return
    if (/^__host-/i.test(name) && (!secure || given !== undefined || path !== '/')) return

    const maxAge = attributes.get('max-age')
    const cookie: StoredCookie = {
      name,
      value,
      domain: given ?? url.hostname,
      hostOnly: given === undefined,
      path,
      secure,
      httpOnly: attributes.has('httponly'),
      partitioned: attributes.has('partitioned'),
      sameSite: attributes.get('samesite'),
      expires: maxAge === undefined ? undefined : this.#now() + Math.min(Number(maxAge), 400 * 86_400) * 1000,
    }
    const same = (other: StoredCookie): boolean =>
      other.name === name &&
      other.domain === cookie.domain &&
      other.hostOnly === cookie.hostOnly &&
      other.path === path &&
      other.partitioned === cookie.partitioned
    this.cookies = this.cookies.filter((other) => !same(other))
    if (cookie.expires === undefined || cookie.expires > this.#now()) this.cookies.push(cookie)
  }

  /** The value of a cookie this browser holds. */
  value(name = '__Host-session'): string | undefined {
    return this.cookies.find((cookie) => cookie.name === name)?.value
  }

  /** Puts a cookie there as a visitor, or an attacker on their machine, could. */
  plant(value: string, name = '__Host-session'): void {
    this.accept(`${name}=${value}; Path=/; Secure`, new URL(this.origin))
  }

  /** Closed and opened again: cookies without Max-Age are gone. */
  restart(): void {
    this.cookies = this.cookies.filter((cookie) => cookie.expires !== undefined)
  }

  /** Another browser with a copy of the cookies: what somebody who stole them has. */
  copy(): Browser {
    const thief = new Browser(this.#send, { origin: this.origin, now: this.#now })
    thief.cookies = [...this.cookies]
    return thief
  }
}

function domainMatches(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function pathMatches(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]'
}
