/**
 * What stays open, in each runtime: the session is read before the first byte and before the upgrade, later looks are made
 * with the token, and nothing is thrown on the way (P16).
 */
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { root, start } from './process.ts'
import { startWorker } from './worker.ts'

/** Somebody with one cookie, and what came back. */
class Visitor {
  readonly #origin: string
  cookie = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  async send(method: string, path: string): Promise<Response> {
    const response = await fetch(this.#origin + path, { method, headers: this.#headers() })
    const [line] = response.headers.getSetCookie()
    if (line !== undefined) this.cookie = /^[^;]*/.exec(line)?.[0] ?? ''
    return response
  }

  /** An event at a time, as data; `undefined` at the end of the stream. */
  async events(): Promise<{ response: Response; next: () => Promise<unknown> }> {
    const response = await this.send('GET', '/events')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const decoder = new TextDecoder()
    onTestFinished(() => reader.cancel())
    let text = ''
    const next = async (): Promise<unknown> => {
      for (;;) {
        const [whole, data] = /^data: (.*)\n\n/.exec(text) ?? []
        if (whole !== undefined && data !== undefined) {
          text = text.slice(whole.length)
          return JSON.parse(data)
        }
        const { done, value } = await reader.read()
        if (done) return undefined
        text += decoder.decode(value, { stream: true })
      }
    }
    return { response, next }
  }

  /** An open socket; `ask` is what it answers. */
  async socket(): Promise<{ ask: () => Promise<unknown> }> {
    const url = this.#origin.replace(/^http/, 'ws') + '/socket'
    // Browsers send their cookies with the handshake; here they are a header, which only Node's own WebSocket takes.
    const socket = new WebSocket(url, { headers: this.#headers() } as unknown as string[])
    onTestFinished(() => socket.close())
    await once(socket, 'open')
    const ask = async (): Promise<unknown> => {
      const answer = once(socket, 'message')
      socket.send('?')
      return JSON.parse(String(((await answer) as MessageEvent).data))
    }
    return { ask }
  }

  #headers(): Record<string, string> {
    return this.cookie === '' ? {} : { cookie: this.cookie }
  }
}

function once(socket: WebSocket, name: 'open' | 'message'): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { once: true })
    socket.addEventListener('error', () => reject(new Error('The socket failed.')), { once: true })
    socket.addEventListener('close', () => reject(new Error('The socket was closed.')), { once: true })
  })
}

const live = (name: string): string => join(root, 'examples/live', name)
const RUNTIMES: Record<string, () => Promise<{ origin: string; log?: () => string }>> = {
  workerd: () => startWorker('live/worker.ts'),
  Deno: () => {
    const permissions = ['--allow-net=localhost', '--allow-env=PORT']
    const flags = ['run', '--node-modules-dir=manual', '--no-lock', ...permissions, live('deno.ts')]
    return start('deno', flags, { env: { PORT: '0' } })
  },
  Bun: () => start('bun', [live('bun.ts')], { env: { PORT: '0' } }),
  Node: () => start('node', [live('node.ts')], { env: { PORT: '0' } }),
}
const WITH_SOCKETS = Object.keys(RUNTIMES).filter((name) => name !== 'Node')

async function visitorOf(runtime: string): Promise<Visitor> {
  const { origin } = await (RUNTIMES[runtime] as (typeof RUNTIMES)[string])()
  return new Visitor(origin)
}

describe.each(Object.keys(RUNTIMES))('Server-Sent Events on %s', (runtime) => {
  it('see what other requests change, and end with the session', async () => {
    const visitor = await visitorOf(runtime)
    await visitor.send('POST', '/sign-in')
    const { response, next } = await visitor.events()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await next()).toEqual({ subject: 'u_ada', count: 0, sockets: 0 })
    await visitor.send('POST', '/count')
    expect(await next()).toEqual({ subject: 'u_ada', count: 1, sockets: 0 })
    await visitor.send('POST', '/sign-out')
    expect(await next()).toEqual({ ended: true })
    expect(await next()).toBeUndefined()
  })

  it('tell a stranger that there is nothing, and store no session for having looked (P2)', async () => {
    const visitor = await visitorOf(runtime)
    const { response, next } = await visitor.events()
    expect(response.headers.getSetCookie()).toEqual([])
    expect([await next(), await next()]).toEqual([{ ended: true }, undefined])
  })
})

describe.each(WITH_SOCKETS)('a WebSocket on %s', (runtime) => {
  it('knows the session it was opened with, sees what changes, and that it ended', async () => {
    const visitor = await visitorOf(runtime)
    await visitor.send('POST', '/sign-in')
    const { ask } = await visitor.socket()
    // What the handler wrote before the upgrade is kept.
    expect(await ask()).toEqual({ subject: 'u_ada', count: 0, sockets: 1 })
    await visitor.send('POST', '/count')
    expect(await ask()).toEqual({ subject: 'u_ada', count: 1, sockets: 1 })
    await visitor.send('POST', '/sign-out')
    expect(await ask()).toEqual({ ended: true })
    expect(await ask()).toEqual({ ended: true })
  })

  it('opens for a stranger too, whose new session is not stored (P16)', async () => {
    const visitor = await visitorOf(runtime)
    const { ask } = await visitor.socket()
    expect(await ask()).toEqual({ ended: true })
    expect(await (await visitor.send('POST', '/count')).json()).toEqual({ count: 1, sockets: 0 })
  })
})
