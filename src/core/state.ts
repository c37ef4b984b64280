/**
 * The state of one session in one request: the record as loaded, and what the handler wants changed. Synchronous, without
 * I/O. `Session` is its public face; load fills it, commit reads `status` once and carries it out.
 */
import { guarded, type PlainObject } from './data.ts'
import { DataBox } from './databox.ts'
import { SessionDataError, SessionStateError, type StoreUnavailableError } from './errors.ts'
import { FlashBox } from './flash.ts'
import { InfoBox } from './info.ts'
import { parseLifetime, type OwnLifetime } from './lifetime.ts'
import type { Settings } from './settings.ts'
import { absoluteInForce, isTouchDue, lifeOf, rotationDue } from './policy.ts'
import { isSubject, type SessionDetails, type SessionRecord } from './record.ts'
import type { Carried } from './transport.ts'

/** What commit has to do, in the one switch over it. */
export type SessionStatus = 'clean' | 'touched' | 'rotated' | 'new' | 'changed' | 'regenerated' | 'destroyed'

/** The parts of a record that merge. */
export type Content = Pick<SessionRecord, 'data'> & { flash: string | undefined; info: SessionDetails | undefined }

export class SessionState {
  readonly settings: Settings
  readonly startedAt: number
  /** The record as loaded or last written; `undefined` for a session that is not stored. */
  record: SessionRecord | undefined
  /** The token the client holds, or will be sent. */
  token: string | undefined
  /** The secret of `token`; the verifier stands in where the record lives in the token. */
  secret: string | undefined
  /** Drawn ahead of the write by `csrfToken()`. */
  nextSecret: string | undefined
  request: Request | undefined
  /** How the request carried the token, and how the answer goes out; `undefined` without a request. */
  carried: Carried | undefined
  /** The record whose replaced token this request came with: the session is empty and must not displace the new one. */
  superseded: SessionRecord | undefined
  outage: StoreUnavailableError | undefined
  /** When the store was last read or written for this session, in epoch milliseconds; `undefined` while a copy stands in. */
  asOf: number | undefined

  /** The request came with the token before a rotation: `secret` is the one that follows it, and the answer brings it. */
  handedOver = false
  /** The token may be replaced when it is old: it came by cookie, the store was asked, and the answer can bring another. */
  rotates = false

  /** Set by any access through `Session`, for `Vary`. */
  accessed = false
  /** A token the client does not have yet is persisted and must be sent. */
  tokenDue = false
  /** The session of the cookie that the request came with was ended. */
  clearDue = false
  committed = false
  /** A write is under way: a change made now would be half in it. */
  writing = false
  destroyed = false
  destroyDone = false
  /** One write at a time: `save()` and commit queue up here. */
  queue: Promise<unknown> | undefined

  /** The handler asked for a write although nothing shows one: `save()`, `csrfToken()`. */
  asked = false
  touchAsked = false
  regenerateAsked = false
  /** `regenerate({ keepData: false })`: somebody leaves. */
  leaving = false
  subjectSet: { subject: string | undefined; authenticatedAt: number | undefined; at: number } | undefined
  lifetimeSet: OwnLifetime | undefined
  /** The record's data, decoded by who read it, until the box takes it. */
  #decoded: PlainObject | undefined
  /** Made when first asked for: most requests ask for none, or for one. */
  #box: DataBox | undefined
  #flash: FlashBox | undefined
  #info: InfoBox | undefined
  /** Another subject's session, or a cleared one, takes nothing in of what others write meanwhile. */
  #alone = false

  constructor(settings: Settings, record?: SessionRecord, data?: PlainObject) {
    this.settings = settings
    this.startedAt = settings.now()
    this.record = record
    this.revert(data)
  }

  // --- reading -----------------------------------------------------------------------------------------------------

  get data(): PlainObject {
    if (this.destroyed) return this.#readOnly(this.box.fresh())
    const { live } = this.box
    return this.committed ? this.#readOnly(live) : live
  }

  get box(): DataBox {
    const { codec, initial } = this.settings
    return (this.#box ??= new DataBox(codec, initial, this.record?.data, this.#decoded))
  }

  get flash(): FlashBox {
    return (this.#flash ??= new FlashBox(this.settings.codec, this.record?.flash))
  }

  get #infoBox(): InfoBox {
    return (this.#info ??= new InfoBox(this.record?.info))
  }

  get info(): SessionDetails {
    if (this.destroyed) return this.#readOnly({})
    const { live } = this.#infoBox
    return this.committed || this.writing ? this.#readOnly(live) : live
  }

  /** What may be read, and not changed any more. */
  #readOnly<T extends object>(value: T): T {
    return guarded(value, () => this.refuse())
  }

  get subject(): string | undefined {
    if (this.destroyed) return undefined
    return (this.subjectSet ?? this.record)?.subject
  }

  get expiresAt(): number {
    if (this.record && !this.lifetimeSet && !this.subjectSet) return this.record.expiresAt
    return lifeOf(this, this.record, this.startedAt, this.settings).expiresAt
  }

  // --- changing ----------------------------------------------------------------------------------------------------

  /** @throws SessionStateError, or the outage, when this session cannot be changed any more */
  writable(): this {
    if (this.committed || this.writing) this.refuse()
    return this.usable()
  }

  /** @throws SessionStateError after `destroy()`, or the outage that this session stands for */
  usable(): this {
    if (this.destroyed) this.refuse()
    if (this.outage) throw this.outage
    return this
  }

  refuse(): never {
    throw new SessionStateError(
      this.destroyed
        ? 'This session was destroyed. To sign out and go on with an empty one, use `session.regenerate({ keepData: false })` ' +
            'instead of `destroy()`.'
        : this.committed
          ? 'This session was already committed to its response. Change it before the response is returned; before streaming, ' +
            'call `await session.save()`; later, use `sessions.updateSession(token, change)`.'
          : 'This session is being saved or loaded again. Await that before changing it.',
    )
  }

  set subject(value: string | undefined) {
    this.writable()
    if (value !== undefined && !isSubject(value)) {
      throw new SessionDataError(
        '`subject` must be a string that is not empty and well-formed, or undefined.',
        'subject',
      )
    }
    if (value === this.subject) return
    if (this.record?.subject !== undefined) this.box.replaced = this.#alone = true
    const at = this.settings.now()
    this.subjectSet = { subject: value, authenticatedAt: value === undefined ? undefined : at, at }
    this.regenerateAsked = true
  }

  set info(value: SessionDetails) {
    this.writable().#infoBox.replace(value)
  }

  /** @throws SessionConfigError naming what is wrong */
  setLifetime(value: unknown): void {
    this.writable()
    const own = (this.lifetimeSet = parseLifetime(value, this.settings))
    this.#renewCookie(own)
  }

  /** Another end of the cookie asks for another token: the one the browser holds is never sent twice (section 5, COOKIE). */
  #renewCookie(own: OwnLifetime): void {
    const { record, settings } = this
    if (!record) return
    const persists = (own.persistent ?? true) !== (record.persistent ?? true)
    if (persists || absoluteInForce(own, settings) !== absoluteInForce(record, settings)) this.regenerateAsked = true
  }

  /** Back to the configured lifetime. */
  clearLifetime(): void {
    const { ttl, absolute, persistent } = this.record ?? {}
    this.lifetimeSet = ttl === undefined && absolute === undefined && persistent === undefined ? undefined : {}
    if (this.lifetimeSet) this.#renewCookie(this.lifetimeSet)
  }

  regenerate(keepData: boolean): void {
    this.writable()
    this.regenerateAsked = true
    if (keepData) return
    this.leaving = true
    this.box.clear()
    this.subject = undefined
    this.#infoBox.replace({})
    this.flash.clear()
    this.#alone = true
    this.lifetimeSet = this.record && {}
  }

  destroy(): void {
    if (this.destroyed) return
    this.writable()
    this.destroyed = true
  }

  /** Back to the record. Drops what a failed response must not keep (P15); `destroy()` and `regenerate()` stay. */
  revert(data?: PlainObject): void {
    this.#decoded = data
    this.#box = this.#flash = this.#info = undefined
    this.#forget()
  }

  /** Nothing of what was asked for is tried again. */
  giveUp(data?: PlainObject): void {
    this.revert(data)
    this.regenerateAsked = false
    this.asOf = undefined
  }

  /** Runs a task when those before it are done; no change is taken in meanwhile. */
  enqueue<T>(task: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      this.writing = true
      try {
        return await task()
      } finally {
        this.writing = false
        this.#box?.written()
      }
    }
    const turn = this.queue ? this.queue.then(run) : run()
    const tail = turn.catch(() => {}).then(() => void (this.queue === tail && (this.queue = undefined)))
    this.queue = tail
    return turn
  }

  /** The response is built: nothing changes any more. */
  close(): void {
    this.committed = true
    this.#box?.close()
    this.#info?.close()
  }

  // --- what commit needs -------------------------------------------------------------------------------------------

  get status(): SessionStatus {
    if (this.destroyed) return this.destroyDone ? 'clean' : 'destroyed'
    const changed = this.#box?.changed || this.#flash?.changed || this.#info?.changed || this.lifetimeSet !== undefined
    const { saveInitial, saveUnchanged, store } = this.settings
    if (!this.record)
      return changed || this.asked || this.subjectSet?.subject || (saveInitial && !this.outage) ? 'new' : 'clean'
    if (this.regenerateAsked) return 'regenerated'
    if (changed || saveUnchanged) return 'changed'
    // A token that carries its record is extended only when asked: a cookie on every read could undo a login (P1, R19).
    if (store.capabilities.carriesRecord) return this.touchAsked ? 'changed' : 'clean'
    if (this.rotation) return 'rotated'
    if (this.touchAsked || this.handedOver) return 'touched'
    // A copy may be behind on touches; the store is asked again soon enough.
    const copied = store.copies && this.asOf === undefined
    return !copied && isTouchDue(this.record, this.settings.now(), this.settings) ? 'touched' : 'clean'
  }

  /** What is due about the token's age, in whatever is written. */
  get rotation(): 'rotate' | 'confirm' | undefined {
    if (!this.record || !this.rotates || this.handedOver) return undefined
    return rotationDue(this.record, this.settings.now(), this.settings)
  }

  /** The content to write on top of `base`: mine, or mine replayed on what others wrote. */
  content(stored: SessionRecord | undefined): Content {
    const base = stored && this.#alone ? this.record : stored
    return {
      data: this.box.on(base?.data, this.settings.onConflict),
      flash: this.flash.on(base?.flash),
      info: this.#infoBox.on(base && (base.info ?? {})),
    }
  }

  /** The record was written: it is what further changes are compared with. `asOf` is when the store was asked to. */
  settle(record: SessionRecord, asOf: number | undefined): void {
    this.record = record
    this.asOf = asOf
    this.#decoded = undefined
    this.#box?.settled(record.data)
    this.#flash?.settled()
    this.#info?.settled(record.info)
    this.regenerateAsked = false
    this.#forget()
  }

  /** A token that the client does not have yet is in force, and goes out with the answer. */
  bring(token: string, secret: string): void {
    this.token = token
    this.secret = secret
    this.nextSecret = undefined
    this.tokenDue = true
    this.handedOver = this.rotates = false
  }

  /** What was asked for beside data, flash, info and a new token. */
  #forget(): void {
    this.subjectSet = this.lifetimeSet = undefined
    this.#alone = this.leaving = this.touchAsked = this.asked = false
  }
}
