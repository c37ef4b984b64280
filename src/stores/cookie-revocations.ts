/**
 * How the core asks what CookieStore remembers of ended sessions (revocations.ts): within `storeTimeout`, as calls of the
 * store behind it, with the events of rows. Says what cannot be asked of sessions that nobody keeps.
 */
import { askStore, destroySession, type Context } from '../core/context.ts'
import { SessionUnsupportedError } from '../core/errors.ts'
import type { SessionRecord } from '../core/record.ts'
import { storeName } from '../core/store.ts'
import type { MaybePromise, Revocations, Sealed, Standing } from '../core/store-model.ts'
import type { RevocationList, RevocationScope } from './revocations.ts'

export class CookieRevocations implements Revocations {
  readonly #list: RevocationList

  constructor(list: RevocationList) {
    this.#list = list
  }

  standing(context: Context, session: Sealed): MaybePromise<Standing> {
    return askStore(context, 'get', () => this.#list.standing(session, scopeOf(context)), session)
  }

  end(context: Context, session: Sealed): Promise<boolean> {
    return this.#list.end(session, scopeOf(context))
  }

  async replace(
    context: Context,
    old: SessionRecord,
    next: SessionRecord,
    until: number,
    signsIn: boolean,
  ): Promise<boolean> {
    const replace = (): ReturnType<RevocationList['replace']> => this.#list.replace(old, next, until, scopeOf(context))
    const result = await askStore(context, 'create', replace, next)
    return result === 'ok' || (result === 'replaced' && signsIn)
  }

  follow(context: Context, old: SessionRecord, next: SessionRecord): MaybePromise<void> {
    return askStore(context, 'update', () => this.#list.follow(old, next, scopeOf(context)), next)
  }

  async removeOf(context: Context, subject: string, except: string | undefined): Promise<number> {
    const end = (): Promise<void> => this.#list.endAllOf(subject, except, scopeOf(context))
    await askStore(context, 'removeBySubject', end, { subject })
    context.emit('destroyed', { subject })
    return 0
  }

  async removeById(context: Context, id: string, subject: string | undefined): Promise<boolean> {
    if (subject === undefined) return destroySession(context, { id })
    throw new SessionUnsupportedError(
      `${storeName(context.store)} cannot tell whose session an id is. Check it yourself and leave \`subject\` out, or end all ` +
        'of theirs with `removeSessionsOf(subject)`.',
    )
  }
}

function scopeOf({ cookie, now }: Context): RevocationScope {
  return { name: cookie.bareName, now }
}
