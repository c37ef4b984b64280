/** A browser as far as cookies go, and the checks that every contestant passes before it is timed. */
import { answer, ORIGIN, seedData, type Contestant, type Fetch, type Scenario, type World } from './contestant.ts'

/** What browsers keep of a cookie, name and value. */
const COOKIE_LIMIT = 4096

/** Cookies by name. */
export type Jar = ReadonlyMap<string, string>

export class CheckFailed extends Error {}

/** One request, and the jar afterwards. */
export async function visit(fetch: Fetch, path: string, jar: Jar = new Map()): Promise<{ text: string; jar: Jar }> {
  const response = await fetch(requestTo(path, headerOf(jar)))
  if (response.status !== 200) throw new CheckFailed(`${path} answered ${response.status}: ${await response.text()}`)
  const after = new Map(jar)
  for (const line of response.headers.getSetCookie()) {
    const [pair = ''] = line.split(';', 1)
    if (pair.length - 1 > COOKIE_LIMIT)
      throw new CheckFailed(`a cookie of ${pair.length - 1} bytes, which no browser keeps`)
    const at = pair.indexOf('=')
    if (pair.length === at + 1 || /max-age=0\b/i.test(line)) after.delete(pair.slice(0, at))
    else after.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return { text: await response.text(), jar: after }
}

export function headerOf(jar: Jar): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

export function requestTo(path: string, cookie: string): Request {
  return new Request(ORIGIN + path, cookie === '' ? undefined : { headers: { cookie } })
}

/** The cookies of new sessions. */
export async function seeded(world: World, fetch: Fetch, count: number): Promise<string[]> {
  if (world.cookies) return world.cookies(count)
  const cookies: string[] = []
  while (cookies.length < count) cookies.push(headerOf((await visit(fetch, '/seed')).jar))
  return cookies
}

/** A cookie header of the right name that nobody made. */
export function garbage(cookie: string): string {
  return `${cookie.slice(0, cookie.indexOf('='))}=garbage-that-nobody-ever-made`
}

/** The same cookie, but for one character past its middle: of the secret, the signature or the sealed text. */
export function tampered(cookie: string): string {
  const [first = ''] = cookie.split(';', 1)
  const from = first.indexOf('=') + 1
  let at = from + Math.floor((first.length - from) * 0.7)
  // Neither a separator nor a part of `%2B`: what stays well-formed costs the most.
  while (at < first.length && (!/[A-Za-z0-9]/.test(first[at] ?? '') || first.slice(at - 2, at).includes('%'))) at++
  return cookie.slice(0, at) + (cookie[at] === 'b' ? 'c' : 'b') + cookie.slice(at + 1)
}

async function read(fetch: Fetch, cookie: string): Promise<string> {
  return (await fetch(requestTo('/read', cookie))).text()
}

/** Throws unless the contestant does in this scenario what its name says. */
export async function check({ kind }: Contestant, world: World, scenario: Scenario, payload: number): Promise<void> {
  const fetch = await world.app()
  const size = seedData(payload).text.length
  const expected = { anonymous: answer(null), seeded: `0:${size}`, ...world.answers }
  const is = (text: string, wanted: string): void => {
    if (text !== wanted) throw new CheckFailed(`${scenario}: answered ${text.slice(0, 60)}, not ${wanted}`)
  }
  if (kind === 'none') return is((await visit(fetch, '/read')).text, 'ok')
  if (scenario === 'anonymous') return is((await visit(fetch, '/none')).text, 'ok')
  if (scenario === 'anonymous, looked at') return is((await visit(fetch, '/read')).text, expected.anonymous)
  if (scenario === 'sign-in') {
    const { text, jar } = await visit(fetch, '/login')
    is(text, `0:${size}:u_42`)
    return is((await visit(await world.app(), '/read', jar)).text, `0:${size}`)
  }
  if (world.cookies) {
    const [cookie = ''] = await world.cookies(1)
    if (scenario.startsWith('garbage')) return is(await read(fetch, garbage(cookie)), expected.anonymous)
    if (scenario === 'tampered') return is(await read(fetch, tampered(cookie)), expected.anonymous)
    return is(await read(fetch, cookie), expected.seeded)
  }
  const { jar } = await visit(fetch, '/seed')
  if (jar.size === 0) throw new CheckFailed('a session without a cookie')
  if (scenario.startsWith('garbage')) return is(await read(fetch, garbage(headerOf(jar))), expected.anonymous)
  if (scenario === 'tampered') {
    is(await read(fetch, tampered(headerOf(jar))), expected.anonymous)
    return is(await read(fetch, headerOf(jar)), expected.seeded)
  }
  // Another instance over the same secret and store must find it: nothing lives in the instance.
  const other = await world.app()
  is((await visit(other, '/read', jar)).text, expected.seeded)
  if (scenario === 'write') {
    const written = await visit(other, '/write', jar)
    is(written.text, `1:${size}`)
    is((await visit(fetch, '/read', written.jar)).text, `1:${size}`)
  }
  if (scenario === 'sign-in, from a session') {
    const signedIn = await visit(other, '/login', jar)
    is(signedIn.text, `1:${size}:u_42`)
    if (headerOf(signedIn.jar) === headerOf(jar)) throw new CheckFailed('a sign-in that kept the token')
    is((await visit(fetch, '/read', signedIn.jar)).text, `1:${size}`)
    // A sealed cookie has no other end than its own; a store's old token must be dead.
    if (kind !== 'sealed') is(await read(fetch, headerOf(jar)), expected.anonymous)
  }
}
