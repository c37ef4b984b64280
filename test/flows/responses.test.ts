/** Every kind of response a handler can return, and what is put on it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SessionStateError } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser } from '../support/browser.ts'
import { adapters, flow, gate, type AnySession, type Flow } from '../support/flow.ts'

let upstream: Server
let upstreamUrl: string

beforeAll(async () => {
  upstream = createServer((request, response) => {
    response.setHeader('Set-Cookie', ['upstream=1; Path=/', 'second=2; Path=/'])
    response.setHeader('X-Upstream', 'yes')
    if (request.url === '/empty') response.writeHead(204).end()
    else if (request.url === '/moved') response.writeHead(301, { Location: '/elsewhere' }).end()
    else response.end('from upstream')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => upstream.close(resolve)))

const SHARED = new Response(null, { status: 204, headers: { 'X-Shared': 'yes' } })

interface Upgraded extends Response {
  webSocket?: object
}

/** What Workers return after an upgrade; Node constructs no 101. */
function upgrade(): Upgraded {
  const response = new Response(null) as Upgraded
  Object.defineProperty(response, 'status', { value: 101 })
  response.webSocket = { accept() {} }
  return response
}

describe.each(adapters)('responses through $name', (adapter) => {
  const kinds: [string, () => Response | Promise<Response>, number][] = [
    ['new Response()', () => new Response(), 200],
    ['new Response(text)', () => new Response('hello'), 200],
    ['Response.json()', () => Response.json({ hello: 1 }), 200],
    ['Response.redirect()', () => Response.redirect('https://shop.example/cart', 303), 303],
    ['204', () => new Response(null, { status: 204 }), 204],
    ['304', () => new Response(null, { status: 304, headers: { ETag: '"a"' } }), 304],
    ['404', () => new Response('no', { status: 404 }), 404],
    ['a stream', () => new Response(new Blob(['hello']).stream()), 200],
    ['a proxied fetch() response', () => fetch(upstreamUrl), 200],
    ['a proxied fetch() response without a body', () => fetch(`${upstreamUrl}/empty`), 204],
    ['a proxied redirect', () => fetch(`${upstreamUrl}/moved`, { redirect: 'manual' }), 301],
    ['a clone()', () => new Response('hello').clone(), 200],
  ]
  it.each(kinds)(
    'F09 P16: %s carries exactly one cookie of ours, and stays what it was',
    async (name, make, status) => {
      const shop = flow(adapter)
      const plain = await make()
      const response = await shop.visit((session) => {
        session.data['cart'] = ['mug']
        return make()
      })
      expect(response.status).toBe(status)
      expect(response.headers.getSetCookie().filter((line) => line.startsWith('__Host-session='))).toHaveLength(1)
      expect(response.headers.get('location')).toBe(plain.headers.get('location'))
      expect(response.headers.get('content-type')).toBe(plain.headers.get('content-type'))
      expect(response.headers.getSetCookie().slice(0, -1)).toEqual(plain.headers.getSetCookie())
      expect(await response.text()).toBe(await plain.text())
      expect(await shop.see((session) => session.data)).toEqual({ cart: ['mug'] })
      expect(name).toBeTruthy()
    },
  )

  it('F09 P16 P19: a module-level response is never mutated, so no visitor gets another’s cookie', async () => {
    const shop = flow(adapter)
    const other = shop.copy()
    const responses = [
      await shop.visit((session) => session.set('a', 1) && SHARED),
      await shop.visit((session) => session.set('a', 1) && SHARED, { by: other }),
      await shop.visit(() => SHARED),
    ]
    const cookies = responses.map((response) => response.headers.getSetCookie())
    expect(cookies.map((lines) => lines.length)).toEqual([1, 1, 0])
    expect(cookies[0]).not.toEqual(cookies[1])
    expect([...SHARED.headers]).toEqual([['x-shared', 'yes']])
    expect(shop.value()).not.toBe(other.value())
  })

  it('F09: a cached response, copied for each visitor, carries each one’s own cookie', async () => {
    const shop = flow(adapter)
    const cached = new Response('page', { headers: { 'Cache-Control': 'public, max-age=60' } })
    const first = await shop.visit((session) => session.set('a', 1) && cached.clone())
    const second = await shop.visit(() => cached.clone(), { by: stranger(shop) })
    expect([await first.text(), await second.text()]).toEqual(['page', 'page'])
    expect(first.headers.get('cache-control')).toBe('private, no-store')
    expect(second.headers.get('cache-control')).toBe('public, max-age=60')
    expect(second.headers.getSetCookie()).toEqual([])
  })

  it('P16: a HEAD request gets the headers of the GET', async () => {
    const shop = flow(adapter)
    const response = await shop.visit((session) => session.set('a', 1) && new Response(null), { method: 'HEAD' })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await shop.see((session) => session.data)).toEqual({ a: 1 })
  })

  it('F10 P16: Response.error() is passed through', async () => {
    const shop = flow(adapter)
    let sent: Response | undefined
    const response = await shop.visit((session) => {
      session.data['cart'] = ['mug']
      return (sent = Response.error())
    })
    expect([response.type, response.status]).toEqual(['error', 0])
    expect(response).toBe(sent)
    expect(await shop.store.rows()).toEqual([])
  })

  it('F10 P16: a 101 upgrade is passed through with its webSocket, and a new session there is not stored', async () => {
    const shop = flow(adapter)
    const sent = upgrade()
    const response = await shop.visit((session) => {
      session.data['cart'] = ['mug']
      return sent
    })
    expect([response.status, (response as Upgraded).webSocket]).toEqual([101, sent.webSocket])
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.store.rows()).toEqual([])
  })

  it('F10 P16: what a stored session learned in a 101 upgrade is kept', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('sockets', 0))
    expect((await shop.visit((session) => session.set('sockets', 1) && upgrade())).status).toBe(101)
    expect(await shop.see((session) => session.data)).toEqual({ sockets: 1 })
  })

  it('F11 P16: the cookie is committed before the first byte of a stream; a later write is a SessionStateError', async () => {
    const shop = flow(adapter)
    const [late, written] = [gate(), gate<unknown[]>()]
    const response = await shop.visit((session) => {
      session.data['cart'] = ['mug']
      return new Response(
        new ReadableStream({
          async start(controller) {
            await late.promise
            written.open(attempts(session))
            controller.enqueue(new TextEncoder().encode('first byte'))
            controller.close()
          },
        }),
      )
    })
    expect(shop.value()).toBeDefined()
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ cart: ['mug'] })
    late.open()
    expect(await response.text()).toBe('first byte')
    for (const error of await written.promise) expect(error).toBeInstanceOf(SessionStateError)
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ cart: ['mug'] })
  })

  it('F11: a late write to the `data` that was picked up before is not silently lost either', async () => {
    const shop = flow(adapter)
    const late: (() => unknown)[] = []
    await shop.visit((session) => {
      const data = session.data
      data['cart'] = ['mug']
      late.push(
        () => (data['n'] = 1),
        () => (data['cart'] = ['pen']),
        () => delete data['cart'],
      )
    })
    for (const write of late) expect(write).toThrow(/committed|read.?only|extensible|delete/)
  })

  it('F11: a stream may still read the session it was started with', async () => {
    const shop = flow(adapter)
    let kept: AnySession | undefined
    await shop.visit((session) => {
      kept = session
      session.subject = 'u_42'
      session.data['cart'] = ['mug']
    })
    expect([kept?.subject, kept?.data, kept?.get('cart')]).toEqual(['u_42', { cart: ['mug'] }, ['mug']])
    expect(kept?.id).toBe((await shop.store.row()).id)
  })

  it('F12 P16: however often a session is saved, one Set-Cookie leaves, with the newest token', async () => {
    const shop = flow(adapter)
    const response = await shop.visit(async (session) => {
      session.data['n'] = 1
      await session.save()
      session.data['n'] = 2
      await session.save()
      session.subject = 'u_42'
      await Promise.all([session.save(), session.save()])
      session.regenerate()
      session.data['n'] = 3
      return Response.redirect('https://shop.example/', 303)
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await shop.see(({ data, subject }) => [data, subject])).toEqual([{ n: 3 }, 'u_42'])
    expect(await shop.store.rows()).toHaveLength(1)
  })

  it('F13: cookies the handler sets itself stay beside ours', async () => {
    const shop = flow(adapter)
    const headers = new Headers()
    headers.append('Set-Cookie', 'theme=dark; Path=/')
    headers.append('Set-Cookie', 'lang=fr; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT')
    const response = await shop.visit((session) => session.set('a', 1) && new Response('ok', { headers }))
    expect(response.headers.getSetCookie()).toEqual([
      'theme=dark; Path=/',
      'lang=fr; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT',
      expect.stringMatching(/^__Host-session=/),
    ])
    expect(shop.cookies.map((cookie) => cookie.name)).toEqual(['theme', 'lang', '__Host-session'])
  })
})

/** Tries every way to write; what each threw. */
function attempts(session: AnySession): unknown[] {
  const writes: (() => unknown)[] = [
    () => (session.data['cart'] = ['pen']),
    () => session.data['cart'].push('pen'),
    () => delete session.data['cart'],
    () => (session.data = {}),
    () => session.set('cart', []),
    () => session.unset('cart'),
    () => session.clear(),
    () => session.update(() => ({})),
    () => session.flash('notice', 'late'),
    () => (session.subject = 'u_1'),
    () => (session.info['a'] = 'b'),
    () => (session.info = { a: 'b' }),
    () => (session.lifetime = { ttl: '1h' }),
    () => session.regenerate(),
    () => session.destroy(),
    () => session.touch(),
    () => session.resetMaxAge(),
  ]
  return writes.map((write) => {
    try {
      return write()
    } catch (error) {
      return error
    }
  })
}

/** A browser that holds no cookie. */
function stranger(shop: Flow): Browser {
  const browser = shop.copy()
  browser.cookies = []
  return browser
}
