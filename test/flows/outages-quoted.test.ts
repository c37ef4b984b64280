/** P13: an outage’s `cause` repeats the store's own words only where they quote nothing that a session holds. */
import { SessionManager, StoreUnavailableError, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { testClock } from 'latchkey/testing'
import { expect, it } from 'vitest'

type Data = { n: number; pin?: string }

/** A store whose calls can be made to fail in words of their own. */
class Talkative extends MemoryStore {
  onGet?: () => never
  onUpdate?: (record: SessionRecord) => 'conflict'

  override get(id: string): SessionRecord | undefined {
    return this.onGet ? this.onGet() : super.get(id)
  }

  override update(...args: Parameters<MemoryStore['update']>): ReturnType<MemoryStore['update']> {
    return this.onUpdate ? this.onUpdate(args[0]) : super.update(...args)
  }
}

const request = (token: string): Request =>
  new Request('https://shop.example/', { headers: { cookie: `__Host-session=${token}` } })

/** What an outage says, its causes and stacks included. */
async function said(work: Promise<unknown>): Promise<string> {
  let error: unknown = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  let text = ''
  for (; error instanceof Error; error = error.cause) text += `${error.message}\n${error.stack}\n`
  return text
}

it('the read after a conflict quotes nothing of the row that others wrote', async () => {
  const store = new Talkative()
  const sessions = new SessionManager<Data>({ store, initial: () => ({ n: 0 }) })
  const session = await sessions.load(request(await sessions.createSession()))
  session.data.n = 2
  store.onUpdate = () => 'conflict'
  store.onGet = () => {
    throw new Error('row is damaged: {"pin":"correcthorse"}')
  }
  expect(await said(session.save())).not.toContain('correcthorse')
})

it('a rotation that leaves data unmigrated quotes nothing of what `migrate` drops', async () => {
  const [store, now] = [new Talkative(), testClock(0)]
  const options = { store, now, initial: () => ({ n: 0 }) }
  const token = await new SessionManager<Data>(options).createSession({ pin: 'correcthorse' }, { subject: 'u_1' })
  const migrate = (raw: object): Data => ({ n: (raw as Data).n })
  const sessions = new SessionManager<Data>({ ...options, rotateEvery: '1h', migrate })
  now.advance('2h')
  const session = await sessions.load(request(token))
  store.onUpdate = ({ data }) => {
    throw new Error(`constraint failed for ${data}`)
  }
  expect(await said(sessions.commit(session, new Response()))).not.toContain('correcthorse')
})

it('a rotation says nothing of the nonce that leads from the old token to the next', async () => {
  const [store, now] = [new Talkative(), testClock(0)]
  const sessions = new SessionManager<Data>({ store, now, initial: () => ({ n: 0 }), rotateEvery: '1h' })
  const token = await sessions.createSession({}, { subject: 'u_1' })
  now.advance('2h')
  const session = await sessions.load(request(token))
  let nonce = ''
  store.onUpdate = ({ previous }) => {
    nonce = String(previous?.handover)
    throw new Error(`constraint failed: previous = ${JSON.stringify(previous)}`)
  }
  const text = await said(sessions.commit(session, new Response()))
  expect(nonce).toHaveLength(43)
  expect(text).not.toContain(nonce)
})
