import { SessionManager } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCsrfToken, isCsrfToken } from '../../src/core/csrf.ts'

const ONE = 'o'.repeat(43)
const TWO = 't'.repeat(43)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('a CSRF token', () => {
  it('is 86 characters of base64url, verified by its secret and no other (F04)', async () => {
    const token = await createCsrfToken(ONE)
    expect(token).toMatch(/^[\w-]{86}$/)
    expect(await isCsrfToken(ONE, token)).toBe(true)
    expect(await isCsrfToken(TWO, token)).toBe(false)
  })

  it('is masked anew each time: no two are alike, all are valid, and no byte stays the same', async () => {
    const tokens = await Promise.all(Array.from({ length: 200 }, () => createCsrfToken(ONE)))
    expect(new Set(tokens).size).toBe(200)
    const bytes = tokens.map((token) => Buffer.from(token, 'base64url'))
    for (let at = 0; at < 64; at++) expect(new Set(bytes.map((one) => one[at])).size).toBeGreaterThan(50)
    expect(await Promise.all(tokens.map((token) => isCsrfToken(ONE, token)))).not.toContain(false)
  })

  it('P13: holds nothing of the secret', async () => {
    const token = await createCsrfToken(ONE)
    expect(token).not.toContain(ONE.slice(0, 8))
    expect(Buffer.from(token, 'base64url').includes(ONE.slice(0, 8))).toBe(false)
  })

  it('C01: is refused with any single character changed, the unused bits of the last one included', async () => {
    const token = await createCsrfToken(ONE)
    for (let at = 0; at < token.length; at++) {
      const index = ALPHABET.indexOf(token[at] ?? '')
      for (const other of [ALPHABET[index ^ 1], ALPHABET[index ^ 32], '.', '=', ' ']) {
        expect(await isCsrfToken(ONE, token.slice(0, at) + other + token.slice(at + 1))).toBe(false)
      }
    }
  })

  it('is nothing like this garbage', async () => {
    const texts = ['', 'A'.repeat(85), 'A'.repeat(86), 'A'.repeat(87), '='.repeat(86), '\ud800'.repeat(86)]
    const values: unknown[] = [undefined, null, 0, 5, true, {}, [], Symbol('x'), 5n, () => 1, new Map()]
    const garbage = [...texts, 'x'.repeat(1_000_000), ...values, { toString: () => 'A'.repeat(86), length: 86 }]
    for (const [index, value] of garbage.entries()) expect(await isCsrfToken(ONE, value), `${index}`).toBe(false)
  })

  it('a list around a valid one, as a form parser may make it, is refused', async () => {
    expect(await isCsrfToken(ONE, [await createCsrfToken(ONE)])).toBe(false)
    expect(await isCsrfToken(ONE, Object(await createCsrfToken(ONE)))).toBe(false)
    expect(await isCsrfToken(ONE, ` ${await createCsrfToken(ONE)}`)).toBe(false)
  })

  it('never throws, and accepts nothing by chance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(await isCsrfToken(ONE, value)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('F04: the CSRF token of a session', () => {
  const sessions = new SessionManager({ store: new MemoryStore() })
  const load = (token: string): ReturnType<typeof sessions.load> =>
    sessions.load(new Request('https://example.com/', { headers: { cookie: `__Host-session=${token}` } }))

  it('holds in every request of the session, until its token changes', async () => {
    const token = await sessions.createSession()
    const csrf = await (await load(token)).csrfToken()
    expect(await (await load(token)).verifyCsrf(csrf)).toBe(true)

    const renewed = await sessions.regenerateSession(token)
    expect(await (await load(renewed)).verifyCsrf(csrf)).toBe(false)
    expect(await (await load(renewed)).verifyCsrf(await (await load(renewed)).csrfToken())).toBe(true)
  })

  it('changes with a new subject, and is of no use to anybody else', async () => {
    const token = await sessions.createSession()
    const session = await load(token)
    const before = await session.csrfToken()
    session.subject = 'u_1'
    const after = await session.csrfToken()
    await session.save()
    const signedIn = await load(session.token ?? '')
    expect([await signedIn.verifyCsrf(before), await signedIn.verifyCsrf(after)]).toEqual([false, true])
    expect(await (await load(await sessions.createSession())).verifyCsrf(after)).toBe(false)
  })

  it('of a new session counts as a write, and is the one that the next request verifies', async () => {
    const session = await sessions.load(new Request('https://example.com/'))
    const csrf = await session.csrfToken()
    const response = await sessions.commit(session, new Response())
    const [cookie = ''] = response.headers.getSetCookie().map((header) => header.split(';')[0])
    expect(await (await load(cookie.slice('__Host-session='.length))).verifyCsrf(csrf)).toBe(true)
  })

  it('a session that has none verifies nothing', async () => {
    const session = await sessions.load(new Request('https://example.com/'))
    expect(await session.verifyCsrf(await createCsrfToken(ONE))).toBe(false)
    expect(await session.verifyCsrf(undefined)).toBe(false)
    const ended = await load(await sessions.createSession())
    const csrf = await ended.csrfToken()
    ended.destroy()
    expect(await ended.verifyCsrf(csrf)).toBe(false)
  })
})
