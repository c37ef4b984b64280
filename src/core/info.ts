/** Info: the string map for device lists of one session in one request. Others' changes merge in by key. */
import { assign, mustBePlain } from './data.ts'
import { SessionDataError } from './errors.ts'
import { mergeKeys } from './merge.ts'
import type { SessionDetails } from './record.ts'

export class InfoBox {
  #stored: SessionDetails
  #live: SessionDetails | undefined

  constructor(stored: SessionDetails = {}) {
    this.#stored = stored
  }

  /** The object handlers work on. */
  get live(): SessionDetails {
    return (this.#live ??= { ...this.#stored })
  }

  get changed(): boolean {
    if (!this.#live) return false
    const keys = Object.keys(this.#live)
    return keys.length !== Object.keys(this.#stored).length || keys.some((key) => this.live[key] !== this.#stored[key])
  }

  /** Takes over what `value` holds. */
  replace(value: unknown): void {
    mustBePlain(value, '`info` must be a plain object of strings.', 'info')
    assign(this.live, value)
  }

  /** The store now holds this; the live object is brought up to it in place, so that references stay good. */
  settled(stored: SessionDetails = {}): void {
    this.#stored = stored
    if (this.#live) assign(this.#live, stored)
  }

  /** Ends all change: a late write to the object throws rather than being lost. */
  close(): void {
    if (this.#live) Object.freeze(this.#live)
  }

  /** What to write: mine, or mine on top of what others wrote. @throws SessionDataError for what is no string */
  on(theirs: SessionDetails | undefined): SessionDetails | undefined {
    const info = theirs ? mergeKeys(this.#stored, this.live, theirs, Object.is).merged : this.live
    const entries = Object.entries(info)
    for (const [key, value] of entries) {
      if (typeof value !== 'string') throw new SessionDataError('`info` holds strings only.', `info.${key}`)
    }
    return entries.length > 0 ? (info as SessionDetails) : undefined
  }
}
