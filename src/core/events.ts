/**
 * Events: what happened to a session, for logs and metrics. They carry the public id, never a token or data (I05). A hook
 * that throws, rejects or hangs never breaks or delays a request (I06).
 */
import { withoutUndefined } from './record.ts'

export type SessionEventName =
  | 'created'
  | 'loaded'
  | 'updated'
  | 'touched'
  | 'regenerated'
  | 'destroyed'
  | 'expired'
  | 'rejected'
  | 'conflict'
  | 'merged'
  | 'lost'
  | 'reuse'
  | 'storeError'

/** Why a token was rejected. */
export type RejectReason = 'malformed' | 'signature' | 'unknown' | 'verifier' | 'key' | 'schema'

export interface SessionEvent {
  /** The public id; absent where the token named none. For `rejected` it is what the client named, and proves nothing. */
  id?: string
  subject?: string
  /** For `rejected` a `RejectReason`; for `storeError` the store call that failed. */
  reason?: string
}

/** Hooks by event name. What they return is ignored. */
export type SessionHooks = { [Name in SessionEventName]?: (event: SessionEvent) => unknown }

/** Names of all events, for checking options. */
export const EVENT_NAMES: readonly SessionEventName[] =
  'created loaded updated touched regenerated destroyed expired rejected conflict merged lost reuse storeError'.split(
    ' ',
  ) as SessionEventName[]

export type Emit = (
  name: SessionEventName,
  event: { id?: string | undefined; subject?: string | undefined; reason?: string },
) => void

/** The emitter for these hooks. */
export function emitter(hooks: SessionHooks): Emit {
  return (name, { id, subject, reason: given }) => {
    if (!hooks[name]) return
    // Of the others a whole record is passed, and a store may give it a column of this name.
    const reason = name === 'rejected' || name === 'storeError' ? given : undefined
    try {
      const result = hooks[name](withoutUndefined<SessionEvent>({ id, subject, reason }))
      if (result instanceof Promise) result.catch(() => {})
    } catch {
      // A hook is an observer: its failure is its own.
    }
  }
}
