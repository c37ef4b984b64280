/** The store failing, slow or unreachable, and the random source: nobody is let in, thrown out, or told anything. */
import { inspect as utilInspect } from 'node:util'
import { StoreUnavailableError } from 'latchkey'
import { describe, expect, it, vi } from 'vitest'
import { adapters, flow, HOUR, type Flow } from '../support/flow.ts'

/** A signed-in visitor with a cart. */
async function signedIn(shop: Flow): Promise<void> {
  await shop.visit((session) => {
    session.subject = 'u_42'
    session.data['cart'] = ['mug']
  })
  shop.store.take()
  shop.takeEvents()
}

describe.each(adapters)('outages through $name', (adapter) => {
  it('P11: the store down at load is 503 with Retry-After and no cookie; the cookie survives', async () => {
    const shop = flow(adapter)
    await signedIn(shop)
    const cookie = shop.value()
    shop.store.down(true)
    const handler = vi.fn<() => void>()
    const response = await shop.visit(handler)
    expect(handler).not.toHaveBeenCalled()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])
    expect(response.headers.getSetCookie()).toEqual([])
    expect(response.headers.get('cache-control')).toContain('no-store')
    expect(shop.value()).toBe(cookie)
    shop.store.down(false)
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P11 P2: a visitor without a cookie does not notice that the store is down', async () => {
    const shop = flow(adapter)
    shop.store.down(true)
    expect((await shop.visit((session) => session.data)).status).toBe(200)
  })

  it.each([
    ['create', 'a new session', false, (session: any): unknown => (session.data.cart = [])],
    ['update', 'a change', true, (session: any): unknown => session.data.cart.push('pen')],
    ['update', 'a login', true, (session: any): unknown => (session.subject = 'u_1')],
    ['destroy', 'a logout', true, (session: any): unknown => session.destroy()],
    ['touch', 'a touch', true, (session: any): unknown => session.touch()],
  ] as const)(
    'P11 P14: %s failing at the commit of %s is 503, with nothing of what the handler had answered',
    async (method, _, stored, act) => {
      const shop = flow(adapter)
      if (stored) await signedIn(shop)
      const rows = await shop.store.rows()
      shop.store.failing.add(method)
      const response = await shop.visit((session) => {
        act(session)
        return new Response('paid: 4111', {
          status: 303,
          headers: { Location: '/done', 'Set-Cookie': 'other=1; Path=/', 'X-Total': '42', 'Content-Type': 'text/html' },
        })
      })
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])
      for (const name of ['set-cookie', 'location', 'x-total']) expect(response.headers.get(name)).toBeNull()
      expect(response.headers.get('content-type')).not.toContain('text/html')
      expect(await response.text()).not.toContain('4111')
      expect(await shop.store.rows()).toEqual(rows)
    },
  )

  it('P11 P15: a token that save() persisted is sent even when the commit after it fails', async () => {
    const shop = flow(adapter)
    const response = await shop.visit(async (session) => {
      session.subject = 'u_42'
      await session.save()
      session.data['cart'] = ['mug']
      shop.store.failing.add('update')
      return new Response('ok', { headers: { Location: '/x', 'Set-Cookie': 'other=1' } })
    })
    expect(response.status).toBe(503)
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-session=/)])
    expect(response.headers.get('location')).toBeNull()
    shop.store.failing.clear()
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it('P14: a write whose outcome is unknown is not repeated by the commit after save() failed', async () => {
    const shop = flow(adapter)
    await shop.visit((session) => session.set('n', 1))
    shop.store.failingAfter.add('update')
    const response = await shop.visit(async (session) => {
      session.update((data) => void data['n']++)
      await session.save().catch(() => {})
      shop.store.failingAfter.clear()
    })
    expect(response.status).toBeGreaterThanOrEqual(200)
    expect(JSON.parse((await shop.store.row()).data)).toEqual({ n: 2 })
  })

  it('P14: nor does it create a second row for one visitor', async () => {
    const shop = flow(adapter)
    shop.store.failingAfter.add('create')
    await shop.visit(async (session) => {
      session.data['cart'] = ['mug']
      await session.save().catch(() => {})
      shop.store.failingAfter.clear()
    })
    expect(await shop.store.rows()).toHaveLength(1)
  })

  it('P14: a touch handed to waitUntil may fail without a word; one that cannot be handed over is reported', async () => {
    const shop = flow(adapter, { ttl: '1h' })
    await signedIn(shop)
    shop.clock.now += HOUR / 2
    shop.store.failing.add('touch')
    const handed: Promise<unknown>[] = []
    const ctx = { waitUntil: (promise: Promise<unknown>) => void handed.push(promise), passThroughOnException() {} }
    expect((await shop.serve(shop.request(), { BINDING: 1 }, ctx)).status).toBe(200)
    await expect(Promise.all(handed)).resolves.toHaveLength(1)
    expect((await shop.serve(shop.request(), { BINDING: 1 })).status).toBe(503)
    const broken = {
      waitUntil() {
        throw new TypeError('Illegal invocation')
      },
    }
    expect((await shop.serve(shop.request(), { BINDING: 1 }, broken)).status).toBe(503)
  })

  it('P11: with `onStoreError: anonymous` no CDN is told to keep the page either', async () => {
    const shop = flow(adapter, { onStoreError: 'anonymous', cacheControl: false })
    await signedIn(shop)
    shop.store.down(true)
    const kept = { 'CDN-Cache-Control': 'max-age=600', 'Surrogate-Control': 'max-age=600', Expires: 'never' }
    const response = await shop.visit((session) => new Response(session.id, { headers: kept }))
    expect(response.headers.get('cache-control')).toBe('no-store')
    for (const name of Object.keys(kept)) expect(response.headers.get(name)).toBeNull()
  })

  it('P11: with `onStoreError: anonymous` a read gets an empty session, and the answer is no-store', async () => {
    const shop = flow(adapter, { onStoreError: 'anonymous' })
    await signedIn(shop)
    const form = await shop.see((session) => session.csrfToken())
    shop.store.down(true)
    const response = await shop.visit(async (session) => {
      expect([session.subject, session.data, session.isNew]).toEqual([undefined, {}, true])
      expect(await session.verifyCsrf(form)).toBe(false)
    })
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(response.headers.get('cache-control')).toBe('no-store')
    shop.store.down(false)
    expect(await shop.see((session) => session.subject)).toBe('u_42')
  })

  it.each([
    ['subject', (session: any) => (session.subject = 'u_1')],
    ['set()', (session: any) => session.set('a', 1)],
    ['data', (session: any) => (session.data = { a: 1 })],
    ['a key of data', (session: any) => (session.data.a = 1)],
    [
      'a key of data and a save() whose error is caught',
      (session: any) => {
        session.data.a = 1
        return session.save().catch(() => {})
      },
    ],
    ['update()', (session: any) => session.update(() => ({ a: 1 }))],
    ['flash()', (session: any) => session.flash('notice', 'x')],
    ['save()', (session: any) => session.save()],
    ['destroy()', (session: any) => session.destroy()],
    ['csrfToken()', (session: any) => session.csrfToken()],
  ] as [string, (session: any) => unknown][])(
    'P11: with `onStoreError: anonymous` writing by %s is 503',
    async (_, write) => {
      const shop = flow(adapter, { onStoreError: 'anonymous' })
      await signedIn(shop)
      const cookie = shop.value()
      shop.store.down(true)
      const response = await shop.visit(async (session) => void (await write(session)))
      expect(response.status).toBe(503)
      expect(shop.value()).toBe(cookie)
      expect(shop.store.take()).toEqual(['get'])
    },
  )

  const quotes: [string, (data: string, verifier: string) => Error][] = [
    ['on a second line', (data) => new Error(`Failed query: update sessions set data = ?\nparams: ${data}`)],
    ['in its params', (data) => Object.assign(new Error(`Failed query, params: ${data}`), { params: [data] })],
    ['in its cause', (data, verifier) => new Error('outer', { cause: new Error(`inner ${data} ${verifier}`) })],
    ['as JSON within JSON', (data) => new Error(`SQLITE_ERROR: near ${JSON.stringify(data)}: syntax error`)],
    ['value by value', (data) => new Error(`invalid input syntax for type json: "${JSON.parse(data).card}"`)],
    ['cut short', (data) => new Error(`string or blob too big: ${data.slice(0, -2)}…`)],
  ]
  it.each(quotes)(
    'F16 F25 P13: a database error that quotes its parameters %s tells neither client, error nor event',
    async (_, quote) => {
      const shop = flow(adapter)
      await shop.visit((session) => session.set('card', 'none'))
      const spoken: unknown[] = []
      shop.store.failure = (record) => quote(record?.data ?? '', record?.verifier ?? '')
      shop.store.failing.add('update')
      const response = await shop.visit(async (session) => {
        session.data['card'] = 'canary-4111'
        await session.save().catch((error: unknown) => {
          spoken.push(error)
          throw error
        })
      })
      expect([response.status, await response.clone().text()]).toEqual([503, 'Service Unavailable'])
      expect(spoken[0]).toBeInstanceOf(StoreUnavailableError)
      const text = everything([spoken, await response.text(), [...response.headers], shop.events])
      expect(text.match(/.*canary-4111.*/)?.[0]).toBeUndefined()
    },
  )

  it('P13: no token and no data in what a session or manager prints, in events, or on the console', async () => {
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    const printed: unknown[] = []
    const shop = flow(adapter, { secret: 'a secret of at least thirty-two bytes' })
    let token = ''
    for (let round = 0; round < 3; round++) {
      await shop.visit(async (session) => {
        session.subject = `u_${round}`
        session.data['card'] = 'canary-data'
        session.flash('notice', 'canary-flash')
        await session.save()
        token = session.token as string
        printed.push(session, JSON.stringify({ session }), `${session as unknown as string}`)
        printed.push(shop.sessions, JSON.stringify(shop.sessions))
      })
      await shop.visit((session) => session.destroy())
      await shop.sessions.retrieveSession(token).catch((error: unknown) => printed.push(error))
    }
    const text = everything([printed, shop.events, spies.map((spy) => spy.mock.calls)])
    for (const spy of spies) spy.mockRestore()
    const [id, secret = '?', signature = '?'] = token.split('.')
    for (const hidden of ['canary', secret, signature, 'thirty-two']) expect(text).not.toContain(hidden)
    expect(text).toContain(id)
  })

  it('P20: when the random source fails, so does the request; nothing weaker is used', async () => {
    const shop = flow(adapter)
    const spy = vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw new Error('no entropy')
    })
    const response = await shop.visit((session) => session.set('a', 1))
    spy.mockRestore()
    expect(response.status).toBe(500)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await shop.store.rows()).toEqual([])
  })
})

/** All the text that printing these could bring to light. */
function everything(values: unknown[]): string {
  const parts = [inspect(values), JSON.stringify(values)]
  const walk = (value: unknown, depth: number): void => {
    if (depth > 6) return
    if (value instanceof Error) {
      parts.push(value.message, String(value.stack), inspect(value), JSON.stringify(Object.entries(value)))
      walk(value.cause, depth + 1)
    } else if (Array.isArray(value)) for (const entry of value) walk(entry, depth + 1)
  }
  walk(values, 0)
  return parts.join('\n')
}

function inspect(value: unknown): string {
  return utilInspect(value, { depth: 12, showHidden: true })
}
