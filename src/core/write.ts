/**
 * Write: from what a session wants to what the store holds, by compare-and-set. The loop is the protocol of section 5 of
 * the design: never an insert where an update was meant (P6), never a repeat of a write whose outcome is unknown (P14).
 */
import { callStore, type Context } from './context.ts'
import { checkCookieSize } from './cookie.ts'
import { SessionConflictError, SessionNotFoundError } from './errors.ts'
import { endsOfLife, isExpired, slide, startOfLife } from './policy.ts'
import { isRecord, withoutUndefined, type SessionRecord } from './record.ts'
import { followSealed, replaceSealed, standingOf } from './revoke.ts'
import type { SessionState } from './state.ts'
import { destroyRecord, getRecord } from './store.ts'
import { createId, createSecret, isId, verifierOf } from './token.ts'

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
  const secret = state.nextSecret ?? createSecret()
  const verifier = await verifierOf(secret)
  for (let tries = 0; tries < ID_TRIES; tries++) {
    const id = await drawId(context, state)
    // An id that was in use is another session's, or ended (S05, R23); only a drawing of the user's own repeats itself.
    if (context.genid && (id === base?.id || (await standingOf(context, { id })) !== 'live')) continue
    const record = { ...draft(context, state, base, verifier), id, version: 1 }
    delete record.previous
    const outcome = await insert(context, state, record, secret, base)
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
  if (!(await callStore(context, 'create', (store) => store.create(record), record))) return 'taken'
  settle(state, record, token, secret, asOf)
  return 'done'
}

/** Updates the record: changed data, a new token, or both. */
export async function update(context: Context, state: SessionState): Promise<Outcome> {
  const { capabilities } = context.store
  if (state.regenerateAsked && (capabilities.carriesRecord || capabilities.consistency === 'eventual')) {
    return regenerateUnderNewId(context, state)
  }
  const secret = state.regenerateAsked ? (state.nextSecret ?? createSecret()) : undefined
  const verifier = secret ? await verifierOf(secret) : undefined
  let base = state.record as SessionRecord
  const mine = base.verifier
  const giveUpAt = performance.now() + CONFLICT_BUDGET
  for (let tries = 0; ; tries++) {
    const record = draft(context, state, base, verifier ?? mine)
    if (capabilities.carriesRecord) {
      // What ended while this request ran stays ended, and its cookie is not sent again (P6, R03).
      if ((await standingOf(context, base)) !== 'live') return 'lost'
      await sealed(context, state, record)
      context.emit('updated', record)
      return 'done'
    }
    const token = secret ? await tokenText(context, record.id, secret) : undefined
    const exactExpiry = state.subjectSet !== undefined || state.lifetimeSet !== undefined
    const expected = { version: base.version, verifier: base.verifier }
    const asOf = context.now()
    const result = await callStore(
      context,
      'update',
      (store) => store.update(record, expected, { exactExpiry }),
      record,
    )
    if (result === 'gone') return 'lost'
    if (result === 'ok') {
      settle(state, record, token, secret, asOf)
      context.emit(secret ? 'regenerated' : 'updated', record)
      if (tries > 0) context.emit('merged', record)
      return 'done'
    }
    context.emit('conflict', base)
    if (performance.now() > giveUpAt) throw new SessionConflictError(KEPT_CHANGING)
    // The wait comes before the read: a record read and then left to lie is likely to be old again.
    await pause(tries)
    const fresh = await callStore(context, 'get', (store) => getRecord(store, base.id), record)
    if (!isRecord(fresh) || isExpired(fresh, context.now())) return 'lost'
    if (verifier && fresh.verifier === verifier) {
      settle(state, fresh, token, secret)
      return 'done'
    }
    if (fresh.verifier !== mine) return state.subjectSet?.value === undefined ? 'lost' : create(context, state)
    base = fresh
  }
}

/** Where an update in place could be missed, or the record lives in the token: a new id, never seen and so never stale. */
async function regenerateUnderNewId(context: Context, state: SessionState): Promise<Outcome> {
  const old = state.record as SessionRecord
  let base = old
  if (!context.store.capabilities.carriesRecord) {
    const answer = await callStore(context, 'get', (store) => getRecord(store, old.id), old)
    if (!answer) return 'lost'
    // An answer older than what was loaded is the store being behind.
    if (answer.version >= old.version) base = answer
    if (base.verifier !== old.verifier) return 'lost'
  }
  const outcome = await create(context, state, base)
  if (!context.store.revocations) await callStore(context, 'destroy', (store) => destroyRecord(store, old.id), old)
  return outcome
}

/** Moves the expiry forward. `false` when the row was not that any more. */
export async function touch(context: Context, state: SessionState): Promise<boolean> {
  const record = state.record as SessionRecord
  const now = context.now()
  const expiresAt = slide(record, now, context)
  const { id, version, verifier } = record
  const held = await callStore(
    context,
    'touch',
    (store) => store.touch(id, expiresAt, now, { version, verifier }),
    record,
  )
  if (!held) return false
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
  verifier: string,
): SessionRecord {
  const now = context.now()
  const own = state.lifetimeSet ?? base ?? {}
  const { ttl, absolute, persistent } = own
  const content = state.content(base)
  let life: Pick<SessionRecord, 'expiresAt' | 'endsAt'>
  if (!base || state.subjectSet) life = endsOfLife(now, now, own, context)
  else if (state.lifetimeSet) life = endsOfLife(startOfLife(base, context), now, own, context)
  else life = { expiresAt: slide(base, now, context), endsAt: base.endsAt }
  const replaced = base && base.verifier !== verifier
  const known = base?.previous && now < (base.previous.until ?? 0) ? base.previous : undefined
  return withoutUndefined<SessionRecord>({
    id: base?.id ?? '',
    verifier,
    ...content,
    version: (base?.version ?? 0) + 1,
    createdAt: base?.createdAt ?? now,
    authenticatedAt: state.subjectSet
      ? state.subjectSet.value === undefined
        ? undefined
        : state.subjectSet.at
      : base?.authenticatedAt,
    // A sign-in's token is as old as the sign-in: a later one replaced the subject's own token.
    rotatedAt: base && !replaced ? base.rotatedAt : (state.subjectSet?.at ?? now),
    lastSeenAt: Math.max(base?.lastSeenAt ?? 0, now),
    ...life,
    ttl,
    absolute,
    persistent,
    subject: state.subjectSet ? state.subjectSet.value : base?.subject,
    previous: replaced ? { verifier: base.verifier, until: now + SUPERSEDED_FOR } : known,
  })
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
  const token = await callStore(
    context,
    'seal',
    (store) => store.seal?.(record, { name: context.cookie.bareName }),
    record,
  )
  const transport = state.carried?.transport ?? context.transports.at(-1)
  if (token && transport === 'cookie')
    checkCookieSize(context.cookie, state.carried?.cookieName ?? context.cookie.secureName, token)
  if (replaced) {
    const signsIn = state.subjectSet?.value !== undefined
    const until = context.now() + SUPERSEDED_FOR
    if (!(await replaceSealed(context, replaced, record, until, signsIn))) return 'lost'
  }
  settle(state, record, token, record.verifier)
  if (replaced) await followSealed(context, replaced, record)
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
