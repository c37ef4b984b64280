/** Servers for browsers: any Fetch handler over http or https on a free port, and the example shop on a file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'
import { SessionManager } from 'latchkey'
import { LibsqlStore } from 'latchkey/stores/libsql'
import { createApp } from '../../examples/app/app.ts'
import { shopOptions, type Notes, type Shop } from '../../examples/app/shop.ts'
import { cert, key } from './certificate.ts'

export type Scheme = 'http' | 'https'

export interface Site {
  port: number
  /** `http://localhost:port`, or `https://shop.test:port`. */
  origin: string
  /** Every request since the start, as `GET /cart`. */
  requests: string[]
  close(): Promise<void>
}

export async function listen(scheme: Scheme, fetch: (request: Request) => Response | Promise<Response>): Promise<Site> {
  const requests: string[] = []
  const server = serve({
    fetch: (request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`)
      return fetch(request)
    },
    hostname: '127.0.0.1',
    port: 0,
    ...(scheme === 'https' ? { createServer, serverOptions: { key, cert } } : {}),
  })
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done())
      if ('closeAllConnections' in server) server.closeAllConnections()
    })
  return { port, origin: scheme === 'http' ? `http://localhost:${port}` : `https://shop.test:${port}`, requests, close }
}

/** The example shop, with its sessions in a libSQL file of its own. */
export async function openShop(scheme: Scheme): Promise<Site & { sessions: SessionManager<Shop, Notes> }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-browser-'))
  const store = new LibsqlStore({ url: pathToFileURL(join(folder, 'sessions.db')).href })
  const sessions = new SessionManager<Shop, Notes>({ ...shopOptions, store })
  const site = await listen(scheme, createApp(sessions).fetch)
  const close = async (): Promise<void> => {
    await site.close()
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...site, sessions, close }
}
