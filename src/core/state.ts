/**
 * The state of one session in one request: the record as loaded, and what the handler wants changed. Synchronous, without
 * I/O. `Session` is its public face; load fills it, commit reads `status` once and carries it out.
 */
import { assign, guarded, isPlainObject, type PlainObject } from './data.ts'
import { SessionDataError, SessionStateError, type StoreUnavailableError } from './errors.ts'
import { FlashBox } from './flash.ts'
import { mergeKeys, replay, type Change } from './merge.ts'
import type { Settings } from './options.ts'
import { parseLifetime, type OwnLifetime } from './lifetime.ts'
import { endsOfLife, isTouchDue } from './policy.ts'
import type { SessionDetails, SessionRecord } from './record.ts'
import type { Carried } from './transport.ts'

/** What commit has to do, in the one switch over it. */
export type SessionStatus = 'clean' | 'touched' | 'new' | 'changed' | 'regenerated' | 'destroyed'

/** The parts of a record that merge. */
export type Content = Pick<SessionRecord, 'data'> & { flash: string | undefined; info: SessionDetails | undefined }

export class SessionState {
  readonly settings: Settings
  /** The record as loaded or last written; `undefined` for a session that is not stored. */
  record: SessionRecord | undefined
  /** The token the client holds, or will be sent. */
  token: string | undefined
  /** The secret of `token`; the verifier stands in where the record lives in the token. */
  secret: string | undefined
  /** Drawn ahead of the write by `csrfToken()`. */
  nextSecret: string | undefined
  /** How the request carried the token, and how the answer goes out; `undefined` without a request. */
  carried: Carried | undefined
  request: Request | undefined
  /** The record whose replaced token this request came with: the session is empty and must not displace the new one. */
  superseded: SessionRecord | undefined
  outage: StoreUnavailableError | undefined
  /** Set by any access through `Session`, for `Vary`. */
  accessed = false
  /** A token the client does not have yet is persisted and must be sent. */
  tokenDue = false
  /** The cookie the request came with belongs to a session that was ended. */
  clearDue = false
  committed = false
  destroyed = false
  destroyDone = false
  /** One write at a time: `save()` and commit queue up here. */
  queue: Promise<unknown> = Promise.resolve()

  /** The handler asked for a write although nothing shows one: `save()`, `csrfToken()`. */
  asked = false
  touchAsked = false
  regenerateAsked = false
  subjectSet: { value: string | undefined; at: number } | undefined
  lifetimeSet: OwnLifetime | undefined
  readonly startedAt: number
  flash: FlashBox

  #data: PlainObject | undefined
  #text: string | undefined
  #initialText: string | undefined
  #info: SessionDetails | undefined
  #changes: Change[] = []
  #replaced = false

  constructor(settings: Settings, record?: SessionRecord, data?: PlainObject) {
    this.settings = settings
    this.record = record
    this.#data = data
    this.#text = record?.data
    this.startedAt = settings.now()
    this.flash = new FlashBox(settings.codec, record?.flash)
  }

  // --- reading -----------------------------------------------------------------------------------------------------

  get data(): PlainObject {
    if (this.destroyed) return guarded(this.settings.initial(), () => this.refuse())
    const data = (this.#data ??= this.#freshData())
    return this.committed ? guarded(data, () => this.refuse()) : data
  }

  get info(): SessionDetails {
    const info = (this.#info ??= { ...this.record?.info })
    return this.committed || this.destroyed ? guarded(info, () => this.refuse()) : info
  }

  get subject(): string | undefined {
    if (this.destroyed) return undefined
    return this.subjectSet ? this.subjectSet.value : this.record?.subject
  }

  get expiresAt(): number {
    const own = this.lifetimeSet ?? this.record ?? {}
    if (this.record && !this.lifetimeSet && !this.subjectSet) return this.record.expiresAt
    return endsOfLife(this.startedAt, this.startedAt, own, this.settings).expiresAt
  }

  #freshData(): PlainObject {
    if (this.record) {
      const data = this.settings.codec.decode(this.record.data)
      if (data) return data
    }
    const data = this.settings.initial()
    if (!isPlainObject(data)) throw new SessionDataError('`initial` must return a plain object.')
    this.#text = this.#initialText = this.settings.codec.encode(data)
    return data
  }

  // --- changing ----------------------------------------------------------------------------------------------------

  /** @throws SessionStateError, or the outage, when this session cannot be changed any more */
  writable(): this {
    if (this.destroyed || this.committed) this.refuse()
    if (this.outage) throw this.outage
    return this
  }

  refuse(): never {
    throw new SessionStateError(
      this.destroyed
        ? 'This session was destroyed. To go on with an empty one, use `await sessions.regenerate(request)` instead of `destroy()`.'
        : 'This session was already committed to its response. Change it before the response is returned; before streaming, ' +
            'call `await session.save()`; later, use `sessions.updateSession(token, change)`.',
    )
  }

  replaceData(value: unknown): void {
    this.writable()
    if (!isPlainObject(value)) throw new SessionDataError('The session data must be a plain object.')
    assign(this.data, value)
  }

  /** Back to `initial()`; nothing of the old data, mine or others', remains (F06). */
  clearData(): void {
    this.writable()
    assign(this.data, this.settings.initial())
    this.#replaced = true
  }

  /** Applies a change now, and again on top of what others wrote if the write conflicts (P5). */
  update(change: (data: object) => object | void): void {
    this.writable()
    const before = this.#mark()
    try {
      applyChange(change, this.data)
      this.#changes.push({ apply: (data) => applyChange(change, data) })
      this.#text = this.settings.codec.encode(this.data)
    } catch (error) {
      const old = this.settings.codec.decode(before)
      if (old) assign(this.data, old)
      throw error
    }
  }

  set subject(value: string | undefined) {
    this.writable()
    if (value !== undefined && (typeof value !== 'string' || value === '' || !value.isWellFormed())) {
      throw new SessionDataError(
        '`subject` must be a string that is not empty and well-formed, or undefined.',
        'subject',
      )
    }
    if (value === this.subject) return
    if (this.record?.subject !== undefined) this.#replaced = true
    this.subjectSet = { value, at: this.settings.now() }
    this.regenerateAsked = true
  }

  set info(value: SessionDetails) {
    this.writable()
    assign(this.info, value)
  }

  /** @throws SessionConfigError naming what is wrong */
  setLifetime(value: unknown): void {
    this.writable()
    this.lifetimeSet = parseLifetime(value, this.settings)
  }

  regenerate(keepData: boolean): void {
    this.writable()
    this.regenerateAsked = true
    if (keepData) return
    this.clearData()
    this.subject = undefined
    assign(this.info, {})
    this.flash.clear()
    if (
      this.record?.ttl !== undefined ||
      this.record?.absolute !== undefined ||
      this.record?.persistent !== undefined
    ) {
      this.lifetimeSet = {}
    } else this.lifetimeSet = undefined
  }

  destroy(): void {
    if (this.destroyed) return
    this.writable()
    this.destroyed = true
  }

  /** The data of the record, already decoded. */
  adopt(data: PlainObject): void {
    this.#data = data
  }

  /** Starts over from what the store holds now. */
  reset(fresh: SessionState): void {
    this.record = fresh.record
    this.revert()
    this.regenerateAsked = false
    this.#data = fresh.data
  }

  /** The write was lost: nothing of it is tried again. */
  giveUp(): void {
    this.revert()
    this.regenerateAsked = this.tokenDue = false
  }

  /** Drops what a failed response must not keep (P15); `destroy()` and `regenerate()` stay. */
  revert(): void {
    this.#forgetChanges()
    this.#data = undefined
    this.#text = this.record?.data
    this.#info = undefined
    this.flash = new FlashBox(this.settings.codec, this.record?.flash)
    this.subjectSet = this.lifetimeSet = undefined
    this.touchAsked = this.asked = false
  }

  // --- what commit needs -------------------------------------------------------------------------------------------

  get status(): SessionStatus {
    if (this.destroyed) return this.destroyDone ? 'clean' : 'destroyed'
    const changed = this.#dataChanged() || this.flash.changed || this.#infoChanged() || this.lifetimeSet !== undefined
    if (!this.record) {
      return changed || this.asked || this.subjectSet?.value !== undefined || this.settings.saveInitial
        ? 'new'
        : 'clean'
    }
    if (this.regenerateAsked) return 'regenerated'
    if (changed || this.settings.saveUnchanged) return 'changed'
    if (this.touchAsked) return this.settings.store.capabilities.carriesRecord ? 'changed' : 'touched'
    if (this.settings.store.capabilities.carriesRecord) return 'clean'
    return isTouchDue(this.record, this.settings.now(), this.settings) ? 'touched' : 'clean'
  }

  /** The content to write on top of `base`: mine, or mine replayed on what others wrote. */
  content(base: SessionRecord | undefined): Content {
    const { codec, onConflict } = this.settings
    const mine = this.#mark()
    const theirs = base !== undefined && base !== this.record && !this.#replaced
    const info = base ? mergeKeys(this.record?.info ?? {}, this.info, base.info ?? {}, Object.is).merged : this.info
    for (const [key, value] of Object.entries(info)) {
      if (typeof value !== 'string') throw new SessionDataError('`info` holds strings only.', `info.${key}`)
    }
    return {
      data: theirs ? replay(this.#changes, base.data, onConflict, codec) : mine,
      flash: this.flash.on(base?.flash),
      info: Object.keys(info).length > 0 ? (info as SessionDetails) : undefined,
    }
  }

  /** The record was written: it is what further changes are compared with. */
  settle(record: SessionRecord): void {
    if (this.#data && record.data !== this.#text) {
      const merged = this.settings.codec.decode(record.data)
      if (merged) assign(this.#data, merged, this.settings.codec.same)
    }
    this.record = record
    this.#text = record.data
    this.#info = undefined
    this.flash.settled()
    this.#forgetChanges()
    this.subjectSet = this.lifetimeSet = undefined
    this.regenerateAsked = this.touchAsked = this.asked = false
  }

  #forgetChanges(): void {
    this.#changes = []
    this.#replaced = false
  }

  /** The data as text, any direct change since the last mark noted. */
  #mark(): string {
    if (!this.#data && this.#text !== undefined) return this.#text
    const text = this.settings.codec.encode(this.data)
    const from = this.#text ?? text
    if (text !== from) this.#changes.push({ from, to: text })
    return (this.#text = text)
  }

  #dataChanged(): boolean {
    if (!this.#data) return false
    if (this.#replaced && this.record) return true
    const text = this.settings.codec.encode(this.#data)
    const before = this.record ? this.record.data : this.#initialText
    if (text === before) return false
    // Text written by another serializer, or another version of it, may differ without a change.
    const known = before === undefined ? undefined : this.settings.codec.decode(before)
    return !known || this.settings.codec.encode(known) !== text
  }

  #infoChanged(): boolean {
    if (!this.#info) return false
    const [now, before] = [this.#info, this.record?.info ?? {}]
    const keys = Object.keys(now)
    return keys.length !== Object.keys(before).length || keys.some((key) => now[key] !== before[key])
  }
}

/** Runs a change that may mutate or return the next data; either way `data` then holds it. */
function applyChange(change: (data: object) => object | void, data: object): object {
  const next = change(data)
  if (next === undefined || next === data) return data
  if (!isPlainObject(next))
    throw new SessionDataError('A change must return a plain object, or nothing; it cannot be async.')
  assign(data, next)
  return data
}
