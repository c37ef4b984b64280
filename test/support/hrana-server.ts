/**
 * A libSQL server on a loopback port: the Hrana protocol over HTTP (`/v2/pipeline` and `/v3/pipeline`, as JSON), in front of
 * a real libSQL file, which can be told to fail. Each stream has a connection of its own, as in sqld: one that a pipeline
 * leaves open is found again by its baton, and so are its transaction and its stored statements.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

type Value =
  | { type: 'null' }
  | { type: 'text' | 'integer'; value: string }
  | { type: 'float'; value: number }
  | { type: 'blob'; base64: string }
type Condition =
  | { type: 'ok' | 'error'; step: number }
  | { type: 'not'; cond: Condition }
  | { type: 'and' | 'or'; conds: Condition[] }
  | { type: 'is_autocommit' }

interface Text {
  sql?: string | null
  sql_id?: number | null
}
interface Stmt extends Text {
  args?: Value[]
  named_args?: { name: string; value: Value }[]
  want_rows?: boolean
}

/** One request of a pipeline, as it came. */
export interface HranaRequest extends Text {
  type: string
  stmt?: Stmt
  batch?: { steps: { stmt: Stmt; condition?: Condition | null }[] }
}

interface Failure {
  code: string
  message: string
}

/** The native connection below `@libsql/client`, as far as it is used here. */
interface Connection {
  inTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): {
    raw(on: boolean): unknown
    safeIntegers(on: boolean): unknown
    columns(): { name: string; type: string | null }[]
    all(values: unknown): unknown[][]
    run(values: unknown): { changes: number; lastInsertRowid: number | bigint }
  }
  close(): void
}

interface Stream {
  connection: Connection
  stored: Map<number, string>
}

export interface HranaServer {
  readonly url: string
  /** The pipelines as they came. */
  readonly seen: { authorization: string | undefined; path: string; requests: HranaRequest[] }[]
  /** Answers to the next pipelines instead of running them. */
  failures: Failure[]
  /** Runs the next pipelines, and then hangs up without an answer. */
  hangUp: boolean
  /** Keeps the next pipelines waiting until this is settled. */
  hold: Promise<unknown> | undefined
  /** Keeps pipelines waiting from this one on, counted as in `seen`. */
  holdFrom: { pipeline: number; until: Promise<unknown> } | undefined
  close(): Promise<void>
}

// The libSQL that the client brings along: a second copy in one process would drop its file locks.
const fromClient = createRequire(import.meta.resolve('@libsql/client'))
const Database = fromClient('libsql') as new (file: string) => Connection

/** Serves this file; with `authToken`, only to those who send it. */
export async function startHranaServer(file: string, options: { authToken?: string } = {}): Promise<HranaServer> {
  const streams = new Map<string, Stream>()
  const open = (): Stream => ({ connection: new Database(file), stored: new Map() })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method === 'GET' && /^\/v[23]$/.test(path)) return void response.end('ok')
    if (request.method !== 'POST' || !/^\/v[23]\/pipeline$/.test(path)) return void response.writeHead(404).end()
    const { authorization } = request.headers
    if (options.authToken !== undefined && authorization !== `Bearer ${options.authToken}`)
      return void response.writeHead(401, { 'content-type': 'text/plain' }).end('Unauthorized')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { baton?: string | null; requests: HranaRequest[] }
    server.seen.push({ authorization, path, requests: body.requests })
    await server.hold
    if (server.holdFrom && server.seen.length >= server.holdFrom.pipeline) await server.holdFrom.until

    const stream = body.baton ? streams.get(body.baton) : open()
    if (!stream) return void response.writeHead(400, { 'content-type': 'text/plain' }).end('unknown baton')
    if (body.baton) streams.delete(body.baton)
    const failure = server.failures.shift()
    let closed = false
    const results = body.requests.map((step) => {
      if (step.type === 'close') closed = true
      try {
        if (failure && step.type !== 'close') throw Object.assign(new Error(failure.message), { code: failure.code })
        return { type: 'ok', response: run(stream, step) }
      } catch (error) {
        return { type: 'error', error: asError(error) }
      }
    })
    const baton = closed ? null : randomUUID()
    if (baton === null) stream.connection.close()
    else streams.set(baton, stream)
    if (server.hangUp) return void request.socket.destroy()
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ baton, base_url: null, results }))
  }

  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  const server: HranaServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    seen: [],
    failures: [],
    hangUp: false,
    hold: undefined,
    holdFrom: undefined,
    async close() {
      const over = new Promise((done) => http.close(done))
      http.closeAllConnections()
      await over
      for (const { connection } of streams.values()) connection.close()
    },
  }
  return server
}

function run(stream: Stream, { type, stmt, batch, ...text }: HranaRequest): object {
  if (type === 'execute' && stmt) return { type, result: execute(stream, stmt) }
  if (type === 'batch' && batch) return { type, result: runBatch(stream, batch.steps) }
  if (type === 'sequence') stream.connection.exec(sqlOf(stream, text))
  else if (type === 'store_sql') stream.stored.set(text.sql_id ?? -1, text.sql ?? '')
  else if (type === 'close_sql') stream.stored.delete(text.sql_id ?? -1)
  else if (type === 'get_autocommit') return { type, is_autocommit: !stream.connection.inTransaction }
  else if (type !== 'close') throw Object.assign(new Error(`no request ${type}`), { code: 'HRANA_PROTO_ERROR' })
  return { type }
}

function execute(stream: Stream, stmt: Stmt): object {
  const statement = stream.connection.prepare(sqlOf(stream, stmt))
  statement.safeIntegers(true)
  const values = stmt.named_args?.length
    ? Object.fromEntries(stmt.named_args.map(({ name, value }) => [name.replace(/^[:@$]/, ''), fromValue(value)]))
    : (stmt.args ?? []).map(fromValue)
  try {
    statement.raw(true)
  } catch {
    // It returns no rows.
    const { changes, lastInsertRowid } = statement.run(values)
    return { cols: [], rows: [], affected_row_count: changes, last_insert_rowid: String(lastInsertRowid) }
  }
  const cols = statement.columns().map(({ name, type }) => ({ name, decltype: type }))
  const rows = statement.all(values).map((row) => row.map(toValue))
  return { cols, rows: stmt.want_rows === false ? [] : rows, affected_row_count: 0, last_insert_rowid: null }
}

function runBatch(stream: Stream, steps: { stmt: Stmt; condition?: Condition | null }[]): object {
  const results: (object | null)[] = []
  const errors: (Failure | null)[] = []
  const holds = (condition: Condition): boolean => {
    if (condition.type === 'ok') return Boolean(results[condition.step])
    if (condition.type === 'error') return Boolean(errors[condition.step])
    if (condition.type === 'not') return !holds(condition.cond)
    if (condition.type === 'and') return condition.conds.every(holds)
    if (condition.type === 'or') return condition.conds.some(holds)
    return !stream.connection.inTransaction
  }
  for (const { stmt, condition } of steps) {
    let result: object | null = null
    let error: Failure | null = null
    try {
      if (!condition || holds(condition)) result = execute(stream, stmt)
    } catch (thrown) {
      error = asError(thrown)
    }
    results.push(result)
    errors.push(error)
  }
  return { step_results: results, step_errors: errors }
}

function sqlOf(stream: Stream, { sql, sql_id: id }: Text): string {
  const found = sql ?? stream.stored.get(id ?? -1)
  if (found === undefined) throw Object.assign(new Error('no such stored SQL'), { code: 'SQL_NOT_FOUND' })
  return found
}

function asError(error: unknown): Failure {
  const { message, code } = error as { message: string; code?: string }
  return { message, code: code ?? 'SQLITE_ERROR' }
}

function fromValue(value: Value): unknown {
  if (value.type === 'null') return null
  if (value.type === 'integer') return BigInt(value.value)
  return value.type === 'blob' ? Buffer.from(value.base64, 'base64') : value.value
}

function toValue(value: unknown): Value {
  if (value === null) return { type: 'null' }
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (typeof value === 'number') return { type: 'float', value }
  if (typeof value === 'string') return { type: 'text', value }
  return { type: 'blob', base64: Buffer.from(value as Uint8Array).toString('base64') }
}
