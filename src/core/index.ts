/** `latchkey`: sessions for everything that speaks `Request` and `Response`. */
export { SessionManager, type CreateOptions } from './manager.ts'
export { perEnv, type ManagerSource } from './per-env.ts'
export { generateSecret } from './secret.ts'
export { Session } from './session.ts'
export { Store } from './store.ts'
export {
  SessionConfigError,
  SessionConflictError,
  SessionDataError,
  SessionError,
  SessionExpiredError,
  SessionNotFoundError,
  SessionStateError,
  SessionTooLargeError,
  SessionUnsupportedError,
  StoreUnavailableError,
  type SessionErrorCode,
} from './errors.ts'
export type { CommitOptions } from './commit.ts'
export type { CookieOptions } from './cookie-options.ts'
export type { Serializer } from './data.ts'
export type { SessionInfo } from './devices.ts'
export type { Duration } from './duration.ts'
export type { RejectReason, SessionEvent, SessionEventName, SessionHooks } from './events.ts'
export type { Secret } from './keys.ts'
export type { Lifetime } from './lifetime.ts'
export type { OnConflict } from './merge.ts'
export type { SchemaOptions, SessionOptions } from './options.ts'
export type { PreviousToken, SessionDetails, SessionRecord } from './record.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './schema.ts'
export type {
  Expected,
  MaybePromise,
  SealContext,
  StoreCallOptions,
  StoreCapabilities,
  StoreModel,
  UpdateOptions,
  UpdateResult,
} from './store.ts'
export type { SweepFailure, SweepOptions } from './sweep.ts'
export type { Transport } from './transport.ts'
