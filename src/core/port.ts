/** What the awaited members of a `Session` do. */
import { saveSession } from './commit.ts'
import type { Context } from './context.ts'
import { createCsrfToken, isCsrfToken } from './csrf.ts'
import { SessionStateError } from './errors.ts'
import { openToken } from './identify.ts'
import type { SessionPort } from './session.ts'
import type { SessionState } from './state.ts'
import { createSecret } from './token.ts'

/** The port of a manager's sessions; `context` is asked for at each call, since it holds the port itself. */
export function sessionPort(context: () => Context): SessionPort {
  return {
    save: (state) => saveSession(context(), state),
    reload: (state) => state.enqueue(() => reload(context(), state)),
    csrfToken,
    verifyCsrf: async (state, value) =>
      !state.outage &&
      !state.destroyed &&
      state.secret !== undefined &&
      isCsrfToken(state.secret, value, state.record?.previous?.csrf),
  }
}

async function reload(context: Context, state: SessionState): Promise<void> {
  if (!state.usable().record || state.token === undefined) return state.revert()
  const { record, data, asOf, secret, handedOver } = await openToken(context, state.token, {
    letIn: state.asOf !== undefined,
  })
  state.record = record
  state.giveUp(data)
  Object.assign(state, { asOf, secret, handedOver })
}

async function csrfToken(state: SessionState): Promise<string> {
  if (state.usable().record && !state.regenerateAsked) {
    if (state.secret !== undefined) return createCsrfToken(state.secret)
    throw new SessionStateError(
      'This session was built from its record; its token, to which CSRF tokens are bound, is not known.',
    )
  }
  // The token of the write to come: its secret is drawn now.
  state.writable().asked = true
  return createCsrfToken((state.nextSecret ??= createSecret()))
}
