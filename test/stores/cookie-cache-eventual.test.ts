/** CookieCache over an eventual store: a visitor sees their own last write and touch, and nobody a session past its end. */
import type { SessionRecord } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { WatchedStore } from '../support/watched-store.ts'
import { CachedApp, cookiesOf, COPY, MINUTE, SECOND, TOKEN } from './cached.ts'

/** A store whose reads show what was there a minute ago; writes are decided on what is there now. */
class Behind extends WatchedStore {
  readonly clock: { now: number }
  readonly #past: { at: number; id: string; record: SessionRecord | undefined }[] = []
  constructor(clock: { now: number }) {
    super()
    this.clock = clock
    for (const name of ['create', 'update', 'touch', 'destroy', 'set'] as const) {
      const write = this[name].bind(this) as (...args: any[]) => Promise<unknown>
      ;(this as any)[name] = async (...args: any[]) => {
        const result = await write(...args)
        const id = typeof args[0] === 'string' ? args[0] : args[0].id
        this.#past.push({ at: clock.now, id, record: this.inner.get(id) })
        return result
      }
    }
  }
  override get capabilities() {
    return { atomic: true, consistency: 'eventual' } as const
  }
  override async get(id: string): Promise<SessionRecord | undefined> {
    this.calls.push('get')
    return this.#past.findLast((one) => one.id === id && one.at <= this.clock.now - MINUTE)?.record
  }
}

describe('over an eventual store, a minute behind,', () => {
  async function visited(): Promise<CachedApp<Behind>> {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const app = new CachedApp(new Behind(clock), {}, clock)
    await app.visit((session) => session.set('n', 1))
    clock.now += 2 * MINUTE
    return app
  }

  it('a visitor sees their own last write, also when the copy has to ask and the answer is older', async () => {
    const app = await visited()
    await app.visit((session) => session.set('n', 2))
    app.clock.now += 31 * SECOND
    app.store.take()
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual(['get'])
    expect((await app.sessions.findSession(app.token))?.data).toEqual({ n: 1 })
  })

  it('the copy that won does not grow younger: the store is asked again, until it has caught up', async () => {
    const app = await visited()
    await app.visit((session) => session.set('n', 2))
    app.clock.now += 31 * SECOND
    for (let visit = 0; visit < 2; visit++) {
      app.store.take()
      expect(cookiesOf(await app.visit((session) => session.data))).toEqual([])
      expect(app.store.take()).toEqual(['get'])
    }
    app.clock.now += 30 * SECOND
    expect(cookiesOf(await app.visit((session) => session.data))).toEqual([COPY])
    app.store.take()
    expect(await app.see((session) => session.data)).toEqual({ n: 2 })
    expect(app.store.take()).toEqual([])
  })

  it('their own last touch too: a session that was extended does not end for an older answer', async () => {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const app = new CachedApp(new Behind(clock), { ttl: '3m', touchEvery: '1m' }, clock)
    await app.visit((session) => session.set('n', 1))
    clock.now += 150 * SECOND
    await app.visit((session) => session.data)
    expect(app.store.take()).toContain('touch')
    clock.now += 40 * SECOND
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('a change made elsewhere is seen when the store shows it, and then it wins', async () => {
    const app = await visited()
    await app.visit((session) => session.data)
    const record = await app.store.row()
    await app.store.update({ ...record, version: 9, data: '{"n":9}' }, record)
    app.clock.now += 31 * SECOND
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
    app.clock.now += 31 * SECOND
    expect(await app.see((session) => session.data)).toEqual({ n: 9 })
  })

  it('a copy past every window has no say, even where it was kept', async () => {
    const app = await visited()
    await app.visit((session) => session.set('n', 2))
    const header = `${TOKEN}=${app.token}; ${COPY}=${app.value(COPY)}`
    app.store.get = async () => ({ ...(await app.store.row()), version: 1, data: '{"n":"restored"}' })
    app.clock.now += 2 * MINUTE
    await app.serve(new Request(app.origin, { headers: { cookie: header } }), (session) => {
      expect(session.data).toEqual({ n: 'restored' })
    })
  })

  it('a session that is gone from the store is gone with the copy’s `ttl`, whatever the copy says (P6)', async () => {
    const app = await visited()
    await app.visit((session) => session.set('n', 2))
    app.store.get = async () => undefined
    app.clock.now += 30 * SECOND
    expect(await app.see((session) => session.isNew)).toBe(true)
  })

  it('a sign-in keeps what was written just before it, under a new id', async () => {
    const app = await visited()
    const id = await app.see((session) => session.id)
    await app.visit((session) => session.set('cart', ['mug']))
    app.clock.now += 5 * SECOND
    const response = await app.visit((session) => void (session.subject = 'u_1'))
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    expect(await app.see((session) => [session.subject, session.data, session.id === id])).toEqual([
      'u_1',
      { n: 1, cart: ['mug'] },
      false,
    ])
  })

  it('a sign-in is not lost where the session it begins from has not arrived yet', async () => {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const app = new CachedApp(new Behind(clock), {}, clock)
    await app.visit((session) => session.set('cart', ['mug']))
    clock.now += 5 * SECOND
    const old = app.token
    const response = await app.visit((session) => void (session.subject = 'u_1'))
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    expect(app.events.map(({ name }) => name)).not.toContain('lost')
    expect(await app.see((session) => [session.subject, session.data])).toEqual(['u_1', { cart: ['mug'] }])
    clock.now += 2 * MINUTE
    expect(await app.sessions.findSession(old)).toBeUndefined()
  })

  it('nor where that session was begun by `save()` in the same request', async () => {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const app = new CachedApp(new Behind(clock), {}, clock)
    const response = await app.visit(async (session) => {
      session.set('cart', ['mug'])
      await session.save()
      session.subject = 'u_1'
    })
    expect(cookiesOf(response)).toEqual([TOKEN, COPY])
    expect(app.takeEvents()).toEqual(['created', 'regenerated'])
    expect(await app.see((session) => [session.subject, session.data])).toEqual(['u_1', { cart: ['mug'] }])
  })

  it('P6: and is lost where that session has ended, though its copy is still good', async () => {
    const clock = { now: Date.UTC(2030, 0, 1) }
    const app = new CachedApp(new Behind(clock), {}, clock)
    await app.visit((session) => session.set('cart', ['mug']))
    clock.now += 5 * SECOND
    await app.store.destroy((await app.store.row()).id)
    const response = await app.visit((session) => void (session.subject = 'u_1'))
    expect(cookiesOf(response)).toEqual([])
    expect(app.events.map(({ name }) => name)).toContain('lost')
    expect(await app.store.rows()).toEqual([])
  })
})
