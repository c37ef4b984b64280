/** libSQL over HTTP inside a Worker, where requests share a store and one of them may be cancelled at any time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secondConnection } from '../stores/sqlite-databases.ts'
import { startHranaServer, type HranaServer } from '../support/hrana-server.ts'
import { inWorker } from './run.ts'

interface Site {
  server: HranaServer
  rows(sql: string): Promise<unknown[]>
  visit(path: string, init?: { cookie?: string; signal?: AbortSignal }): Promise<{ text: string; cookie: string }>
}

async function site(use: (site: Site) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-worker-'))
  const file = join(directory, 'server.db')
  const server = await startHranaServer(file, { authToken: 'a-token' })
  const servers = [{ name: '', url: server.url, authToken: 'a-token' }]
  try {
    await inWorker('test/runtimes/libsql-worker.ts', { directory, servers }, (url) =>
      use({
        server,
        rows: secondConnection(file),
        async visit(path, { cookie = '', signal } = {}) {
          const response = await fetch(new URL(path, url), { headers: { cookie }, ...(signal && { signal }) })
          const [set = ''] = response.headers.getSetCookie()
          return { text: await response.text(), cookie: set.split(';')[0] ?? '' }
        },
      }),
    )
  } finally {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

describe('a Worker with its sessions on a libSQL server', () => {
  it(
    'counts visits by LibsqlStore, which creates its table, and by SqliteStore on a web client',
    () =>
      site(async ({ visit, rows }) => {
        const first = await visit('/')
        expect(first.text).toBe('{"visits":1}')
        expect((await visit('/', first)).text).toBe('{"visits":2}')
        expect((await visit('/own', first)).text).toBe('{"visits":3}')
        expect((await visit('/own')).text).toBe('{"visits":1}')
        expect(await rows('select data from sessions order by data')).toMatchObject([
          { data: '{"visits":1}' },
          { data: '{"visits":3}' },
        ])
      }),
    60_000,
  )

  it(
    'takes 60 first requests at once, each in its own context',
    () =>
      site(async ({ visit, rows }) => {
        const visits = await Promise.all(Array.from({ length: 60 }, () => visit('/')))
        expect(visits.map(({ text }) => text)).toEqual(Array(60).fill('{"visits":1}'))
        expect(await rows('select count(*) as n from sessions')).toMatchObject([{ n: 60 }])
      }),
    60_000,
  )

  it(
    'P11 goes on when requests were cancelled while the server kept them waiting, be it the first or a hundred',
    () =>
      site(async ({ visit, server }) => {
        for (const count of [1, 100]) {
          server.hold = new Promise(() => {}) // These are never answered.
          const arrived = server.seen.length + count
          const leaving = new AbortController()
          const cancelled = Array.from({ length: count }, () => visit('/', { signal: leaving.signal }))
          const over = Promise.allSettled(cancelled)
          while (server.seen.length < arrived) await new Promise((done) => setImmediate(done))
          leaving.abort()
          expect((await over).map(({ status }) => status)).toEqual(cancelled.map(() => 'rejected'))
          server.hold = undefined
          expect((await visit('/')).text).toBe('{"visits":1}')
        }
      }),
    60_000,
  )

  it(
    'says of a file that there are none here',
    () =>
      site(async ({ visit }) => {
        expect((await visit('/file')).text).toMatch(
          /SessionConfigError: `url` names a file, .* server's 'libsql:\/\/…'/,
        )
      }),
    60_000,
  )
})
