/** Attack on stored data by a release with a wrong `migrate` or `schema`, and `rotateEvery` beside it. */
import { SessionManager, type Session, type SessionRecord } from 'latchkey'
import { MemoryStore } from 'latchkey/stores/memory'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { HOUR } from '../support/flow.ts'

const RULES = {
  'a migrate that throws': { onInvalid: 'reset', migrate: (): object => JSON.parse('no') as object },
  'a schema that refuses': { onInvalid: 'reset', schema: z.object({ n: z.string().default('') }) },
  'a migrate that renames': { migrate: ({ n, ...rest }: Record<string, unknown>) => ({ ...rest, m: n }) },
} as const

it.each(Object.keys(RULES) as (keyof typeof RULES)[])(
  'P1: with %s, a mere read that rotates or confirms leaves stored data as it is, and a change does not',
  async (name) => {
    const store = new MemoryStore()
    let now = Date.UTC(2030, 0, 1)
    const clock = { store, now: () => now, rotateEvery: '1h', grace: '30s' } as const
    const before = new SessionManager({ ...clock })
    const after = new SessionManager({ ...clock, ...RULES[name] } as object)
    let token = await before.createSession({ n: 7 }, { subject: 'u_42' })
    const [id = ''] = token.split('.')
    const visit = async (handler: (session: Session) => unknown): Promise<Record<string, unknown>> => {
      const headers = { cookie: `__Host-session=${token}` }
      const session = (await after.load(new Request('https://shop.example/', { headers }))) as unknown as Session
      await handler(session)
      await after.commit(session as never, new Response())
      token = session.token as string
      return JSON.parse((store.get(id) as SessionRecord).data) as Record<string, unknown>
    }
    const first = token
    now += HOUR
    expect(await visit((session) => session.data)).toEqual({ n: 7 })
    expect(token).not.toBe(first)
    expect(await visit((session) => session.save())).toEqual({ n: 7 })
    expect((store.get(id) as SessionRecord).previous?.until).toBeDefined()
    expect(await before.retrieveSession(token)).toEqual({ n: 7 })
    now += HOUR
    const changed = await visit(async (session) => {
      await session.save()
      session.data['extra'] = true
    })
    expect(changed).toMatchObject({ extra: true })
    expect(changed['n']).not.toBe(7)
  },
)
