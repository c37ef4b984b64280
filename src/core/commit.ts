/** Commit: one switch over what the session wants, then the response with its headers. */
import { destroySession, type Context } from './context.ts'
import { SessionStateError, StoreUnavailableError } from './errors.ts'
import { withSessionHeaders } from './response.ts'
import type { SessionRecord } from './record.ts'
import type { SessionState, SessionStatus } from './state.ts'
import type { MaybePromise } from './store.ts'
import { handOver, touch } from './touch.ts'
import { create, mustHold, noteLost, update, type Outcome } from './write.ts'

export interface CommitOptions {
  /** Lets a touch finish after the response has left, e.g. `ctx.waitUntil` on Workers. */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  /** The handler failed: changes are dropped as for a status ≥ 500, `destroy()` and `regenerate()` carried out (P15). */
  failed?: boolean
}

/** Persists what the handler changed, and returns the response with the session's headers. */
export function commitSession(
  context: Context,
  state: SessionState,
  response: Response,
  options: CommitOptions,
): MaybePromise<Response> {
  if (state.settings !== context)
    throw new SessionStateError('This session belongs to another manager; commit it with that.')
  const failed = options.failed || response.status >= 500
  // Most requests change nothing: then there is no turn to take, and nothing to wait for.
  if (!failed && !state.committed && !state.queue && !state.leaving && isClean(state)) {
    state.close()
    return answer(context, state, response)
  }
  return state.enqueue(async () => {
    if (!state.committed) await persist(context, state, response, options)
    return answer(context, state, response)
  })
}

function answer(context: Context, state: SessionState, response: Response): MaybePromise<Response> {
  const copies = context.store.copies?.cookies(context, state, response)
  return copies
    ? copies.then((cookies) => withSessionHeaders(context, state, response, cookies))
    : withSessionHeaders(context, state, response)
}

/** What cannot be serialised is not clean: carried out like any change, it is refused there. */
function isClean(state: SessionState): boolean {
  try {
    return state.status === 'clean'
  } catch {
    return false
  }
}

async function persist(
  context: Context,
  state: SessionState,
  { status }: Response,
  options: CommitOptions,
): Promise<void> {
  if (options.failed || status >= 500 || status === 0) state.revert()
  // A response with status 0 never reaches the client, and a token that nobody receives would lock them out.
  if (status === 0) state.regenerateAsked = false
  // No write follows this one: what would be changed while it is under way would be lost.
  state.committed = true
  try {
    const outcome = await carryOut(context, state, options, status !== 101 && status !== 0)
    if (outcome === 'lost') noteLost(context, state)
  } catch (error) {
    state.asOf = undefined
    throw error
  } finally {
    // Committed even when it failed: committing again only puts an already persisted token on the error's response.
    state.close()
  }
}

/** `save()`: the same switch, where a lost write is an error. */
export function saveSession(context: Context, state: SessionState): Promise<void> {
  return state.enqueue(async () => {
    if (state.committed) state.refuse()
    if (state.outage) throw state.outage
    state.asked = true
    try {
      mustHold(context, state, await carryOut(context, state, {}, true))
    } catch (error) {
      // The caller knows now; commit must not try again what may have taken effect (P14). Leaving is another matter.
      if (error instanceof StoreUnavailableError && !state.destroyed) state.giveUp()
      throw error
    }
  })
}

async function carryOut(
  context: Context,
  state: SessionState,
  options: CommitOptions,
  deliverable: boolean,
): Promise<Outcome> {
  if (!deliverable) state.rotates = false
  const { status, record, superseded, leaving } = state
  const outcome = await carryOutStatus(context, state, status, options, deliverable)
  const left = superseded ?? (outcome === 'lost' ? record : undefined)
  if (leaving && left && wasSignedIn(left, superseded !== undefined)) {
    // Another request replaced the token meanwhile. Leaving is never ignored: then the session ends altogether (P6).
    await destroySession(context, left)
  }
  return outcome
}

/** Whether the token that was used was the subject's own, and not that of the visitor before the sign-in (R20). */
function wasSignedIn({ subject, authenticatedAt = 0, rotatedAt }: SessionRecord, superseded: boolean): boolean {
  return subject !== undefined && (!superseded || authenticatedAt < rotatedAt)
}

/** No status is left out: TypeScript would miss an answer for it. */
async function carryOutStatus(
  context: Context,
  state: SessionState,
  status: SessionStatus,
  options: CommitOptions,
  deliverable: boolean,
): Promise<Outcome> {
  if (status !== 'clean' && state.outage) throw state.outage
  switch (status) {
    case 'clean':
      return 'done'
    case 'destroyed': {
      const record = state.record ?? state.superseded
      if (record) await destroySession(context, record)
      state.destroyDone = state.clearDue = true
      state.tokenDue = false
      return 'done'
    }
    case 'touched': {
      if (state.handedOver) {
        await handOver(context, state)
        return 'done'
      }
      const touching = touch(context, state)
      if (!options.waitUntil || !handedOver(options.waitUntil, touching)) await touching
      return 'done'
    }
    case 'new':
      if (!deliverable || (state.superseded && state.subject === undefined)) return 'lost'
      return create(context, state)
    case 'rotated':
    case 'changed':
      if (!deliverable && context.store.capabilities.carriesRecord) return 'lost'
      return update(context, state)
    case 'regenerated':
      if (deliverable) return update(context, state)
      throw new SessionStateError(
        'A new token cannot reach the client on this response (an upgrade). Sign in or regenerate on an ordinary one.',
      )
  }
}

/** Hono's `executionCtx` and its kind throw where the runtime has none: then the touch is awaited like any other write. */
function handedOver(waitUntil: NonNullable<CommitOptions['waitUntil']>, touching: Promise<unknown>): boolean {
  try {
    waitUntil(touching.catch(() => {}))
    return true
  } catch {
    return false
  }
}
