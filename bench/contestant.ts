/**
 * What is measured: an app that answers four paths in the same way, whatever keeps its sessions. So one client can check
 * every one of them before it is timed, and the times are of the same work.
 *
 * - `/none` does not look at the session: `ok`
 * - `/read` answers with what the session holds: `<n>:<length of text>`, or `-:0`
 * - `/write` adds one to `n`, and answers as `/read`
 * - `/seed` fills a new session with `n = 0` and a text of the payload's size
 * - `/login` is a sign-in: a new token, the subject `u_42`, and `n + 1`; without a session it fills one as `/seed` does
 */
export type Fetch = (request: Request) => Response | Promise<Response>

/** Where the sessions are: nowhere (`none`), in memory, in the cookie, in a libSQL file. */
export type Kind = 'none' | 'memory' | 'sealed' | 'libsql'

export type Scenario =
  | 'anonymous'
  | 'anonymous, looked at'
  | 'read, warm'
  | 'read, cold'
  | 'write'
  | 'sign-in'
  | 'sign-in, from a session'
  | 'garbage'
  | 'garbage, looked at'
  | 'tampered'

/** One secret and one store; `app` makes a new instance over them, which has never seen a cookie. */
export interface World {
  app: () => Fetch | Promise<Fetch>
  /** Cookie headers of seeded sessions, where `/seed` is no way to make many. */
  cookies?: (count: number) => Promise<string[]>
  /** What `/read` answers with, where it cannot be `<n>:<length>`. */
  answers?: { anonymous: string; seeded: string }
  close?: () => void | Promise<void>
}

export interface Contestant {
  name: string
  role: 'floor' | 'latchkey' | 'peer'
  kind: Kind
  /** What its way of keeping sessions leaves out, for the reader of the table. */
  note?: string
  /** Why a scenario is not measured. */
  without?: Partial<Record<Scenario, string>>
  /** `directory` is for files, and is removed at the end. */
  open: (payload: number, directory: string) => World | Promise<World>
}

export interface Data {
  n: number
  text: string
  user?: string
}

export const ORIGIN = 'https://bench.example'
export const SECRET = 'a-secret-of-the-bench-that-is-long-enough-for-everybody'

/** Data whose JSON has about this many bytes. */
export function seedData(payload: number): Data {
  let text = texts.get(payload)
  if (text === undefined) texts.set(payload, (text = textOf(payload - JSON.stringify({ n: 0, text: '' }).length)))
  return { n: 0, text }
}

const texts = new Map<number, string>()

/** Text that does not compress to nothing: words of a generator, the same in every run. */
function textOf(length: number): string {
  let state = 1
  let text = ''
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647
    text += `${state.toString(36)} `
  }
  return text.slice(0, length)
}

/** What `/read` and the others answer with. */
export function answer(data: Partial<Data> | null | undefined): string {
  return `${data?.n ?? '-'}:${data?.text?.length ?? 0}`
}
