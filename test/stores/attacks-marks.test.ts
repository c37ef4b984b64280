/** Attacks on the memory of `revocations`: marks that are there and cannot be had. */
import { SessionManager, StoreUnavailableError, type SessionRecord } from 'latchkey'
import { CookieStore } from 'latchkey/stores/cookie'
import { EncryptedStore } from 'latchkey/stores/encrypted'
import { MemoryStore } from 'latchkey/stores/memory'
import { expect, it } from 'vitest'
import { SECRET } from './sealed.ts'

/** Says that every id is taken, and gives nothing out; counts, and ends what would go on for ever. */
class Hoarder extends MemoryStore {
  asked = 0
  override create(record: SessionRecord): boolean {
    if (++this.asked > 100) throw new Error('asked for ever')
    super.create(record)
    return false
  }
  override get(): undefined {}
}

it('P14: a logout over a store that has the mark and does not give it out is an error, soon', async () => {
  const revocations = new Hoarder()
  const store = new CookieStore({ secret: SECRET, revocations })
  const sessions = new SessionManager({ store, storeTimeout: false })
  const token = await sessions.createSession({}, { subject: 'u_42' })
  await expect(sessions.removeSession(token)).rejects.toBeInstanceOf(StoreUnavailableError)
  expect(revocations.asked).toBeLessThan(10)
})

it('P14: nor does one whose mark was sealed under a secret that is gone go on for ever', async () => {
  const marks = new MemoryStore()
  const over = (secret: string): SessionManager =>
    new SessionManager({
      store: new CookieStore({ secret: SECRET, revocations: new EncryptedStore(marks, { secret }) }),
      storeTimeout: false,
    })
  const [before, after] = [over('the first secret, of 32 bytes or more'), over('another secret, of 32 bytes or more')]
  const token = await before.createSession()
  expect(await before.removeSession(token)).toBe(true)
  await expect(after.removeSession(token)).rejects.toBeInstanceOf(StoreUnavailableError)
})
