/**
 * Load: the session of a request. Every refusal of its token ends in a new session without a word to the visitor (P12); only
 * an outage is an error (P11).
 */
import type { Context } from './context.ts'
import type { PlainObject } from './data.ts'
import { StoreUnavailableError } from './errors.ts'
import { identify, type Current, type Identified } from './identify.ts'
import { attempt, isPromise, whenThere } from './maybe.ts'
import type { SessionRecord } from './record.ts'
import { Session, stateOf } from './session.ts'
import { SessionState } from './state.ts'
import type { MaybePromise } from './store.ts'
import { carriedBy, type Carried } from './transport.ts'

/** The request's session, or a new one. */
export function loadSession(context: Context, request: Request, fresh?: boolean): MaybePromise<Session> {
  return loadCarried(context, request, carriedBy(request, context), 0, fresh)
}

/** A new session, for a visitor who brought none, or none that is theirs. */
function begin(
  context: Context,
  request: Request,
  carried: Carried,
  superseded?: SessionRecord,
  outage?: StoreUnavailableError,
): MaybePromise<Session> {
  const session = context.store.generate(request, context.manager)
  return isPromise(session)
    ? session.then((begun) => answerable(begun, carried, superseded, outage))
    : answerable(session, carried, superseded, outage)
}

function answerable(
  session: Session,
  carried: Carried,
  superseded: SessionRecord | undefined,
  outage: StoreUnavailableError | undefined,
): Session {
  const state = stateOf(session)
  state.carried = carried
  state.superseded = superseded
  state.outage = outage
  return session
}

/** The session of the first token in our form. What has another may be somebody else's credential: the next one is asked. */
function loadCarried(
  context: Context,
  request: Request,
  carried: readonly Carried[],
  at: number,
  fresh: boolean | undefined,
): MaybePromise<Session> {
  for (let index = at; index < carried.length; index++) {
    const { token } = carried[index] as Carried
    if (token !== undefined) return loadToken(context, request, carried, index, token, fresh)
  }
  return begin(context, request, carried.at(-1) as Carried)
}

function loadToken(
  context: Context,
  request: Request,
  carried: readonly Carried[],
  at: number,
  token: string,
  fresh: boolean | undefined,
): MaybePromise<Session> {
  const used = carried[at] as Carried
  let outage: StoreUnavailableError | undefined
  const found = attempt<Identified>(
    () => identify(context, token, { copy: context.store.copies?.carriedBy(request, used), fresh }),
    (error) => {
      if (!(error instanceof StoreUnavailableError && context.anonymousOnOutage)) throw error
      outage = error
      return { standing: 'unknown' }
    },
  )
  return whenThere(found, (identified) => {
    switch (identified.standing) {
      case 'malformed':
        return loadCarried(context, request, carried, at + 1, fresh)
      case 'current':
        return resume(context, request, used, identified)
      case 'superseded':
        return begin(context, request, used, identified.record)
      default:
        return begin(context, request, carried.at(-1) as Carried, undefined, outage)
    }
  })
}

/** The session that was found. */
function resume(context: Context, request: Request, used: Carried, found: Current): MaybePromise<Session> {
  ready = found
  return whenThere(context.store.createSession(request, found.record, true, context.manager), (session) => {
    if (ready === found) ready = undefined
    const state = stateOf(session)
    state.carried = used
    state.token = used.token
    state.secret = found.secret
    state.asOf = found.asOf
    state.handedOver = found.handedOver
    state.rotates = used.transport === 'cookie' && found.asOf !== undefined
    return session
  })
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
