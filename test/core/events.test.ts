import { SessionManager, StoreUnavailableError, type SessionEvent, type SessionHooks } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { emitter, EVENT_NAMES } from '../../src/core/events.ts'

const SECRET = 'a secret of more than 32 bytes for tests'
const URL = 'https://example.com/'

/** Every event of the library, noted. */
function noting(): { hooks: SessionHooks; noted: { name: string; event: SessionEvent }[] } {
  const noted: { name: string; event: SessionEvent }[] = []
  const hooks = Object.fromEntries(
    EVENT_NAMES.map((name) => [name, (event: SessionEvent) => void noted.push({ name, event })]),
  )
  return { hooks, noted }
}

describe('emitter', () => {
  it('gives a hook id, subject and reason, without what is undefined, and nothing else', () => {
    const seen: unknown[] = []
    const emit = emitter({ rejected: (event) => seen.push(event) })
    emit('rejected', { id: 'a', subject: undefined, reason: 'unknown' })
    emit('rejected', { id: undefined })
    emit('rejected', { id: 'a', subject: 'u', verifier: 'CANARY', data: 'CANARY' } as object)
    expect(seen).toStrictEqual([{ id: 'a', reason: 'unknown' }, {}, { id: 'a', subject: 'u' }])
  })

  it('a record that a store gives a column named `reason` is given no reason by it', () => {
    const seen: unknown[] = []
    const emit = emitter({ touched: (event) => seen.push(event) })
    emit('touched', { id: 'a', reason: 'a column of the app' })
    expect(seen).toStrictEqual([{ id: 'a' }])
  })

  it('does nothing for an event without a hook', () => {
    expect(() => emitter({})('created', { id: 'a' })).not.toThrow()
  })

  it('what a hook does to its event reaches nobody else', () => {
    const record = { id: 'a', subject: 'u' }
    const emit = emitter({ created: (event) => Object.assign(event, { id: 'evil' }) })
    emit('created', record)
    expect(record).toEqual({ id: 'a', subject: 'u' })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('x')
      },
    ],
    [
      'throws nothing',
      () => {
        throw undefined
      },
    ],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['hangs', () => new Promise(() => {})],
    [
      'returns a promise of another class that rejects',
      () => new (class extends Promise<void> {})((_, no) => no(new Error('x'))),
    ],
  ])('I06: a hook that %s breaks nothing', (_what, hook) => {
    expect(() => emitter({ created: hook })('created', { id: 'a' })).not.toThrow()
  })

  it('a hook is called as the method of its object, so that `this` works', () => {
    const hooks = {
      count: 0,
      created(): void {
        this.count++
      },
    }
    emitter(hooks as SessionHooks)('created', { id: 'a' })
    expect(hooks.count).toBe(1)
  })
})

describe('I05: every event of a whole life carries the public id, and never a token or data', () => {
  it.each([[undefined], [SECRET]])('with secret %#', async (secret) => {
    const { hooks, noted } = noting()
    let now = Date.UTC(2030, 0, 1)
    const options = { store: new MemoryStore(), on: hooks, now: () => now, ttl: '1h' as const }
    const sessions = new SessionManager(secret === undefined ? options : { ...options, secret })
    const secrets: string[] = []
    const load = (token: string): ReturnType<typeof sessions.load> =>
      sessions.load(new Request(URL, { headers: { cookie: `__Host-session=${token}` } }))
    const keep = (token: string): string => {
      secrets.push(token, ...token.split('.').slice(1))
      return token
    }

    let token = keep(await sessions.createSession({ data: 'CANARY' }, { subject: 'u_1', info: { device: 'CANARY' } }))
    const { id } = (await sessions.findSession(token)) ?? {}
    const session = await load(token)
    session.data['more'] = 'CANARY'
    session.flash('notice', 'CANARY')
    await sessions.commit(session, new Response())
    now += 600_000
    await sessions.commit(await load(token), new Response())
    const old = token
    token = keep(await sessions.regenerateSession(token))
    now += 11_000
    await load(old)
    await load(`${token.split('.')[0]}.${'x'.repeat(43)}`)
    await load('garbage CANARY')
    const stale = await load(token)
    await sessions.removeSession(token)
    stale.data['lost'] = 'CANARY'
    await sessions.commit(stale, new Response())
    const short = keep(await sessions.createSession({}, { ttl: '1s', subject: 'u_2' }))
    now += 1_000
    await load(short)
    await sessions.createSession({}, { subject: 'u_3' })
    await sessions.removeSessionsOf('u_3')

    const names = new Set(noted.map(({ name }) => name))
    for (const name of [
      'created',
      'loaded',
      'updated',
      'touched',
      'regenerated',
      'destroyed',
      'expired',
      'rejected',
      'lost',
    ]) {
      expect(names, name).toContain(name)
    }
    for (const { name, event } of noted) {
      expect(['id', 'subject', 'reason'], name).toEqual(expect.arrayContaining(Object.keys(event)))
      expect(event.id ?? `none: ${name}`).toMatch(/^(?:[\w-]{22}|none: rejected)$/)
    }
    for (const name of ['created', 'loaded', 'updated', 'touched', 'regenerated', 'destroyed', 'lost']) {
      expect(noted.find((one) => one.name === name)?.event.id, name).toBe(id)
    }
    const text = JSON.stringify(noted)
    for (const hidden of [...secrets, 'CANARY', 'x'.repeat(43)]) expect(text).not.toContain(hidden)
  })

  it('a session is destroyed once, also by removeSessionsOf', async () => {
    const { hooks, noted } = noting()
    const sessions = new SessionManager({ store: new MemoryStore(), on: hooks })
    const token = await sessions.createSession({}, { subject: 'u' })
    await sessions.createSession({}, { subject: 'u' })
    expect(await sessions.removeSession(token)).toBe(true)
    expect(await sessions.removeSession(token)).toBe(false)
    expect(await sessions.removeSessionsOf('u')).toBe(1)
    expect(await sessions.removeSessionsOf('u')).toBe(0)
    const ids = noted.filter(({ name }) => name === 'destroyed').map(({ event }) => event.id)
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(2)
  })

  it('a session is destroyed once, also where the store does not say what it destroyed, and the request goes on', async () => {
    const { hooks, noted } = noting()
    const store = new MemoryStore()
    const sessions = new SessionManager({ store, on: hooks })
    const cookie = `__Host-session=${await sessions.createSession({})}`
    const { destroy } = store
    Object.assign(store, { destroy: (id: string) => void destroy.call(store, id) })
    const request = new Request(URL, { headers: { cookie } })
    const session = await sessions.load(request)
    session.destroy()
    await session.save()
    await sessions.regenerate(request)
    await sessions.commit(session, new Response())
    expect(noted.filter(({ name }) => name === 'destroyed')).toHaveLength(1)
  })

  it('an outage is told with the call that failed, and nothing of the failure', async () => {
    const { hooks, noted } = noting()
    const store = new MemoryStore()
    const sessions = new SessionManager({ store, on: hooks })
    const token = await sessions.createSession({})
    vi.spyOn(store, 'get').mockImplementation(() => {
      throw new Error('CANARY')
    })
    noted.length = 0
    await expect(sessions.findSession(token)).rejects.toThrow(StoreUnavailableError)
    expect(noted).toEqual([{ name: 'storeError', event: { id: token.split('.')[0], reason: 'load' } }])
  })
})

describe('I06: hooks that fail change nothing for the request', () => {
  it.each([
    [
      'throw',
      () => {
        throw new Error('CANARY')
      },
    ],
    ['reject', () => Promise.reject(new Error('CANARY'))],
    ['hang', () => new Promise(() => {})],
  ])('when all of them %s', async (_what, hook) => {
    const on = Object.fromEntries(EVENT_NAMES.map((name) => [name, hook])) as SessionHooks
    const sessions = new SessionManager({ store: new MemoryStore(), on, touchEvery: 1 })
    const first = await sessions.load(new Request(URL))
    first.data['n'] = 1
    const response = await sessions.commit(first, new Response('hi'))
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const second = await sessions.load(new Request(URL, { headers: { cookie } }))
    expect(second.data).toEqual({ n: 1 })
    second.destroy()
    expect((await sessions.commit(second, new Response())).headers.getSetCookie()[0]).toContain('Max-Age=0')
    expect((await sessions.load(new Request(URL, { headers: { cookie } }))).isNew).toBe(true)
  })
})
