/** Attacks on `rotateEvery` with a copy of the database: what a row keeps of a replaced token is of no use to its reader. */
import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { flow, HOUR, rawFetch } from '../support/flow.ts'

it('nothing of a rotated row can be made into a CSRF token, or into a token', async () => {
  const shop = flow(rawFetch, { rotateEvery: '1h', grace: '30s' })
  await shop.visit((session) => void (session.subject = 'u_42'))
  const form = await shop.see((session) => session.csrfToken())
  shop.clock.now += HOUR
  await shop.see((session) => session.subject)
  const { id, verifier, previous } = await shop.store.row()
  expect(previous?.csrf).toMatch(/^[\w-]{43}$/)
  const texts = [verifier, previous?.verifier, previous?.handover, previous?.csrf].map(String)
  const found = texts.flatMap((text) => [Buffer.from(text, 'base64url'), createHash('sha256').update(text).digest()])
  for (const bytes of found) {
    const mask = randomBytes(32)
    const forged = Buffer.concat([mask, Buffer.from(bytes.map((byte, at) => byte ^ Number(mask[at])))])
    expect(await shop.see((session) => session.verifyCsrf(forged.toString('base64url')))).toBe(false)
    expect(await shop.sessions.findSession(`${id}.${bytes.toString('base64url')}`)).toBeUndefined()
  }
  expect(await shop.see((session) => session.verifyCsrf(form))).toBe(true)
})
