/** Attack on `storeTimeout` by a store that is slow to begin: it looks at the signal only after something of its own. */
import { SessionManager, StoreUnavailableError, type SessionRecord, type StoreCallOptions } from 'latchkey'
import { expect, it } from 'vitest'
import { ThreeMethodStore } from '../protocol/site.ts'
import { gate } from '../support/flow.ts'

/** Connects before its first call, as clients do. */
class SlowToConnect extends ThreeMethodStore {
  readonly connected = gate()
  done: unknown
  override create(record: SessionRecord, options?: StoreCallOptions): Promise<boolean> {
    const done = this.connected.promise.then(() => super.create(record, options))
    this.done = done.catch((error: unknown) => error)
    return done
  }
}

it('P14: what was given up before the store had connected is not written when it has', async () => {
  const store = new SlowToConnect()
  const sessions = new SessionManager({ store, storeTimeout: 10 })
  await expect(sessions.createSession({ n: 1 })).rejects.toBeInstanceOf(StoreUnavailableError)
  store.connected.open()
  expect(await store.done).toMatchObject({ name: 'TimeoutError' })
  expect([...store.records]).toEqual([])
})

it('the signal says so to whoever asks first when the time is over, and to nobody whose call was in time', async () => {
  const seen: (StoreCallOptions | undefined)[] = []
  class Keeper extends ThreeMethodStore {
    hangs = false
    override get(id: string, options?: StoreCallOptions): Promise<SessionRecord | undefined> {
      seen.push(options)
      return this.hangs ? new Promise(() => {}) : super.get(id)
    }
  }
  const store = new Keeper()
  const sessions = new SessionManager({ store, storeTimeout: 10 })
  const token = await sessions.createSession()
  await sessions.retrieveSession(token)
  store.hangs = true
  await expect(sessions.retrieveSession(token)).rejects.toBeInstanceOf(StoreUnavailableError)
  expect(seen.slice(-2).map((options) => options?.signal?.aborted)).toEqual([false, true])
})
