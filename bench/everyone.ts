/** Who runs in every runtime: everything that needs no file. */
import type { Contestant } from './contestant.ts'
import { mapAndHash } from './floors/map.ts'
import { bare, honoCopy, honoNoop, honoNoopAgain } from './floors/plain.ts'
import { joseCompact, nodeCrypto, rawWebCrypto } from './floors/sealed.ts'
import { betterAuthCached, betterAuthMemory } from './peers/better-auth.ts'
import { h3 } from './peers/h3.ts'
import { honoSessionSealed, honoSessionStorage } from './peers/hono-session.ts'
import { honoSessionsCookie, honoSessionsEncrypted, honoSessionsMemory } from './peers/hono-sessions.ts'
import { ironSession } from './peers/iron-session.ts'
import {
  latchkeyMemory,
  latchkeyMemoryFetch,
  latchkeySealed,
  latchkeySealedFetch,
  latchkeySigned,
} from './peers/latchkey.ts'
import { remixCookie, remixMemory } from './peers/remix.ts'

export const everyone: readonly Contestant[] = [
  bare,
  honoNoop,
  honoNoopAgain,
  honoCopy,
  mapAndHash,
  joseCompact,
  rawWebCrypto,
  nodeCrypto,
  latchkeyMemory,
  latchkeySigned,
  latchkeyMemoryFetch,
  latchkeySealed,
  latchkeySealedFetch,
  honoSessionStorage,
  honoSessionSealed,
  honoSessionsMemory,
  honoSessionsEncrypted,
  honoSessionsCookie,
  ironSession,
  remixMemory,
  remixCookie,
  h3,
  betterAuthMemory,
  betterAuthCached,
]
