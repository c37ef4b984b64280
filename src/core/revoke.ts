/**
 * How the core asks what a token-carrying store remembers of ended sessions (`CookieStore` with `revocations`). Without such
 * a memory nothing is asked, and every sealed session stands as long as it says itself.
 */
import { callStore, scopeOf, type Context } from './context.ts'
import type { SessionRecord } from './record.ts'
import type { Sealed, Standing } from './store-model.ts'

/** The standing of a sealed session. @throws StoreUnavailableError (P11) */
export async function standingOf(context: Context, session: Sealed): Promise<Standing> {
  const { revocations } = context.store
  if (!revocations) return 'live'
  return callStore(context, 'get', () => revocations.standing(session, scopeOf(context)), session)
}

/**
 * Puts a sealed session in the place of another, which ends. `false`: that one had ended, or somebody else was there first
 * and this request does not sign anybody in (R21).
 */
export async function replaceSealed(
  context: Context,
  old: SessionRecord,
  next: SessionRecord,
  until: number,
  signsIn: boolean,
): Promise<boolean> {
  const { revocations } = context.store
  if (!revocations) return true
  const result = await callStore(context, 'create', () => revocations.replace(old, next, until, scopeOf(context)), next)
  return result === 'ok' || (result === 'replaced' && signsIn)
}

/** What was spared when the subject's other sessions ended is spared under its new id too (I02). */
export async function followSealed(context: Context, old: SessionRecord, next: SessionRecord): Promise<void> {
  const { revocations } = context.store
  if (revocations) await callStore(context, 'update', () => revocations.follow(old, next, scopeOf(context)), next)
}
