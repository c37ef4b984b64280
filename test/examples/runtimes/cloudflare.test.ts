/** The shop on Workers: in workerd over each of its stores, and by its own command. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import worker from '../../../examples/cloudflare/worker.ts'
import { MapKV } from '../../support/map-kv.ts'
import { Browser } from '../browser.ts'
import { script, start } from './process.ts'
import { visit } from './visit.ts'
import { startWorker } from './worker.ts'

const SESSION_SECRET = 'a secret of 32 bytes or more for tests'
type Cron = { scheduled(event: object): Promise<{ outcome: string }> }
const STORES = ['d1', 'kv', 'cookie'] as const

describe('examples/cloudflare in workerd', () => {
  for (const flags of [[], ['nodejs_compat']]) {
    it.each(STORES)(`serves the shop with STORE=%s and ${flags[0] ?? 'no compatibility flag'}`, async (STORE) => {
      const { origin } = await startWorker('cloudflare/worker.ts', { bindings: { STORE, SESSION_SECRET }, flags })
      const sealed = STORE === 'cookie'
      expect(await visit(origin, { sealed })).toBe(sealed ? 'Ada' : 'nobody')
    })
  }

  it.each(STORES)(
    'serves it with STORE=%s also with the oldest compatibility date that has `getSetCookie`',
    async (STORE) => {
      const bindings = { STORE, SESSION_SECRET }
      const { origin } = await startWorker('cloudflare/worker.ts', { bindings, date: '2023-03-01' })
      const sealed = STORE === 'cookie'
      expect(await visit(origin, { sealed })).toBe(sealed ? 'Ada' : 'nobody')
    },
  )

  it('signs the tokens of stored sessions, and seals the others', async () => {
    const parts = await Promise.all(
      STORES.map(async (STORE) => {
        const { origin } = await startWorker('cloudflare/worker.ts', { bindings: { STORE, SESSION_SECRET } })
        const browser = new Browser(origin)
        await browser.get('/')
        return (await browser.cookie())?.value.split('.').length
      }),
    )
    expect(parts).toEqual([3, 3, 5])
  })

  it('touches what is used, and removes what has expired when the cron trigger fires', async () => {
    const bindings = { STORE: 'd1', SESSION_SECRET }
    const { origin, worker: workerd } = await startWorker('cloudflare/worker.ts', { bindings })
    const [ada, other] = [new Browser(origin), new Browser(origin)]
    await ada.signIn('ada')
    await other.get('/')
    const db = await workerd.getD1Database('DB')
    const rows = async (): Promise<Record<string, unknown>[]> =>
      (await db.prepare('SELECT subject, last_seen_at FROM sessions').all()).results as never
    expect(await rows()).toHaveLength(2)

    await db.prepare('UPDATE sessions SET last_seen_at = 1 WHERE subject IS NOT NULL').run()
    await ada.get('/shop')
    await vi.waitFor(async () => {
      expect((await rows()).find(({ subject }) => subject === 'u_ada')?.['last_seen_at']).toBeGreaterThan(1)
    })

    await db.prepare('UPDATE sessions SET expires_at = 1 WHERE subject IS NULL').run()
    const fetcher = (await workerd.getWorker()) as unknown as Cron
    expect((await fetcher.scheduled({ cron: '17 * * * *' })).outcome).toBe('ok')
    expect((await rows()).map(({ subject }) => subject)).toEqual(['u_ada'])
    expect((await ada.get('/devices')).url.pathname).toBe('/devices')
  })

  it('hands a touch to waitUntil, and nothing else', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const waiting: Promise<unknown>[] = []
    const ctx = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) } as never
    const env = { STORE: 'kv', SESSION_SECRET, SESSIONS: new MapKV(Date.now), DB: undefined as never } as const
    const url = 'https://shop.example'
    const first = await worker.fetch(new Request(url), env, ctx)
    const cookie = /^[^;]*/.exec(first.headers.get('set-cookie') ?? '')?.[0] ?? ''
    expect(waiting).toHaveLength(0)
    vi.advanceTimersByTime(10 * 60_000)
    await worker.fetch(new Request(`${url}/cart`, { headers: { cookie } }), env, ctx)
    expect(waiting).toHaveLength(1)
    await Promise.all(waiting)
  })

  it('leaves KV and cookies to themselves when the cron trigger fires', async () => {
    for (const STORE of ['kv', 'cookie']) {
      const { worker: workerd } = await startWorker('cloudflare/worker.ts', { bindings: { STORE, SESSION_SECRET } })
      const fetcher = (await workerd.getWorker()) as unknown as Cron
      expect((await fetcher.scheduled({ cron: '17 * * * *' })).outcome).toBe('ok')
    }
  })

  it.each(STORES)(
    'does not serve with STORE=%s and no secret, and says in the log which variable is missing',
    async (STORE) => {
      const { origin, log } = await startWorker('cloudflare/worker.ts', { bindings: { STORE } })
      const response = await fetch(`${origin}/shop`)
      expect(response.status).toBe(500)
      expect(await response.text()).not.toContain('SESSION_SECRET')
      await vi.waitFor(() => expect(log()).toContain('is SESSION_SECRET set?'))
    },
  )

  it('counts visits in raw.ts, with a Worker of ten lines', async () => {
    const { origin } = await startWorker('cloudflare/raw.ts')
    const browser = new Browser(origin)
    expect(JSON.parse((await browser.get('/')).html)).toEqual({ visits: 1 })
    expect(JSON.parse((await browser.get('/')).html)).toEqual({ visits: 2 })
    expect(JSON.parse((await new Browser(origin).get('/')).html)).toEqual({ visits: 1 })
  })
})

describe('npm run start:workers', () => {
  it.each(STORES)('serves the shop from wrangler dev, offline, with STORE=%s', async (STORE) => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-wrangler-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [program = '', ...args] = script('start:workers').split(' ')
    const own = [
      '--port',
      '0',
      '--inspector-port',
      '0',
      '--persist-to',
      join(folder, 'state'),
      '--var',
      `STORE:${STORE}`,
    ]
    const env = {
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      WRANGLER_LOG_PATH: folder,
      WRANGLER_SEND_METRICS: 'false',
      CI: '1',
    }
    const { origin } = await start(program, [...args, ...own], { env })
    const sealed = STORE === 'cookie'
    expect(await visit(origin, { sealed })).toBe(sealed ? 'Ada' : 'nobody')
  })
})
