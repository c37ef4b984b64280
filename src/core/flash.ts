/**
 * Flash: messages for the next request. Reading one removes it, but only if the record still holds what was read, so two
 * requests reading at once lose nothing beside it (R18).
 */
import { define, type Codec, type PlainObject } from './data.ts'

export class FlashBox {
  readonly #codec: Codec
  readonly #stored: string | undefined
  #arrived: PlainObject | undefined
  /** What was read, as text: the value itself is the handler's to change. */
  readonly #read = new Map<string, string>()
  /** What was read and is no longer stored: what is there under these keys now is another's. */
  readonly #taken = new Set<string>()
  #set: PlainObject = {}
  #cleared = false

  constructor(codec: Codec, stored: string | undefined) {
    this.#codec = codec
    this.#stored = stored
  }

  get changed(): boolean {
    return (this.#cleared && this.#stored !== undefined) || this.#read.size > 0 || Object.keys(this.#set).length > 0
  }

  /** Whether the last request left something under this key that was not read yet. */
  has(key: string): boolean {
    return Object.hasOwn(this.#incoming(), key) && !this.#read.has(key) && !this.#taken.has(key)
  }

  /** What the last request left, removed with the next write. Reading again in the same request gives it again. */
  take(key: string): unknown {
    const arrived = this.#incoming()
    if (this.has(key)) this.#read.set(key, this.#codec.encode(arrived[key]))
    return Object.hasOwn(arrived, key) ? arrived[key] : undefined
  }

  put(key: string, value: unknown): void {
    define(this.#set, key, value)
  }

  /** Drops everything, what others leave meanwhile included. */
  clear(): void {
    this.#cleared = true
    this.#arrived = {}
    this.#read.clear()
    this.#set = {}
  }

  /** The text to store on top of `stored`. */
  on(stored: string | undefined): string | undefined {
    if (!this.changed && !this.#cleared) return stored
    const box: PlainObject = {}
    const theirs = this.#cleared ? {} : (this.#codec.decode(stored) ?? {})
    for (const [key, value] of Object.entries(theirs)) {
      if (this.#read.get(key) !== this.#codec.encode(value)) define(box, key, value)
    }
    for (const [key, value] of Object.entries(this.#set)) define(box, key, value)
    return Object.keys(box).length > 0 ? this.#codec.encode(box) : undefined
  }

  /** The changes were written; what arrived can still be read. */
  settled(): void {
    for (const key of this.#read.keys()) this.#taken.add(key)
    this.#read.clear()
    this.#set = {}
    this.#cleared = false
  }

  #incoming(): PlainObject {
    return (this.#arrived ??= this.#codec.decode(this.#stored) ?? {})
  }
}
