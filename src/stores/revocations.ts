/**
 * What CookieStore remembers of sessions that ended, so that a copied cookie dies with its logout (C06). Every mark is an
 * ordinary record of an ordinary store: for a session's id until the session would have ended by itself, for a subject until
 * no cookie can be older. A mark names hashes only, holds no token, verifier or data of a session, and is swept like any
 * other record. An id is replaced in the same step that ends it, by inserting its mark: of two who try, one does (P7).
 */
import { sha256 } from '../core/bytes.ts'
import { describe } from '../core/describe.ts'
import { SessionConfigError, SessionConflictError, StoreUnavailableError } from '../core/errors.ts'
import { isRecord, type SessionRecord } from '../core/record.ts'
import type { Sealed, Standing } from '../core/store-model.ts'
import { completeStore, getRecord, type Store, type StoreModel } from '../core/store.ts'

/** Of a session's id. Without `by` it was ended; with it, a new id took its place, whose hard end is `endsAt`. */
interface IdMark {
  by?: string
  at?: number
  until?: number
  endsAt?: number | null
}

/** Of a subject: who signed in by `before` is signed out, except one session; and that too, if it signed in by `floor`. */
interface SubjectMark {
  before: number
  except?: string
  floor?: number
}

/** How long a mark lives that no hard end bounds, in milliseconds: browsers keep no cookie longer. */
const LONGEST = 400 * 86_400_000
/** No hash of a secret, so that a mark opens to nobody who finds its id. */
const NO_VERIFIER = '-'
const TRIES = 100

/** The cookie's configured name, without its prefix, and the manager's clock. */
export interface RevocationScope {
  name: string
  now(): number
}

export class RevocationList {
  readonly #store: Store

  /** @throws SessionConfigError when `model` is no store, or keeps nothing itself */
  constructor(model: StoreModel) {
    const methods = ['get', 'set', 'destroy'] as const
    if (!methods.every((name) => typeof (model as StoreModel | undefined)?.[name] === 'function')) {
      const hint = model === undefined ? ' (leave it out to remember nothing)' : ''
      throw new SessionConfigError(
        `\`revocations\` is ${describe(model)}${hint}; it must be a store: an object with \`get\`, \`set\` and \`destroy\`.`,
      )
    }
    this.#store = completeStore(model)
    if (this.#store.capabilities.carriesRecord) {
      throw new SessionConfigError(
        '`revocations` is a store that keeps its records in tokens; it must be one that keeps them itself.',
      )
    }
  }

  get store(): Store {
    return this.#store
  }

  /** Two reads at once, one where there is no subject. */
  async standing(session: Sealed, { name, now }: RevocationScope): Promise<Standing> {
    // Sealed so long ago that no browser has it any more; what ended it may be forgotten.
    if (now() >= (session.lastSeenAt ?? Infinity) + LONGEST) return 'ended'
    const [mark, isSignedOut] = await Promise.all([this.#ofId(session.id, name), this.#isSignedOut(session, name)])
    if (isSignedOut) return 'ended'
    if (!mark) return undefined
    const { by, at = 0, until = 0 } = mark
    return by === undefined ? 'ended' : { at, until }
  }

  /** Ends a session; whether it ended by this call. One that a new id took the place of ends with that: leaving is never ignored (P6). */
  async end(session: Sealed, { name, now }: RevocationScope): Promise<boolean> {
    let { id, endsAt, expiresAt } = session
    for (let missing = 0; ;) {
      const until = endsAt ?? Math.max(expiresAt ?? 0, now() + LONGEST)
      if (until <= now()) return false
      if (await this.#insert(markOf(await idKey(id, name), {}, until, now()))) return true
      const known = await this.#ofId(id, name)
      if (!known) {
        // Swept in between, once. Taken and not to be had, again and again, is no answer.
        if (missing++ > 0) throw new StoreUnavailableError('A mark in the store of revocations is taken, and missing.')
        continue
      }
      if (known.by === undefined) return false
      ;({ by: id, endsAt = null } = known as { by: string; endsAt?: number | null })
      expiresAt = undefined
    }
  }

  /**
   * Ends a session by putting another in its place, in one step. `'replaced'` when another took its place before, `'ended'` when
   * it had ended. Until `until` the old one is known as superseded.
   */
  async replace(
    old: SessionRecord,
    next: SessionRecord,
    until: number,
    { name, now }: RevocationScope,
  ): Promise<'ok' | 'replaced' | 'ended'> {
    if (await this.#isSignedOut(old, name)) return 'ended'
    const at = now()
    const mark: IdMark = { by: next.id, at, until, endsAt: next.endsAt }
    const lives = old.endsAt ?? Math.max(old.expiresAt, at + LONGEST)
    if (await this.#insert(markOf(await idKey(old.id, name), mark, lives, at))) return 'ok'
    return (await this.#whereabouts(old.id, name)).ended ? 'ended' : 'replaced'
  }

  /** What was spared for the old session is spared for the new one (I02). Read after the old id was marked; `endAllOf` writes before it reads that mark: one of the two sees the other. */
  async follow(old: SessionRecord, next: SessionRecord, { name, now }: RevocationScope): Promise<void> {
    const { subject } = next
    if (subject === undefined || (await this.#ofSubject(subject, name))?.except !== old.id) return
    await this.#change(subject, name, now, (rule) => rule?.except === old.id && { ...rule, except: next.id })
  }

  /** Ends all sessions of a subject that signed in up to now, except one. */
  async endAllOf(subject: string, except: string | undefined, { name, now }: RevocationScope): Promise<void> {
    const at = now()
    let before = at
    for (let spared = except, stands = false; !stands;) {
      if (spared !== undefined) spared = (await this.#whereabouts(spared, name)).id
      const mine: SubjectMark = spared === undefined ? { before: at } : { before: at, except: spared }
      await this.#change(subject, name, now, async (known) => {
        const merged = known ? merge(known, mine, await this.#areOne(known.except, spared, name)) : mine
        before = merged.before
        return merged
      })
      // A new token that came in meanwhile is spared as well (I02).
      stands = spared === undefined || (await this.#whereabouts(spared, name)).id === spared
    }
    // A sign-in after this call is later than the mark, and not of the same millisecond. A clock may stand still in tests.
    for (let tries = 0; tries < 5 && now() <= before; tries++) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  // --- marks -------------------------------------------------------------------------------------------------------

  /** Where a session is now: under the last of the ids that took its place. */
  async #whereabouts(id: string, name: string): Promise<{ id: string; ended: boolean }> {
    for (let current = id; ;) {
      const mark = await this.#ofId(current, name)
      if (mark?.by === undefined) return { id: current, ended: mark !== undefined }
      current = mark.by
    }
  }

  /** Whether two ids are one session, before and after new tokens. */
  async #areOne(a: string | undefined, b: string | undefined, name: string): Promise<boolean> {
    if (a === undefined || b === undefined || a === b) return a === b
    return (await this.#whereabouts(a, name)).id === (await this.#whereabouts(b, name)).id
  }

  /** Whether its subject's mark ended a session. Who is spared is so under every id: `follow` may be yet to come, or have failed. */
  async #isSignedOut({ id, subject, authenticatedAt = 0 }: Sealed, name: string): Promise<boolean> {
    const rule = await this.#ofSubject(subject, name)
    if (!rule || authenticatedAt > rule.before) return false
    return authenticatedAt <= (rule.floor ?? -1) || !(await this.#areOne(rule.except, id, name))
  }

  async #ofId(id: string, name: string): Promise<IdMark | undefined> {
    return contentOf<IdMark>(await this.#read(await idKey(id, name)))
  }

  async #ofSubject(subject: string | undefined, name: string): Promise<SubjectMark | undefined> {
    if (subject === undefined) return undefined
    return contentOf<SubjectMark>(await this.#read(await subjectKey(subject, name)))
  }

  /** Compare-and-set of a subject's mark, until it holds. `change` gives nothing where there is nothing to write. */
  async #change(
    subject: string,
    name: string,
    now: () => number,
    change: (known: SubjectMark | undefined) => SubjectMark | false | Promise<SubjectMark | false>,
  ): Promise<void> {
    const key = await subjectKey(subject, name)
    for (let tries = 0; tries < TRIES; tries++) {
      const row = await this.#read(key)
      const mark = await change(contentOf<SubjectMark>(row))
      if (!mark) return
      const next = markOf(key, mark, now() + LONGEST, now())
      if (!row) {
        if (await this.#insert(next)) return
        continue
      }
      const { version, verifier } = row
      if ((await this.#store.update({ ...next, version: version + 1 }, { version, verifier })) === 'ok') return
    }
    throw new SessionConflictError('The mark of this subject kept changing underneath. Try again.')
  }

  /** Inserts, unless there is one. An eventual store's own `create` does not look first. */
  async #insert(mark: SessionRecord): Promise<boolean> {
    const looks = this.#store.capabilities.consistency !== 'eventual'
    if (!looks && (await this.#read(mark.id))) return false
    return this.#store.create(mark)
  }

  /** @throws StoreUnavailableError for what is no answer to the question: nobody is let in by it (P11) */
  async #read(key: string): Promise<SessionRecord | undefined> {
    const row: unknown = await getRecord(this.#store, key)
    if (row === undefined || row === null) return undefined
    if (isRecord(row) && row.id === key) return row
    throw new StoreUnavailableError('The store of revocations answered with something else than the mark asked for.')
  }
}

/** Both marks in one, in any order: who was spared by one of them and not by the other is spared no more. */
function merge(known: SubjectMark, mine: SubjectMark, sparesOne: boolean): SubjectMark {
  const [earlier, later] = known.before <= mine.before ? [known, mine] : [mine, known]
  const floor = sparesOne ? Math.max(known.floor ?? -1, mine.floor ?? -1) : Math.max(earlier.before, later.floor ?? -1)
  // Where both spare one session, `mine` knows its id of now.
  const except = sparesOne ? mine.except : later.except
  return { before: later.before, ...(except !== undefined && { except }), ...(floor >= 0 && { floor }) }
}

function markOf(key: string, content: object, until: number, now: number): SessionRecord {
  return {
    id: key,
    verifier: NO_VERIFIER,
    data: JSON.stringify(content),
    version: 1,
    createdAt: now,
    rotatedAt: now,
    lastSeenAt: now,
    expiresAt: until,
    endsAt: until,
  }
}

/** What a mark says. @throws StoreUnavailableError when it cannot be read: a mark that is there lets nobody in */
function contentOf<T extends object>(row: SessionRecord | undefined): T | undefined {
  if (!row) return undefined
  try {
    const content: unknown = JSON.parse(row.data)
    if (typeof content === 'object' && content !== null) return content as T
  } catch {
    // Quoting what could not be read would not help.
  }
  throw new StoreUnavailableError('A mark in the store of revocations cannot be read.')
}

/** Ids and subjects count per cookie name, as seals do: what another manager keeps in this store is another's. */
function idKey(id: string, name: string): Promise<string> {
  return keyOf('id', id, name)
}

function subjectKey(subject: string, name: string): Promise<string> {
  return keyOf('subject', subject, name)
}

async function keyOf(kind: string, value: string, name: string): Promise<string> {
  return `revoked_${await sha256(`latchkey/1 revoked ${kind} ${name} ${value}`)}`
}
