import { SessionTooLargeError } from 'latchkey'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { COOKIE, countCrypto, dataFor, opens, SealedApp, type Data } from './sealed.ts'

afterEach(() => vi.restoreAllMocks())

const padLength = (session: { data: Data }): number | undefined => session.data['pad']?.length
const write = (data: Data) => (session: { data: Data }) => void (session.data = data)

/** What a cookie in a Set-Cookie line weighs to a browser: name plus value. */
function octets(line: string): number {
  return (line.split(';', 1)[0] as string).length - 1
}

/** The longest token up to a length, and the shortest beyond it, as data: base64url has three lengths in four. */
async function around(app: SealedApp, length: number): Promise<{ fits: Data; over: Data }> {
  const fits = (await dataFor(app, length)) ?? (await dataFor(app, length - 1))
  const over = (await dataFor(app, length + 1)) ?? (await dataFor(app, length + 2))
  return { fits: fits as Data, over: over as Data }
}

/** An app whose cookie name makes a token of this length possible: the name, and the data for it. */
async function exactly(
  chunks: number,
  lengthFor: (name: string) => number,
): Promise<{ app: SealedApp; name: string; data: Data }> {
  for (const name of ['sid', 'sid4', 'sid55', 'sid666', 'sid7777']) {
    const app = new SealedApp({ cookie: { name, chunks } })
    const data = await dataFor(app, lengthFor(name))
    if (data) return { app, name, data }
  }
  throw new Error('no name fits')
}

describe('one cookie', () => {
  it('C08, P17: name plus value of exactly 4096 octets is kept by the browser', async () => {
    const { app, name, data } = await exactly(1, (cookie) => 4096 - cookie.length)
    const response = await app.visit(write(data))
    expect(response.headers.getSetCookie().map(octets)).toEqual([4096])
    expect(app.value(name)).toHaveLength(4096 - name.length)
    expect(await app.see((session) => session.data)).toEqual(data)
  })

  it('C08, P17: one octet more is a SessionTooLargeError with the bytes and the limit, and nothing is sent', async () => {
    const { app, name, data } = await exactly(1, (cookie) => 4096 - cookie.length)
    const longer = new SealedApp({ cookie: { name: `${name}x` } })
    const failure = await longer.visit(write(data)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SessionTooLargeError)
    expect(failure).toMatchObject({ code: 'SESSION_TOO_LARGE', bytes: 4097, limit: 4096 })
    expect((failure as Error).message).toMatch(/4097 bytes where 4096 fit.*chunks/)
    expect((failure as Error).message).not.toContain('xxx')
    expect(longer.takeEvents()).toEqual([])
    expect(longer.cookies).toEqual([])
    expect(app.takeEvents()).toContain('created')
  })

  it('P17: what does not fit leaves the session before it as it was', async () => {
    const app = new SealedApp()
    await app.visit(write({ n: 1 }))
    const before = app.token()
    await expect(app.visit((session) => session.set('pad', 'x'.repeat(5000)))).rejects.toThrow(SessionTooLargeError)
    await expect(app.visit((session) => (session.subject = 'u'.repeat(5000)))).rejects.toThrow(SessionTooLargeError)
    expect(app.token()).toBe(before)
    expect(await app.see((session) => session.data)).toEqual({ n: 1 })
  })

  it('P17: save() throws it too, so that a handler may keep less and answer', async () => {
    const app = new SealedApp()
    const response = await app.visit(async (session) => {
      session.data = { pad: 'x'.repeat(5000) }
      await expect(session.save()).rejects.toThrow(SessionTooLargeError)
      session.data = { pad: 'x' }
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await app.see((session) => session.data)).toEqual({ pad: 'x' })
  })

  it('P17: a token longer than any cookie could hold is not handed out headless either', async () => {
    const app = new SealedApp({ transport: 'bearer' })
    const create = app.sessions.createSession({ pad: 'x'.repeat(12_000) })
    const outcome = await create.then(
      () => 'a token that will never open',
      (error: Error) => error.name,
    )
    expect(outcome).toBe('SessionTooLargeError')
  })
})

describe.each([2, 3])('a value split over %i cookies', (chunks) => {
  it('fits to the last octet of the last piece, every piece within 4096, and opens again', async () => {
    const app = new SealedApp({ cookie: { chunks } })
    for (let pieces = 1; pieces <= chunks; pieces++) {
      const { fits } = await around(app, pieces * (4096 - COOKIE.length - 2))
      const response = await app.visit(write(fits))
      const sizes = response.headers.getSetCookie().filter((line) => !line.includes('Max-Age=0'))
      expect(sizes).toHaveLength(pieces)
      expect(Math.max(...sizes.map(octets))).toBeLessThanOrEqual(4096)
      expect(await app.see((session) => session.data)).toEqual(fits)
    }
  })

  it('C08, P17: beyond that is a SessionTooLargeError whose bytes are more than its limit', async () => {
    const app = new SealedApp({ cookie: { chunks } })
    const { over } = await around(app, chunks * (4096 - COOKIE.length - 2))
    const failure = await app.visit(write(over)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SessionTooLargeError)
    expect(app.cookies).toEqual([])
    const { bytes, limit } = failure as SessionTooLargeError
    expect(bytes).toBeGreaterThan(limit)
  })

  it('every piece has the attributes of the first', async () => {
    const app = new SealedApp({ cookie: { chunks } })
    const response = await app.visit(write({ pad: 'x'.repeat(4500) }))
    const lines = response.headers.getSetCookie()
    expect(lines.map((line) => line.split('=', 1)[0])).toEqual([COOKIE, `${COOKIE}.1`])
    const attributes = '; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000'
    expect(lines.map((line) => line.slice(line.indexOf(';')))).toEqual([attributes, attributes])
  })
})

describe('around a cut', () => {
  it('every length near the borders comes back whole', async () => {
    const app = new SealedApp({ cookie: { chunks: 3 } })
    for (const border of [4096 - COOKIE.length, 2 * (4094 - COOKIE.length)]) {
      for (let length = border - 5; length <= border + 5; length++) {
        const data = await dataFor(app, length)
        if (!data) continue
        app.cookies = []
        await app.visit(write(data))
        expect(app.token().length).toBe(length)
        expect(await app.see(padLength), `a token of ${length}`).toBe(data.pad.length)
      }
    }
  })
})

describe('pieces', () => {
  const large = { pad: 'x'.repeat(8000) }
  const names = [COOKIE, `${COOKIE}.1`, `${COOKIE}.2`]

  async function split(): Promise<SealedApp> {
    const app = new SealedApp({ cookie: { chunks: 3 } })
    await app.visit(write(large))
    expect(app.cookies.map(({ name }) => name)).toEqual(names)
    return app
  }

  it('left over from a longer predecessor are cleared by the write that is shorter', async () => {
    const app = await split()
    const response = await app.visit(write({ pad: 'x' }))
    expect(response.headers.getSetCookie().slice(1)).toEqual(
      names.slice(1).map((name) => `${name}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`),
    )
    expect(app.cookies.map(({ name }) => name)).toEqual([COOKIE])
    expect(await app.see((session) => session.data)).toEqual({ pad: 'x' })
  })

  it('left over all the same, by a slower response, are ignored', async () => {
    const app = await split()
    const stale = app.cookies.slice(1)
    for (const pad of ['x', 'x'.repeat(4500)]) {
      await app.visit(write({ pad }))
      const kept = app.cookies.map(({ name }) => name)
      app.cookies.push(...stale.filter(({ name }) => !kept.includes(name)))
      expect(app.cookies).toHaveLength(3)
      expect(await app.see((session) => session.data)).toEqual({ pad })
    }
  })

  it('left over are ignored also when the value before them fills its one cookie to the last octets', async () => {
    for (const octetsLeft of [0, 1, 2]) {
      const app = await split()
      const stale = app.cookies.slice(1)
      const data = await dataFor(app, 4096 - COOKIE.length - octetsLeft)
      if (!data) continue
      await app.visit(write(data))
      app.cookies.push(...stale)
      expect(await app.see(padLength), `${octetsLeft} octets left`).toBe(data.pad.length)
    }
  })

  it.each([
    ['the first', [1, 2]],
    ['the middle one', [0, 2]],
    ['the last', [0, 1]],
    ['all but the last', [2]],
  ])('missing %s: a new session, no throw, no cryptography, and the cookies are left alone', async (_, kept) => {
    const app = await split()
    app.cookies = app.cookies.filter((_cookie, index) => kept.includes(index))
    const before = [...app.cookies]
    const crypto = countCrypto()
    const response = await app.visit((session) => expect([session.isNew, session.data]).toEqual([true, {}]))
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
    expect(app.cookies).toEqual(before)
    // A tag of 22 characters may by chance be what a cut left over, and one decryption tells.
    expect(crypto()['decrypt'] ?? 0).toBeLessThanOrEqual(1)
  })

  it('swapped, or of two tokens, do not open', async () => {
    const app = await split()
    const [first, second, third] = app.cookies.map(({ value }) => value) as [string, string, string]
    await app.visit(write({ pad: 'y'.repeat(8000) }))
    const [, other] = app.cookies.map(({ value }) => value) as [string, string]
    expect(await opens(app, first + second + third)).toEqual(large)
    for (const pieces of [
      [second, first, third],
      [first, other, third],
      [first, third, second],
    ]) {
      for (const [index, name] of names.entries()) app.plant(pieces[index] as string, name)
      expect(await app.see((session) => session.data)).toEqual({})
    }
  })

  it('left behind a missing one are cleared by the next write', async () => {
    const app = await split()
    app.cookies = app.cookies.filter(({ name }) => name !== `${COOKIE}.1`)
    await app.visit(write({ pad: 'x' }))
    expect(app.cookies.map(({ name }) => name)).toEqual([COOKIE])
  })

  it('are not read where `chunks` no longer allows them', async () => {
    const wide = await split()
    const narrow = new SealedApp()
    narrow.cookies = wide.cookies
    expect(await narrow.see((session) => session.data)).toEqual({})
  })

  it('F14: logout clears every one, attributes repeated; and none that was not there', async () => {
    const app = await split()
    const response = await app.visit((session) => session.destroy())
    expect(response.headers.getSetCookie()).toEqual(
      names.map((name) => `${name}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`),
    )
    expect(app.cookies).toEqual([])
    expect((await app.visit((session) => session.destroy())).headers.getSetCookie()).toEqual([])
  })

  it('F12: saved at two lengths in one request, only the cookies of the last are sent', async () => {
    const app = await split()
    const response = await app.visit(async (session) => {
      session.data = { pad: 'x'.repeat(10) }
      await session.save()
      session.data = { pad: 'x'.repeat(4500) }
      await session.save()
    })
    const lines = response.headers.getSetCookie().map((line) => line.slice(0, line.indexOf('=') + 2).at(-1) !== ';')
    expect(lines).toEqual([true, true, false])
    expect(await app.see((session) => session.data)).toEqual({ pad: 'x'.repeat(4500) })
  })
})
