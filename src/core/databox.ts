/**
 * The data of one session in one request: the live object, what the store holds, and the changes between the two. Changes
 * are found by comparing text (P3); a function given to `update` is kept, to run again on what others wrote (P5).
 */
import { assign, mustBePlain, type Codec, type PlainObject } from './data.ts'
import { isPromise } from './maybe.ts'
import { replay, type Change, type OnConflict } from './merge.ts'
import { isLike } from './plain.ts'

export class DataBox {
  readonly #codec: Codec
  readonly #initial: () => unknown
  /** Decoded by who read it; nobody's before it is asked for. */
  #decoded: PlainObject | undefined
  #live: PlainObject | undefined
  /** A copy of `#live` from when it held just what `#stored` says; `undefined` where only text can tell. */
  #copy: PlainObject | undefined
  /** What the store holds, or what `initial` gave. */
  #stored: string | undefined
  /** The live data as text when it was last looked at: what comes after is a change not noted yet. */
  #noted: string | undefined
  /** `#stored` as this serializer writes it. */
  #canonical: string | undefined
  /** Whether `#stored` is in the store, and not what a new session begins with. */
  #saved: boolean
  #changes: Change[] = []
  /** One look serves the whole write: what is changed in the middle of it is for the next. */
  #looked = false
  /** Nothing of others' changes is to be merged in. */
  replaced = false

  constructor(codec: Codec, initial: () => unknown, stored?: string, decoded?: PlainObject) {
    this.#codec = codec
    this.#initial = initial
    this.#decoded = decoded
    this.#stored = this.#noted = stored
    this.#saved = stored !== undefined
  }

  /** The object handlers work on; the same one for the whole request. */
  get live(): PlainObject {
    if (this.#live) return this.#live
    let stored = this.#decoded ?? this.#codec.decode(this.#stored)
    if (!stored) {
      this.#stored = this.#noted = this.#canonical = this.#initialText()
      stored = this.#codec.decode(this.#stored) ?? {}
    }
    this.#copy = this.#codec.copyOf(stored)
    return (this.#live = stored)
  }

  /** The data of a new session: a copy, or an `initial` that returns one object would share it between visitors (P19). */
  fresh(): PlainObject {
    return this.#codec.decode(this.#initialText()) ?? {}
  }

  #initialText(): string {
    const data = this.#initial()
    mustBePlain(data, '`initial` must return a plain object.')
    return this.#codec.encode(data)
  }

  /** Whether there is something to write. */
  get changed(): boolean {
    if (!this.#live) return false
    const text = this.#note()
    this.#looked = true
    if (this.replaced && this.#saved) return true
    if (text === this.#stored) return false
    // Text that another serializer wrote, or another version of it, may differ without a change.
    const stored = this.#canonical === undefined && (this.#copy ?? this.#codec.decode(this.#stored))
    if (stored) this.#canonical = this.#codec.encode(stored)
    return this.#canonical !== text
  }

  /** Takes over what `value` holds; a change like any other. */
  replace(value: unknown): void {
    mustBePlain(value, 'The session data must be a plain object.')
    assign(this.live, value)
  }

  /** Back to `initial`; nothing of the old data, mine or others', remains (F06). */
  clear(): void {
    assign(this.live, this.fresh())
    this.replaced = true
  }

  /** Makes a change now, undone if it throws, and keeps it for replay. */
  update(change: (data: object) => object | void): void {
    const before = this.#note()
    this.#looked = false
    try {
      applyChange(change, this.live)
      this.#noted = this.#codec.encode(this.live)
      this.#changes.push({ apply: (data) => applyChange(change, data) })
    } catch (error) {
      assign(this.live, this.#codec.decode(before) ?? {})
      throw error
    }
  }

  /**
   * The text to write: mine, or mine on top of what others wrote.
   * @throws SessionConflictError with `onConflict: 'fail'`, when both sides changed a key
   */
  on(theirs: string | undefined, rule: OnConflict<PlainObject>): string {
    const mine = this.#live || this.#noted === undefined ? this.#note() : this.#noted
    return theirs === undefined || theirs === this.#stored || this.replaced
      ? mine
      : replay(this.#changes, theirs, rule, this.#codec)
  }

  /** Ends all change: a late write to the object throws rather than being lost (F11). What it holds may be the app's own. */
  close(): void {
    if (this.#live) Object.freeze(this.#live)
  }

  /** The store now holds this text. The live object is brought up to it in place, so that references stay good. */
  settled(stored: string): void {
    this.#decoded = this.#copy = undefined
    this.#changes = []
    if (this.#live && stored !== this.#noted) {
      // What was changed in the middle of the write stays, for the next.
      try {
        this.written()
        this.#note()
        const merged = replay(this.#changes, stored, 'merge', this.#codec)
        assign(this.#live, this.#codec.decode(merged) as PlainObject, this.#codec.same)
      } catch {
        // It cannot be stored, which is for the next to say: this write was made.
      }
      this.#changes = []
    }
    this.#stored = this.#noted = stored
    this.#canonical = undefined
    this.#saved = true
    this.replaced = false
  }

  /** The write is over: the data is to be looked at anew. */
  written(): void {
    this.#looked = false
  }

  /** The live data as text; a direct change since the last look is noted. */
  #note(): string {
    if (this.#looked && this.#noted !== undefined) return this.#noted
    const { live } = this
    // Most requests change nothing, and the look is cheap.
    if (this.#copy && this.#noted === this.#stored && isLike(live, this.#copy)) return this.#noted as string
    const text = this.#codec.encode(live)
    if (this.#noted !== undefined && text !== this.#noted) this.#changes.push({ from: this.#noted, to: text })
    return (this.#noted = text)
  }
}

/** Runs a change that may mutate its argument or return the next data; either way the argument then holds it. */
function applyChange(change: (data: object) => object | void, data: object): object {
  const next = change(data)
  if (next === undefined || next === data) return data
  // Of an async change nobody waits for the end: its failure must not be one of the process.
  if (isPromise(next)) next.catch(() => {})
  mustBePlain(next, 'A change must return a plain object or nothing; it cannot be async.')
  assign(data, next)
  return data
}
