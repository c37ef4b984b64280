/** Responses: every kind a handler can return, and what is put on it (F09 to F13). */
import { SessionStateError } from 'latchkey'
import { check, same, throws } from './assert.ts'
import type { AnySession } from './adapters.ts'
import type { FlowCase } from './case.ts'
import { setting } from './site.ts'

interface Upgraded extends Response {
  webSocket?: unknown
}

/** What Workers return after an upgrade; other runtimes make no such response by hand, so one that says 101 stands for it. */
function upgrade(): Upgraded {
  const { WebSocketPair } = globalThis as { WebSocketPair?: new () => Record<string, { accept?: () => void }> }
  if (WebSocketPair) {
    const [client, server] = Object.values(new WebSocketPair())
    server?.accept?.()
    return new Response(null, { status: 101, webSocket: client } as ResponseInit)
  }
  const response: Upgraded = new Response(null)
  Object.defineProperty(response, 'status', { value: 101 })
  return Object.assign(response, { webSocket: {} })
}

const WRITES: readonly ((session: AnySession) => unknown)[] = [
  (session) => (session.data['cart'] = ['pen']),
  (session) => session.set('cart', ['pen']),
  (session) => session.clear(),
  (session) => session.flash('notice', 'late'),
  (session) => (session.subject = 'u_1'),
  (session) => session.regenerate(),
  (session) => session.destroy(),
]

export const responseFlows: readonly FlowCase[] = [
  {
    title: 'F09 P16 new Response(), Response.json(), a redirect and a response without a body carry one cookie of ours',
    async run(open) {
      const kinds: [() => Response, number][] = [
        [() => new Response(), 200],
        [() => Response.json({ hello: 1 }), 200],
        [() => Response.redirect('https://shop.example/cart', 303), 303],
        [() => new Response(null, { status: 204 }), 204],
        [() => new Response('hello').clone(), 200],
      ]
      for (const [make, status] of kinds) {
        const site = await open()
        const plain = make()
        const response = await site.visit((session) => session.set('cart', ['mug']) && make())
        same([response.status, setting(response).length], [status, 1], 'status and Set-Cookie lines')
        same(response.headers.get('location'), plain.headers.get('location'), 'Location')
        same(await response.text(), await plain.text(), 'the body')
        same(await site.see((session) => session.data), { cart: ['mug'] }, 'the data')
      }
    },
  },
  {
    title: 'F09 P16 a proxied fetch() response carries the cookie, beside its own headers and cookies',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => session.set('cart', ['mug']) && fetch(site.place.upstream))
      same([response.status, await response.text()], [200, 'from upstream'], 'the answer')
      same(response.headers.get('x-upstream'), 'yes', 'X-Upstream')
      same([setting(response).length, setting(response, 'upstream').length], [1, 1], 'Set-Cookie lines')
      same(await site.see((session) => session.data), { cart: ['mug'] }, 'the data')
    },
  },
  {
    title: 'F09 P16 P19 a cached response is never changed: each visitor gets their own cookie, the next one none',
    async run(open) {
      const site = await open()
      const cached = new Response(null, { status: 204, headers: { 'X-Cached': 'yes' } })
      const lines: string[] = []
      for (const by of [site.browser, site.stranger()]) {
        const response = await site.visit((session) => session.set('n', 1) && cached, { by })
        same([response.status, setting(response).length], [204, 1], 'status and Set-Cookie lines')
        lines.push(...setting(response))
      }
      check(lines[0] !== lines[1], 'Two visitors got the same cookie.')
      const third = await site.visit(() => cached, { by: site.stranger() })
      same([third.headers.getSetCookie(), [...cached.headers]], [[], [['x-cached', 'yes']]], 'what was left on it')
    },
  },
  {
    title: 'F10 P16 Response.error() is passed through, and a new session there is not stored',
    async run(open) {
      const site = await open()
      const response = await site.visit((session) => session.set('cart', ['mug']) && Response.error())
      same([response.type, response.status, site.calls()], ['error', 0, 0], 'type, status and store calls')
      same(site.browser.cookies, [], 'the cookies')
    },
  },
  {
    title: 'F10 P16 a 101 upgrade is passed through with its webSocket, and a new session there is not stored',
    async run(open) {
      const site = await open()
      const sent = upgrade()
      const socket = sent.webSocket
      check(socket !== undefined && socket !== null, 'The upgrade has no socket.')
      const response: Upgraded = await site.visit((session) => session.set('cart', ['mug']) && sent)
      same([response.status, response.headers.getSetCookie()], [101, []], 'status and Set-Cookie lines')
      check(response.webSocket === socket, 'The socket is lost.')
      same(site.calls(), 0, 'store calls')
    },
  },
  {
    title: 'F11 P16 the cookie is committed before the first byte of a stream; a later write is a SessionStateError',
    async run(open) {
      const site = await open()
      const started = Promise.withResolvers<void>()
      const written = Promise.withResolvers<void>()
      const response = await site.visit((session) => {
        session.set('cart', ['mug'])
        const late = async (): Promise<void> => {
          await started.promise
          for (const write of WRITES) throws(() => write(session), SessionStateError, 'a late write')
          same([session.get('cart'), typeof session.id], [['mug'], 'string'], 'what the stream reads')
        }
        const body = new ReadableStream<Uint8Array>({
          async start(controller) {
            await late().then(written.resolve, written.reject)
            controller.enqueue(new TextEncoder().encode('first byte'))
            controller.close()
          },
        })
        return new Response(body)
      })
      same(setting(response).length, 1, 'Set-Cookie lines')
      same(await site.see((session) => session.data), { cart: ['mug'] }, 'the data, before the first byte')
      started.resolve()
      same(await response.text(), 'first byte', 'the body')
      await written.promise
      same(await site.see((session) => session.data), { cart: ['mug'] }, 'the data, after the last byte')
    },
  },
  {
    title: 'F12 P16 however often a session is saved in a request, one Set-Cookie leaves, with the newest token',
    async run(open) {
      const site = await open()
      const response = await site.visit(async (session) => {
        session.set('n', 1)
        await session.save()
        session.set('n', 2)
        await session.save()
        session.subject = 'u_42'
        await Promise.all([session.save(), session.save()])
        session.set('n', 3)
        return Response.redirect('https://shop.example/', 303)
      })
      same([response.status, setting(response).length], [303, 1], 'status and Set-Cookie lines')
      same(await site.see(({ subject, data }) => [subject, data]), ['u_42', { n: 3 }], 'the session')
    },
  },
  {
    title: 'F13 cookies that the app sets itself survive beside ours',
    async run(open) {
      const site = await open()
      const headers = new Headers()
      headers.append('Set-Cookie', 'theme=dark; Path=/')
      headers.append('Set-Cookie', 'lang=fr; Path=/; Expires=Wed, 01 Jan 2098 00:00:00 GMT')
      const response = await site.visit((session) => session.set('n', 1) && new Response('ok', { headers }))
      same(response.headers.getSetCookie().slice(0, 2), headers.getSetCookie(), 'the cookies of the app')
      same(setting(response).length, 1, 'ours')
      for (const name of ['theme', 'lang', '__Host-session'])
        check(site.browser.value(name) !== undefined, `The browser has no cookie ${name}.`)
    },
  },
]
