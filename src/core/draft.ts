/** Draft: the record that a session wants, new or on top of the stored one. What it costs to get there is not its matter. */
import type { Context } from './context.ts'
import { lifeOf } from './policy.ts'
import { withoutUndefined, type SessionRecord } from './record.ts'
import { previousOf, replacedBy, type NewToken } from './rotate.ts'
import type { SessionState } from './state.ts'
import type { MaybePromise } from './store-model.ts'

/**
 * The record this session wants: on top of `base`, or new.
 * @throws SessionDataError when its data cannot be stored, or does not pass the schema
 */
export function draft(
  context: Context,
  state: SessionState,
  base: SessionRecord | undefined,
  turn: NewToken | undefined,
): MaybePromise<SessionRecord> {
  const now = context.now()
  const { subject, authenticatedAt } = state.subjectSet ?? base ?? {}
  const { ttl, absolute, persistent } = state.lifetimeSet ?? base ?? {}
  const record = withoutUndefined<SessionRecord>({
    id: base?.id ?? '',
    verifier: turn?.verifier ?? base?.verifier ?? '',
    ...state.content(base),
    version: (base?.version ?? 0) + 1,
    createdAt: base?.createdAt ?? now,
    authenticatedAt,
    // A sign-in's token is as old as the sign-in: a later one replaced the subject's own token.
    rotatedAt: base && !turn ? base.rotatedAt : (state.subjectSet?.at ?? now),
    lastSeenAt: Math.max(base?.lastSeenAt ?? 0, now),
    ...lifeOf(state, base, now, context),
    ttl,
    absolute,
    persistent,
    subject,
    previous: base && (turn ? replacedBy(turn, state, base) : previousOf(context, state, base, now)),
  })
  return context.rules ? context.rules.check(record, base).then(() => record) : record
}
