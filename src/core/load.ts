/**
 * Load: the session of a request. Every refusal of its token ends in a new session without a word to the visitor (P12); only
 * an outage is an error (P11).
 */
import type { Context } from './context.ts'
import type { PlainObject } from './data.ts'
import { StoreUnavailableError } from './errors.ts'
import { identify, type Current, type Identified } from './identify.ts'
import { whenThere } from './maybe.ts'
import type { SessionRecord } from './record.ts'
import { Session, stateOf } from './session.ts'
import { SessionState } from './state.ts'
import type { MaybePromise } from './store.ts'
import { carriedBy, type Carried } from './transport.ts'

/** The request's session, or a new one. */
export function loadSession(context: Context, request: Request, fresh?: boolean): MaybePromise<Session> {
  const carried = carriedBy(request, context)
  const last = carried.at(-1) as Carried
  const brought = carried.filter(({ token }) => token !== undefined)
  return brought.length > 0 ? loadCarried(context, request, brought, last, fresh) : begin(context, request, last)
}

/** A new session, for a visitor who brought none, or none that is theirs. */
function begin(
  context: Context,
  request: Request,
  carried: Carried,
  superseded?: SessionRecord,
  outage?: StoreUnavailableError,
): MaybePromise<Session> {
  return whenThere(context.store.generate(request, context.manager), (session) => {
    Object.assign(stateOf(session), { carried, superseded, outage })
    return session
  })
}

async function loadCarried(
  context: Context,
  request: Request,
  brought: readonly Carried[],
  last: Carried,
  fresh: boolean | undefined,
): Promise<Session> {
  let found: Identified = { standing: 'unknown' }
  let used = last
  let outage: StoreUnavailableError | undefined
  for (const one of brought) {
    try {
      found = await identify(context, one.token as string, {
        copy: context.store.copies?.carriedBy(request, one),
        fresh,
      })
    } catch (error) {
      if (!(error instanceof StoreUnavailableError && context.anonymousOnOutage)) throw error
      outage = error
    }
    // What has not our form may be somebody else's credential; the next transport is asked then, and only then.
    if (found.standing === 'malformed') continue
    used = one
    break
  }

  if (found.standing === 'current') {
    ready = found
    const session = await context.store.createSession(request, found.record, true, context.manager)
    if (ready === found) ready = undefined
    const state = stateOf(session)
    state.carried = used
    state.token = used.token
    state.secret = found.secret
    state.asOf = found.asOf
    state.handedOver = found.handedOver
    state.rotates = used.transport === 'cookie' && found.asOf !== undefined
    return session
  }
  return found.standing === 'superseded'
    ? begin(context, request, used, found.record)
    : begin(context, request, last, undefined, outage)
}

/**
 * What was identified last, on its way to the session that is built of it: its data is decoded, and has passed the rules. A
 * store that waits in between finds another's here, or nothing, and both are done again.
 */
let ready: Current | undefined

function take(record: SessionRecord): PlainObject | undefined {
  const data = ready?.record === record ? ready.data : undefined
  // Once: a store that gives out one object twice must not make two sessions share their data (P19).
  ready = undefined
  return data
}

/** A record as `buildSession` takes it: one that did not come through `identify` is read first. */
export function readable(context: Context, record: SessionRecord): MaybePromise<SessionRecord> {
  return context.rules && ready?.record !== record ? context.rules.read(record) : record
}

/** A new session for a request, or, with a record, the session of that record. */
export function buildSession(context: Context, request: Request, record?: SessionRecord): Session {
  const state = new SessionState(context, record, record && take(record))
  state.request = request
  return new Session(state, context.port)
}

/** How a session made for a request outside of `loadSession` is answered: as a new one. */
export function answerAsNew(context: Context, request: Request, session: Session): void {
  stateOf(session).carried = carriedBy(request, context).at(-1)
}
