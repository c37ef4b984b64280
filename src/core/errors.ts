/**
 * The typed errors. Every one extends `SessionError` and has a stable `code`, so nobody has to read a message to
 * branch. Messages say what was wrong, what was expected and what to do; none holds a token or session data (P13).
 */

/** The stable codes of all errors this library throws. */
export type SessionErrorCode =
  | 'SESSION_NOT_FOUND'
  | 'SESSION_EXPIRED'
  | 'SESSION_CONFLICT'
  | 'SESSION_TOO_LARGE'
  | 'SESSION_STATE'
  | 'SESSION_CONFIG'
  | 'SESSION_UNSUPPORTED'
  | 'SESSION_DATA'
  | 'STORE_UNAVAILABLE'

/** What all errors of this library have in common: branch on `code`, or on the class. */
export abstract class SessionError extends Error {
  abstract readonly code: SessionErrorCode
}

/** The token belongs to no session: unknown, malformed, forged, replaced, or its session was destroyed. */
export class SessionNotFoundError extends SessionError {
  override readonly name = 'SessionNotFoundError'
  readonly code = 'SESSION_NOT_FOUND'
  constructor(message = 'No session for this token. It may have been destroyed or replaced; sign in again.') {
    super(message)
  }
}

/** The session is past its `expiresAt`, or past its hard end `endsAt` (P9). */
export class SessionExpiredError extends SessionError {
  override readonly name = 'SessionExpiredError'
  readonly code = 'SESSION_EXPIRED'
  constructor(message = 'The session has expired. Start a new one.') {
    super(message)
  }
}

/** The record kept changing underneath, or `onConflict: 'fail'` met a key that both sides had changed (P5). */
export class SessionConflictError extends SessionError {
  override readonly name = 'SessionConflictError'
  readonly code = 'SESSION_CONFLICT'
}

/** The session does not fit where it is kept (P17). Nothing was sent or stored. */
export class SessionTooLargeError extends SessionError {
  override readonly name = 'SessionTooLargeError'
  readonly code = 'SESSION_TOO_LARGE'
  readonly bytes: number
  readonly limit: number
  /**
   * @param bytes what the session takes
   * @param limit what there is room for, in bytes
   */
  constructor(bytes: number, limit: number, advice: string) {
    super(`The session takes ${bytes} bytes where ${limit} fit. ${advice}`)
    this.bytes = bytes
    this.limit = limit
  }
}

/** The session was used in a state that does not allow it: after `destroy()`, or after its response was built. */
export class SessionStateError extends SessionError {
  override readonly name = 'SessionStateError'
  readonly code = 'SESSION_STATE'
}

/** One or more options are wrong; `problems` has a line for each. */
export class SessionConfigError extends SessionError {
  override readonly name = 'SessionConfigError'
  readonly code = 'SESSION_CONFIG'
  readonly problems: readonly string[]
  constructor(problems: string | readonly string[]) {
    const list = typeof problems === 'string' ? [problems] : problems
    super(list.length === 1 ? list[0] : `${list.length} options are wrong:\n- ${list.join('\n- ')}`)
    this.problems = list
  }
}

/** The store cannot do what was asked, by its nature or because an optional method is missing. */
export class SessionUnsupportedError extends SessionError {
  override readonly name = 'SessionUnsupportedError'
  readonly code = 'SESSION_UNSUPPORTED'
}

/** The data cannot be stored as it is; `path` is the key path of the offender. The old data is intact. */
export class SessionDataError extends SessionError {
  override readonly name = 'SessionDataError'
  readonly code = 'SESSION_DATA'
  readonly path: string
  constructor(message: string, path = '') {
    super(message)
    this.path = path
  }
}

/**
 * The store did not answer, or failed. Never an anonymous visitor (P11): answer 503 and leave the cookie alone.
 * `cause` describes the failure without statement parameters, tokens or data (P13).
 */
export class StoreUnavailableError extends SessionError {
  override readonly name = 'StoreUnavailableError'
  readonly code = 'STORE_UNAVAILABLE'
  constructor(message = 'The session store is unavailable. Try again shortly.', options?: { cause?: unknown }) {
    super(message, options)
  }

  /** A bare 503 with `Retry-After`, telling the client nothing else. Hono's default error handler uses it. */
  getResponse(): Response {
    return new Response('Service Unavailable', {
      status: 503,
      headers: { 'Retry-After': '5', 'Cache-Control': 'no-store' },
    })
  }
}

/**
 * A copy of a foreign error that is safe to keep as `cause`: name, code, the first line of its message and its stack
 * frames. Database errors carry statement parameters, that is session data, in further lines and properties (F25); a first
 * line that quotes any value of `record` is withheld.
 */
export function describeFailure(error: unknown, record: object = {}): Error {
  let source = error
  // A query error of Drizzle and its kind repeats the parameters; the driver's own error below it says what failed.
  for (let depth = 0; depth < 10 && source instanceof Error && 'params' in source && source.cause; depth++)
    source = source.cause
  if (!(source instanceof Error)) return new Error(`a ${typeof source} was thrown`)
  const { name, message, stack, code } = source as Error & { code?: unknown }
  const line = message.split('\n', 1)[0]?.slice(0, 200) ?? ''
  const values = valuesIn(record)
  const isSafe = (text: unknown): boolean => !values.some((value) => String(text).includes(value))
  // Where nothing of the record is known, whatever looks quoted may be it; a parser quotes what it could not read.
  const isWithheld =
    'params' in source ||
    source instanceof SyntaxError ||
    !isSafe(message) ||
    (values.length === 0 && /["'`{}[\]]/.test(line))
  const safe = new Error(isWithheld ? '(message withheld: it held session data)' : line)
  if (isSafe(name)) safe.name = String(name)
  // What follows the message; the message itself may look like a frame.
  const frames =
    stack
      ?.split(message)
      .at(-1)
      ?.match(/^[ \t]+at .*/gm)
      ?.filter(isSafe) ?? []
  safe.stack = [`${safe.name}: ${safe.message}`, ...frames].join('\n')
  if (['string', 'number'].includes(typeof code) && isSafe(code)) Object.assign(safe, { code })
  return safe
}

/**
 * Every text and longer number in a value, those inside of serialised text too, and every longer word of them: a message may
 * quote a value escaped, or cut off.
 */
function valuesIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(valuesIn)
  const text = ['string', 'number'].includes(typeof value) ? String(value) : ''
  try {
    if (/^[[{"]/.test(text)) return [text, ...valuesIn(JSON.parse(text))]
  } catch {
    // Not JSON: a serializer of the user's own. Its words stand for its values.
  }
  // Taken apart between the words: to match a word of some megabytes has no room on V8's stack.
  return [text, ...text.split(/[^\p{L}\p{N}]/u)].filter((word) => word.length > 3)
}
