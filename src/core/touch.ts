/** Touch: the expiry moves forward and nothing else changes, if the row still is what was read. */
import { expectedOf, touched } from './compare.ts'
import { callStore, type Context } from './context.ts'
import { patience } from './patience.ts'
import { slide } from './policy.ts'
import type { SessionRecord } from './record.ts'
import { tokenText } from './rotate.ts'
import type { SessionState } from './state.ts'

/** Moves the expiry forward. `false` when the row was not that any more. */
export async function touch(context: Context, state: SessionState): Promise<boolean> {
  const record = state.record as SessionRecord
  const now = context.now()
  const expiresAt = slide(record, now, context)
  if (!(await callStore(context, 'touch', [record.id, expiresAt, now, expectedOf(record)], record))) {
    // What was read is not what the store holds now, or the session ended: not for a copy to keep.
    state.asOf = undefined
    return false
  }
  state.record = touched(record, expiresAt, now, record)
  state.touchAsked = false
  state.asOf = now
  context.emit('touched', record)
  return true
}

/** Answers a request that came with the token before a rotation with the one after it, if the session is still that. */
export async function handOver(context: Context, state: SessionState): Promise<void> {
  const { id } = state.record as SessionRecord
  const secret = state.secret as string
  if (await touch(context, state)) state.bring(await tokenText(context, id, secret), secret)
}

/**
 * Moves the expiry forward, whoever writes in between: each time round `reopen` judges the token again, so it ends when
 * the session does.
 */
export async function renew(context: Context, state: SessionState, reopen: () => Promise<SessionState>): Promise<void> {
  const again = patience()
  for (let current = state; !(await touch(context, current)); current = await reopen()) await again()
}
