/** Transport: where a request carries its token, by cookie or as a bearer credential (RFC 6750), and nothing of its truth. */
import { isSecureRequest, readChunks } from './cookie.ts'
import type { Settings } from './settings.ts'

/** `'cookie'`, or `'bearer'` for `Authorization: Bearer <token>`. */
export type Transport = 'cookie' | 'bearer'

/** What a request carries, and how its answer would be sent. */
export interface Carried {
  token: string | undefined
  transport: Transport
  /** The cookie name of this request's scheme, and whether it is `Secure`. */
  cookieName: string
  secure: boolean
  /** How many cookies of ours came along: `destroy()` clears as many. */
  cookies: number
}

/** The cookie name of a request's scheme, and whether its cookie is `Secure`. */
export function cookieFor(
  request: Request,
  { cookie, trustProxy }: Pick<Settings, 'cookie' | 'trustProxy'>,
): Pick<Carried, 'cookieName' | 'secure'> {
  const secure = isSecureRequest(request, cookie, trustProxy)
  return { cookieName: secure ? cookie.secureName : cookie.plainName, secure }
}

/** The candidates of a request, in the order the transports are asked; the last stands for a new session. */
export function carriedBy(
  request: Request,
  settings: Pick<Settings, 'transports' | 'cookie' | 'trustProxy'>,
): Carried[] {
  const carried: Carried[] = []
  for (const transport of settings.transports)
    carried.push(transport === 'bearer' ? byBearer(request) : byCookie(request, settings))
  return carried
}

function byBearer({ headers }: Request): Carried {
  const token = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
  return { token, transport: 'bearer', cookieName: '', secure: true, cookies: 0 }
}

function byCookie(request: Request, settings: Pick<Settings, 'cookie' | 'trustProxy'>): Carried {
  const { cookieName, secure } = cookieFor(request, settings)
  const header = request.headers.get('cookie')
  const found = header ? readChunks(header, cookieName, settings.cookie.chunks) : undefined
  return { token: found?.value || undefined, transport: 'cookie', cookieName, secure, cookies: found?.cookies ?? 0 }
}
