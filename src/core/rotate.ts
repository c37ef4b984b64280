/**
 * Rotate: a new token for a session that stays, and what its record keeps of the token before. `regenerate()` ends the old
 * one at once; a rotation (`rotateEvery`) serves it until the new one has been used for a while.
 */
import type { Context } from './context.ts'
import { codeHash } from './csrf.ts'
import { isHandingOver } from './policy.ts'
import type { PreviousToken, SessionRecord } from './record.ts'
import { whenThere } from './maybe.ts'
import type { SessionState } from './state.ts'
import type { MaybePromise } from './store-model.ts'
import { createSecret, nextSecret, verifierOf } from './token.ts'

/** How long a token that `regenerate()` replaced is still known as superseded, in milliseconds. */
export const SUPERSEDED_FOR = 10_000

/** The token that a write brings in, and what it leaves of the one before. */
export interface NewToken {
  secret: string
  verifier: string
  previous: Pick<PreviousToken, 'handover' | 'csrf' | 'until'>
}

/**
 * `regenerate()`: the old token ends at once, and is known as superseded for a while. Where the record lives in the token there
 * is nothing to verify it by, and nobody from whom to keep the secret.
 */
export function regeneration(context: Context, secret: string): MaybePromise<NewToken> {
  const turn = (verifier: string): NewToken => ({
    secret,
    verifier,
    previous: { until: context.now() + SUPERSEDED_FOR },
  })
  return context.store.capabilities.carriesRecord ? turn(secret) : whenThere(verifierOf(secret), turn)
}

/** `rotateEvery`: the new token follows from the old one, which is served until the new one has been used for a while. */
export async function rotation(state: SessionState): Promise<NewToken> {
  const old = state.secret as string
  const handover = createSecret()
  const secret = await nextSecret(old, handover)
  return { secret, verifier: await verifierOf(secret), previous: { handover, csrf: await codeHash(old) } }
}

/** The token of an id and a secret, signed where tokens are. */
export function tokenText({ signer }: Context, id: string, secret: string): MaybePromise<string> {
  const text = `${id}.${secret}`
  return signer ? whenThere(signer.sign(text), (signature) => `${text}.${signature}`) : text
}

/** What is kept of the token before, when another takes its place: of the last one that the client has been sent. */
export function replacedBy({ previous }: NewToken, state: SessionState, base: SessionRecord): PreviousToken {
  const unsent = state.tokenDue && base.previous?.handover === undefined ? base.previous : undefined
  return { verifier: (unsent ?? base).verifier, ...previous }
}

/** What is kept of the token before, when a write leaves the token as it is. */
export function previousOf(
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
