/**
 * Write: from what a session wants to what the store holds, by compare-and-set. The loop is the protocol of section 5 of
 * the design: never an insert where an update was meant (P6), never a repeat of a write whose outcome is unknown (P14).
 */
import { base64url } from './bytes.ts'
import { askStore, callStore, type Context } from './context.ts'
import { checkCookieSize } from './cookie.ts'
import { codeFor } from './csrf.ts'
import { SessionConflictError, SessionNotFoundError } from './errors.ts'
import { endsOfLife, isExpired, isHandingOver, slide, startOfLife } from './policy.ts'
import { isRecord, withoutUndefined, type PreviousToken, type SessionRecord } from './record.ts'
import type { SessionState } from './state.ts'
import { destroyRecord } from './store.ts'
import { createId, createSecret, isId, nextSecret, verifierOf } from './token.ts'

/** What became of a write. `lost`: the session ended, or its token was replaced, meanwhile; the data is dropped. */
export type Outcome = 'done' | 'lost'

/** How long a token that `regenerate()` replaced is still known as superseded. */
const SUPERSEDED_FOR = 10_000
/** How long a write keeps trying against others that change the same record, in milliseconds. */
const CONFLICT_BUDGET = 10_000
const ID_TRIES = 5
const KEPT_CHANGING = 'The session kept changing underneath. Try again.'

/** Inserts a new record under a new id and secret. */
export async function create(context: Context, state: SessionState, base?: SessionRecord): Promise<Outcome> {
  const turn = await regeneration(context, state)
  for (let tries = 0; tries < ID_TRIES; tries++) {
    const id = await drawId(context, state)
    // An id that was in use is another session's, or ended (S05, R23); only a drawing of the user's own repeats itself.
    if (context.genid && (id === base?.id || (await context.store.revocations?.standing(context, { id })))) continue
    const record = { ...draft(context, state, base, turn), id, version: 1 }
    delete record.previous
    if (context.rules) await context.rules.check(record, base)
    const outcome = await insert(context, state, record, turn.secret, base)
    if (outcome === 'taken') continue
    if (outcome === 'done') context.emit(base ? 'regenerated' : 'created', { id, subject: record.subject })
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
  settle(state, record, token, secret, asOf)
  return 'done'
}

/** The token that a write brings in, and what it leaves of the one before. */
interface NewToken {
  secret: string
  verifier: string
  previous: Pick<PreviousToken, 'handover' | 'csrf' | 'until'>
}

/** Updates the record: changed data, a new token, or both. */
export async function update(context: Context, state: SessionState): Promise<Outcome> {
  const { capabilities } = context.store
  if (state.regenerateAsked && (capabilities.carriesRecord || capabilities.consistency === 'eventual')) {
    return regenerateUnderNewId(context, state)
  }
  let base = state.record as SessionRecord
  let mine = base.verifier
  let turn = state.regenerateAsked
    ? await regeneration(context, state)
    : state.rotation === 'rotate'
      ? await rotation(state)
      : undefined
  const giveUpAt = performance.now() + CONFLICT_BUDGET
  for (let tries = 0; ; tries++) {
    const record = draft(context, state, base, turn)
    if (context.rules) await context.rules.check(record, base)
    if (capabilities.carriesRecord) {
      // What ended while this request ran stays ended, and its cookie is not sent again (P6, R03).
      if (await context.store.revocations?.standing(context, base)) return 'lost'
      await sealed(context, state, record)
      context.emit('updated', record)
      return 'done'
    }
    const secret = turn?.secret ?? (state.handedOver ? state.secret : undefined)
    const token = secret && (await tokenText(context, record.id, secret))
    const exactExpiry = state.subjectSet !== undefined || state.lifetimeSet !== undefined
    const expected = { version: base.version, verifier: base.verifier }
    const asOf = context.now()
    const result = await callStore(context, 'update', [record, expected], record, { exactExpiry })
    if (result === 'gone') return 'lost'
    if (result === 'ok') {
      settle(state, record, token, secret, asOf)
      context.emit(turn ? 'regenerated' : 'updated', record)
      if (tries > 0) context.emit('merged', record)
      return 'done'
    }
    context.emit('conflict', base)
    if (performance.now() > giveUpAt) throw new SessionConflictError(KEPT_CHANGING)
    // The wait comes before the read: a record read and then left to lie is likely to be old again.
    await pause(tries)
    let fresh = await callStore(context, 'get', [base.id], record)
    if (!isRecord(fresh) || isExpired(fresh, context.now())) return 'lost'
    if (context.rules) fresh = await context.rules.read(fresh)
    if (turn && fresh.verifier === turn.verifier) {
      settle(state, fresh, token, secret)
      return 'done'
    }
    if (fresh.verifier !== mine) {
      const { previous } = fresh
      if (previous?.verifier !== mine || !isHandingOver(fresh, context.now()) || state.secret === undefined)
        return state.subjectSet?.value === undefined ? 'lost' : create(context, state)
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
  }
}

/** `regenerate()`: the old token ends at once, and is known as superseded for a while. */
async function regeneration(context: Context, state: SessionState): Promise<NewToken> {
  const secret = state.nextSecret ?? createSecret()
  return { secret, verifier: await verifierOf(secret), previous: { until: context.now() + SUPERSEDED_FOR } }
}

/** `rotateEvery`: the new token follows from the old one, which is served until the new one has been used for a while. */
async function rotation(state: SessionState): Promise<NewToken> {
  const old = state.secret as string
  const handover = createSecret()
  const secret = await nextSecret(old, handover)
  return { secret, verifier: await verifierOf(secret), previous: { handover, csrf: base64url(await codeFor(old)) } }
}

/** Answers a request that came with the token before a rotation with the one after it, if the session is still that. */
export async function handOver(context: Context, state: SessionState): Promise<void> {
  if (!(await touch(context, state)) || !state.record || state.secret === undefined) return
  state.token = await tokenText(context, state.record.id, state.secret)
  state.tokenDue = true
  state.handedOver = state.rotates = false
}

/** Where an update in place could be missed, or the record lives in the token: a new id, never seen and so never stale. */
async function regenerateUnderNewId(context: Context, state: SessionState): Promise<Outcome> {
  const old = state.record as SessionRecord
  let base = old
  if (!context.store.capabilities.carriesRecord) {
    const answer = await callStore(context, 'get', [old.id], old)
    if (!answer) return 'lost'
    // An answer older than what was loaded is the store being behind.
    if (answer.version >= old.version) base = context.rules ? await context.rules.read(answer) : answer
    if (base.verifier !== old.verifier) return 'lost'
  }
  const outcome = await create(context, state, base)
  if (!context.store.revocations)
    await askStore(context, 'destroy', (store, options) => destroyRecord(store, old.id, options), old)
  return outcome
}

/** Moves the expiry forward. `false` when the row was not that any more. */
export async function touch(context: Context, state: SessionState): Promise<boolean> {
  const record = state.record as SessionRecord
  const now = context.now()
  const expiresAt = slide(record, now, context)
  const { id, version, verifier } = record
  if (!(await callStore(context, 'touch', [id, expiresAt, now, { version, verifier }], record))) {
    // What was read is not what the store holds now, or the session ended: not for a copy to keep.
    state.asOf = undefined
    return false
  }
  state.record = { ...record, expiresAt, lastSeenAt: Math.max(record.lastSeenAt, now) }
  state.touchAsked = false
  state.asOf = now
  context.emit('touched', record)
  return true
}

/**
 * Moves the expiry forward, whoever writes in between: each time round `reopen` judges the token again, so it ends when
 * the session does.
 */
export async function renew(context: Context, state: SessionState, reopen: () => Promise<SessionState>): Promise<void> {
  const giveUpAt = performance.now() + CONFLICT_BUDGET
  for (let current = state, tries = 0; !(await touch(context, current)); tries++) {
    if (performance.now() > giveUpAt) throw new SessionConflictError(KEPT_CHANGING)
    await pause(tries)
    current = await reopen()
  }
}

/** The record this session wants: on top of `base`, or new. */
function draft(
  context: Context,
  state: SessionState,
  base: SessionRecord | undefined,
  turn: NewToken | undefined,
): SessionRecord {
  const now = context.now()
  const own = state.lifetimeSet ?? base ?? {}
  const { ttl, absolute, persistent } = own
  const content = state.content(base)
  let life: Pick<SessionRecord, 'expiresAt' | 'endsAt'>
  if (!base || state.subjectSet) life = endsOfLife(now, now, own, context)
  else if (state.lifetimeSet) life = endsOfLife(startOfLife(base, context), now, own, context)
  else life = { expiresAt: slide(base, now, context), endsAt: base.endsAt }
  return withoutUndefined<SessionRecord>({
    id: base?.id ?? '',
    verifier: turn?.verifier ?? base?.verifier ?? '',
    ...content,
    version: (base?.version ?? 0) + 1,
    createdAt: base?.createdAt ?? now,
    authenticatedAt: state.subjectSet
      ? state.subjectSet.value === undefined
        ? undefined
        : state.subjectSet.at
      : base?.authenticatedAt,
    // A sign-in's token is as old as the sign-in: a later one replaced the subject's own token.
    rotatedAt: base && !turn ? base.rotatedAt : (state.subjectSet?.at ?? now),
    lastSeenAt: Math.max(base?.lastSeenAt ?? 0, now),
    ...life,
    ttl,
    absolute,
    persistent,
    subject: state.subjectSet ? state.subjectSet.value : base?.subject,
    previous: base && (turn ? { verifier: base.verifier, ...turn.previous } : previousOf(context, state, base, now)),
  })
}

/** What is kept of the token before, when a write leaves the token as it is. */
function previousOf(
  context: Context,
  state: SessionState,
  base: SessionRecord,
  now: number,
): PreviousToken | undefined {
  const { previous } = base
  if (previous?.handover === undefined) return previous && now < (previous.until ?? 0) ? previous : undefined
  // The nonce has served; that there was one is what tells a use of the old token as a reuse.
  if (!isHandingOver(base, now)) return { ...previous, handover: '' }
  const isFirstUse = state.rotation === 'confirm' && previous.until === undefined
  return isFirstUse ? { ...previous, until: now + context.grace } : previous
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
  const token = await callStore(context, 'seal', [record], record, { name: context.cookie.bareName })
  const transport = state.carried?.transport ?? context.transports.at(-1)
  if (transport === 'cookie')
    checkCookieSize(context.cookie, state.carried?.cookieName ?? context.cookie.secureName, token)
  if (replaced) {
    const signsIn = state.subjectSet?.value !== undefined
    const until = context.now() + SUPERSEDED_FOR
    if ((await context.store.revocations?.replace(context, replaced, record, until, signsIn)) === false) return 'lost'
  }
  settle(state, record, token, record.verifier)
  if (replaced) await context.store.revocations?.follow(context, replaced, record)
  return 'done'
}

function settle(
  state: SessionState,
  record: SessionRecord,
  token: string | undefined,
  secret: string | undefined,
  asOf?: number,
): void {
  state.settle(record)
  state.asOf = asOf
  if (token === undefined || secret === undefined) return
  state.token = token
  state.secret = secret
  state.nextSecret = undefined
  state.tokenDue = true
  state.handedOver = state.rotates = false
}

async function tokenText(context: Context, id: string, secret: string): Promise<string> {
  const text = `${id}.${secret}`
  return context.signer ? `${text}.${await context.signer.sign(text)}` : text
}

async function drawId(context: Context, state: SessionState): Promise<string> {
  if (!context.genid) return createId()
  const id: unknown = await context.genid(state.request)
  if (!isId(id))
    throw new SessionConflictError('`genid` returned something else than 1 to 128 characters of A-Z a-z 0-9 _ -.')
  return id
}

/** Waits a little longer each time, by a random amount, so that writers fall out of step. */
function pause(tries: number): Promise<void> {
  const longest = Math.min(2 ** tries, 50)
  return new Promise((resolve) => setTimeout(resolve, tries === 0 ? 0 : Math.random() * longest))
}

/** The write was lost: says so once, and lets go of it. */
export function noteLost(context: Context, state: SessionState): void {
  context.emit('lost', { id: (state.record ?? state.superseded)?.id })
  state.giveUp()
}

/** Throws what `lost` means for calls that wait for their write: `save()` and the headless ones. */
export function mustHold(context: Context, state: SessionState, outcome: Outcome): void {
  if (outcome === 'done') return
  noteLost(context, state)
  throw new SessionNotFoundError(
    'The session was ended, or its token replaced, while this request ran. The change was dropped.',
  )
}
