/**
 * Schema: what data has to pass on its way in and out, by any Standard Schema (https://standardschema.dev), and `migrate`,
 * which brings data of an earlier release into form first. A record is read into the form the app sees, as text, before
 * anything is compared with it: so a default or a migration is no change (P1, P3), and a conflict compares like with like
 * (P4, P5). A schema only checks what is saved; its output is not stored in place of the data. Its messages are not passed
 * on, because they may quote values (P13).
 */
import { isPlainObject, type Codec, type PlainObject } from './data.ts'
import { describeFailure, SessionDataError } from './errors.ts'
import type { Emit } from './events.ts'
import type { SessionRecord } from './record.ts'

/** A schema of zod, valibot, arktype or any other library that follows Standard Schema, version 1. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema says of a value: what it makes of it, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong. Only `path` is ever shown. */
export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The options that judge data, as the user gave them. */
export interface RuleOptions {
  schema?: StandardSchema | undefined
  migrate?: ((raw: PlainObject) => unknown) | undefined
  onInvalid?: 'throw' | 'reset' | undefined
}

/** What data has to pass; there are none without one of `RuleOptions`. */
export interface DataRules {
  /**
   * The record with its data as the app sees it.
   * @throws SessionDataError when the data does not pass, unless `onInvalid: 'reset'`
   */
  read(record: SessionRecord): Promise<SessionRecord>
  /** @throws SessionDataError when data that differs from `base` does not pass */
  check(record: SessionRecord, base?: SessionRecord): Promise<void>
}

/** The data of records that were read, as it lies in the store. */
const inStore = new WeakMap<SessionRecord, string>()

/** The record with its data as the store has it: for writes that are about the token and nobody's change of the data. */
export function asStored(record: SessionRecord, base: SessionRecord): SessionRecord {
  return record.data === base.data ? { ...record, data: inStore.get(base) ?? record.data } : record
}

export function dataRules(
  { schema, migrate, onInvalid }: RuleOptions,
  initial: () => PlainObject,
  codec: Codec,
  emit: Emit,
): DataRules | undefined {
  if (!schema && !migrate && !onInvalid) return undefined

  /** What throws has not judged, so that is an error whatever `onInvalid` says: a look-up may have failed. */
  const validated = async (value: unknown, data: string): Promise<StandardResult<unknown>> => {
    try {
      return schema ? await schema['~standard'].validate(value) : { value }
    } catch (error) {
      throw threw('schema', error, data)
    }
  }
  const form = async ({ data }: SessionRecord): Promise<PlainObject | SessionDataError> => {
    let value: unknown = codec.decode(data)
    if (!value) return new SessionDataError('The stored data cannot be read. Another program may have written it.')
    try {
      if (migrate) value = await migrate(value as PlainObject)
    } catch (error) {
      return threw('migrate', error, data)
    }
    const result = await validated(value, data)
    if (result.issues) return refusal('The stored session data', result.issues, 'Give `migrate`, or `onInvalid`.')
    return isPlainObject(result.value)
      ? result.value
      : new SessionDataError('`migrate` and `schema` must make a plain object of the data.')
  }

  return {
    async read(record) {
      let data = await form(record)
      if (data instanceof SessionDataError) {
        emit('rejected', { id: record.id, subject: record.subject, reason: 'schema' })
        if (onInvalid !== 'reset') throw data
        data = initial()
      }
      const read = { ...record, data: codec.encode(data) }
      inStore.set(read, asStored(record, record).data)
      return read
    },
    async check({ data }, base) {
      if (!schema || data === base?.data) return
      const { issues } = await validated(codec.decode(data), data)
      if (issues) throw refusal('The session data', issues, 'Nothing was stored.')
    },
  }
}

function refusal(what: string, issues: readonly StandardIssue[], advice: string): SessionDataError {
  const path = pathOf(issues)
  return new SessionDataError(`${what} does not pass the \`schema\`${at(path)}. ${advice}`, path)
}

/** A failure of the user's own function. Its error may quote the data: what is safe of it is kept as cause. */
function threw(name: string, error: unknown, data: string): SessionDataError {
  const cause = describeFailure(error, { data })
  return Object.assign(new SessionDataError(`\`${name}\` threw when it was given the session data.`), { cause })
}

/** Where the first issue is, as `cart[0].sku`; empty for the data as a whole. */
function pathOf([first]: readonly StandardIssue[]): string {
  let path = ''
  for (const part of first?.path ?? []) {
    const key = typeof part === 'object' ? part.key : part
    path += typeof key === 'number' ? `[${key}]` : `${path && '.'}${String(key)}`
  }
  return path
}

function at(path: string): string {
  return path && ` at \`${path}\``
}

/** The data of a new session where no `initial` is given. */
export function defaultsOf(schema: StandardSchema): () => PlainObject {
  return () => (schema['~standard'].validate({}) as { value: PlainObject }).value
}

/**
 * What the schema says against `initial`, or of `{}` in its place, and against its own output, which it is given at the next
 * load: `undefined` for nothing. What cannot be known at once, since it is async or throws here (Workers forbid random values
 * at module scope), is judged when a session is first stored.
 */
export function initialProblem(
  schema: StandardSchema,
  initial: (() => unknown) | undefined,
  codec: Codec,
): string | undefined {
  const judge = (text: string): StandardResult<unknown> | Promise<StandardResult<unknown>> =>
    schema['~standard'].validate(codec.decode(text))
  try {
    const first = judge(codec.encode(initial ? initial() : {}))
    if (first instanceof Promise) {
      first.catch(() => {})
      return initial ? undefined : '`initial` is missing; an async `schema` cannot make it of {}.'
    }
    if (first.issues) {
      const given = initial ? '`initial` gives data that, stored and read again,' : '`initial` is missing, and {}'
      return `${given} does not pass the \`schema\`${at(pathOf(first.issues))}.`
    }
    const text = codec.encode(first.value)
    const again = judge(text) as StandardResult<unknown>
    return again.issues || codec.encode(again.value) !== text
      ? `\`schema\` does not give back its own output as it is${at(pathOf(again.issues ?? []))}, stored and read again; it is applied at every load.`
      : undefined
  } catch (error) {
    return error instanceof SessionDataError ? `\`initial\`: ${error.message}` : undefined
  }
}
