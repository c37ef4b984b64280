/**
 * Write: from what a session wants to what the store holds, by compare-and-set. The loop is the protocol of section 5 of
 * the design: never an insert where an update was meant (P6), never a repeat of a write whose outcome is unknown (P14).
 */
import { expectedOf } from './compare.ts'
import { askStore, callStore, type Context } from './context.ts'
import { checkCookieSize } from './cookie.ts'
import { draft } from './draft.ts'
import { SessionConfigError, SessionConflictError, SessionNotFoundError } from './errors.ts'
import { patience } from './patience.ts'
import { isExpired, isHandingOver } from './policy.ts'
import { isRecord, type SessionRecord } from './record.ts'
import { regeneration, rotation, SUPERSEDED_FOR, tokenText } from './rotate.ts'
import { asStored } from './schema.ts'
import type { SessionState } from './state.ts'
import { destroyRecord } from './store.ts'
import { createId, createIdAndSecret, createSecret, isId, nextSecret } from './token.ts'
import { handOver } from './touch.ts'

/** What became of a write. `lost`: the session ended, or its token was replaced, meanwhile; the data is dropped. */
export type Outcome = 'done' | 'lost'

const ID_TRIES = 5

/** Inserts a new record under a new id and secret. */
export async function create(context: Context, state: SessionState, base?: SessionRecord): Promise<Outcome> {
  const drawn = createIdAndSecret()
  const turn = await regeneration(context, state.nextSecret ?? drawn.secret)
  for (let tries = 0; tries < ID_TRIES; tries++) {
    const id = context.genid ? await givenId(context.genid, state) : tries > 0 ? createId() : drawn.id
    // An id that was in use is another session's, or ended (S05, R23); only a drawing of the user's own repeats itself.
    if (context.genid && (id === base?.id || (await context.store.revocations?.standing(context, { id })))) continue
    const record = { ...(await draft(context, state, base, turn)), id, version: 1 }
    delete record.previous
    const outcome = await insert(context, state, record, turn.secret, base)
    if (outcome === 'taken') continue
    if (outcome === 'done') context.emit(base ? 'regenerated' : 'created', record)
    return outcome
  }
  throw new SessionConflictError(
    `No free session id after ${ID_TRIES} tries. Let \`genid\` return ids that are not in use.`,
  )
}

async function insert(
  context: Context,
  state: SessionState,
  record: SessionRecord,
  secret: string,
  replaced: SessionRecord | undefined,
): Promise<Outcome | 'taken'> {
  if (context.store.capabilities.carriesRecord) return sealed(context, state, record, replaced)
  const token = await tokenText(context, record.id, secret)
  const asOf = context.now()
  if (!(await callStore(context, 'create', [record], record))) return 'taken'
  state.settle(record, asOf)
  state.bring(token, secret)
  return 'done'
}

/** Updates the record: changed data, a new token, or both. */
export async function update(context: Context, state: SessionState): Promise<Outcome> {
  const { carriesRecord, consistency } = context.store.capabilities
  if (state.regenerateAsked && (carriesRecord || consistency === 'eventual')) return renumber(context, state)
  return carriesRecord ? reseal(context, state) : compareAndSet(context, state)
}

async function compareAndSet(context: Context, state: SessionState): Promise<Outcome> {
  const loaded = state.record as SessionRecord
  let base = loaded
  let mine = base.verifier
  let turn = state.regenerateAsked
    ? await regeneration(context, state.nextSecret ?? createSecret())
    : state.rotation === 'rotate'
      ? await rotation(state)
      : undefined
  // A token that is replaced on a mere read leaves data that was migrated or reset as it is (P1).
  const keepsData = context.rules !== undefined && state.status === 'rotated'
  const again = patience()
  for (;;) {
    const record = await draft(context, state, base, turn)
    const secret = turn?.secret ?? (state.handedOver ? state.secret : undefined)
    const token = secret && (await tokenText(context, record.id, secret))
    const exactExpiry = state.subjectSet !== undefined || state.lifetimeSet !== undefined
    const asOf = context.now()
    const row = keepsData ? asStored(record, base) : record
    const result = await callStore(context, 'update', [row, expectedOf(base)], row, { exactExpiry })
    if (result === 'gone') return 'lost'
    if (result === 'ok') {
      state.settle(record, asOf)
      if (token && secret) state.bring(token, secret)
      context.emit(turn ? 'regenerated' : 'updated', record)
      if (base !== loaded) context.emit('merged', record)
      return 'done'
    }
    context.emit('conflict', base)
    // The wait comes before the read: a record read and then left to lie is likely to be old again.
    await again()
    let fresh = await callStore(context, 'get', [base.id], { id: base.id })
    if (!isRecord(fresh) || isExpired(fresh, context.now())) return 'lost'
    if (context.rules) fresh = await context.rules.read(fresh)
    if (turn && token && fresh.verifier === turn.verifier) {
      state.settle(fresh, undefined)
      state.bring(token, turn.secret)
      return 'done'
    }
    if (fresh.verifier !== mine) {
      const { previous } = fresh
      if (previous?.verifier !== mine || !isHandingOver(fresh, context.now()) || state.secret === undefined)
        return state.subjectSet?.subject === undefined ? 'lost' : create(context, state)
      // Another request rotated the token: this one goes on with the token that follows, and rotates nothing itself.
      state.secret = await nextSecret(state.secret, previous.handover as string)
      state.handedOver = true
      mine = fresh.verifier
      if (!state.regenerateAsked) turn = undefined
      if (state.status === 'touched') {
        state.record = fresh
        await handOver(context, state)
        return 'done'
      }
    }
    base = fresh
    // What was changed while this waited goes along.
    state.box.written()
  }
}

/** Where an update in place could be missed, or the record lives in the token: a new id, never seen and so never stale. */
async function renumber(context: Context, state: SessionState): Promise<Outcome> {
  const old = state.record as SessionRecord
  let base = old
  if (!context.store.capabilities.carriesRecord) {
    const answer = await callStore(context, 'get', [old.id], { id: old.id })
    if (!answer && !(await isBehind(context, state, old))) return 'lost'
    // An answer older than what was loaded is the store being behind.
    if (answer && answer.version >= old.version) base = context.rules ? await context.rules.read(answer) : answer
    if (base.verifier !== old.verifier) return 'lost'
  }
  const outcome = await create(context, state, base)
  if (!context.store.revocations)
    await askStore(context, 'destroy', (store, options) => destroyRecord(store, old.id, options), old)
  return outcome
}

/**
 * Whether a record that the store does not show has only not arrived there yet: a copy stood in for it, or it was begun just
 * now, and a write to it is taken. What ended is refused.
 */
async function isBehind(context: Context, state: SessionState, old: SessionRecord): Promise<boolean> {
  if (state.asOf !== undefined && !state.tokenDue) return false
  const written = { ...old, version: old.version + 1 }
  return (await callStore(context, 'update', [written, expectedOf(old)], old)) === 'ok'
}

async function reseal(context: Context, state: SessionState): Promise<Outcome> {
  const base = state.record as SessionRecord
  const record = await draft(context, state, base, undefined)
  // What ended while this request ran stays ended, and its cookie is not sent again (P6, R03).
  if (await context.store.revocations?.standing(context, base)) return 'lost'
  await sealed(context, state, record)
  context.emit('updated', record)
  return 'done'
}

/**
 * The record as a token of its own; nothing is stored. Too large is an error here, before anything is sent (P17). The session
 * it takes the place of ends before the token leaves, and the token is not the visitor's before that.
 */
async function sealed(
  context: Context,
  state: SessionState,
  record: SessionRecord,
  replaced?: SessionRecord,
): Promise<Outcome> {
  const { cookie, store } = context
  const token = await callStore(context, 'seal', [record], record, { name: cookie.bareName })
  const { carried } = state
  if ((carried?.transport ?? context.transports.at(-1)) === 'cookie')
    checkCookieSize(cookie, carried?.cookieName ?? cookie.secureName, token)
  if (replaced) {
    const signsIn = state.subjectSet?.subject !== undefined
    const until = context.now() + SUPERSEDED_FOR
    if ((await store.revocations?.replace(context, replaced, record, until, signsIn)) === false) return 'lost'
  }
  state.settle(record, undefined)
  state.bring(token, record.verifier)
  if (replaced) await store.revocations?.follow(context, replaced, record)
  return 'done'
}

async function givenId(genid: NonNullable<Context['genid']>, state: SessionState): Promise<string> {
  const id: unknown = await genid(state.request)
  if (!isId(id))
    throw new SessionConfigError('`genid` returned something else than 1 to 128 characters of A-Z a-z 0-9 _ -.')
  return id
}

/** The write was lost: says so once, and lets go of it; no token is sent. */
export function noteLost(context: Context, state: SessionState): void {
  context.emit('lost', { id: (state.record ?? state.superseded)?.id })
  state.giveUp()
  state.tokenDue = false
}

/** Throws what `lost` means for calls that wait for their write: `save()` and the headless ones. */
export function mustHold(context: Context, state: SessionState, outcome: Outcome): void {
  if (outcome === 'done') return
  noteLost(context, state)
  throw new SessionNotFoundError(
    'The session was ended, or its token replaced, while this request ran. The change was dropped.',
  )
}
