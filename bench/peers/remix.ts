/** `@remix-run/session` with its middleware and the router that it is made for. */
import { createCookie } from '@remix-run/cookie'
import { createRouter } from '@remix-run/fetch-router'
import { Session } from '@remix-run/session'
import { createCookieSessionStorage } from '@remix-run/session/cookie-storage'
import { createMemorySessionStorage } from '@remix-run/session/memory-storage'
import { session } from '@remix-run/session-middleware'
import { answer, SECRET, seedData, type Contestant, type Data } from '../contestant.ts'

function read(one: Session): string {
  return answer({ n: one.get('n'), text: one.get('text') } as Data)
}

function fill(one: Session, payload: number): void {
  for (const [key, value] of Object.entries(seedData(payload))) one.set(key, value)
}

function remix(name: string, kind: 'memory' | 'sealed'): Contestant {
  return {
    name,
    role: 'peer',
    kind,
    open: (payload) => {
      const storage = kind === 'memory' ? createMemorySessionStorage() : createCookieSessionStorage()
      return {
        app: () => {
          const cookie = createCookie('__session', { secrets: [SECRET], httpOnly: true, secure: true, sameSite: 'Lax' })
          const router = createRouter({ middleware: [session(cookie, storage)] })
          router.get('/none', () => new Response('ok'))
          router.get('/read', (context) => new Response(read(context.get(Session))))
          router.get('/seed', (context) => {
            fill(context.get(Session), payload)
            return new Response('seeded')
          })
          router.get('/write', (context) => {
            const one = context.get(Session)
            one.set('n', Number(one.get('n') ?? 0) + 1)
            return new Response(read(one))
          })
          router.get('/login', (context) => {
            const one = context.get(Session)
            // In a cookie there is no old session to delete; asked to, it warns each time.
            one.regenerateId(kind === 'memory')
            if (one.get('n') === undefined) fill(one, payload)
            else one.set('n', Number(one.get('n')) + 1)
            one.set('user', 'u_42')
            return new Response(`${read(one)}:${String(one.get('user'))}`)
          })
          return (request) => router.fetch(request)
        },
      }
    },
  }
}

export const remixMemory: Contestant = remix('@remix-run/session, memory', 'memory')
export const remixCookie: Contestant = {
  ...remix('@remix-run/session, cookie', 'sealed'),
  note: 'signed, not encrypted',
}
