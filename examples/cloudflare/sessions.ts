/** The sessions of the shop on Workers: which store, by the variable STORE; one manager for each set of bindings. */
import { drizzle, type AnyD1Database } from 'drizzle-orm/d1'
import { perEnv, SessionManager, type Store } from 'latchkey'
import { CloudflareKVStore, type KVNamespaceLike } from 'latchkey/stores/cloudflare-kv'
import { CookieStore } from 'latchkey/stores/cookie'
import { SqliteStore } from 'latchkey/stores/sqlite'
import { shopOptions, type Notes, type Shop } from '../app/shop.ts'

/** Bindings and variables of wrangler.toml, and the secret, which is not in it. */
export interface Env {
  STORE: 'd1' | 'kv' | 'cookie'
  /** Comma-separated: the first signs, all verify. */
  SESSION_SECRET: string
  SESSIONS: KVNamespaceLike
  DB: AnyD1Database
}

export const sessions = perEnv((env: Env) => {
  // With none set the manager says so: every store here is one whose tokens are signed or sealed.
  const secret = env.SESSION_SECRET ? env.SESSION_SECRET.split(',') : undefined
  if (env.STORE === 'cookie') {
    return new SessionManager<Shop, Notes>({ ...shopOptions, store: new CookieStore({ secret }) })
  }
  return new SessionManager<Shop, Notes>({ ...shopOptions, store: rowsOf(env), secret })
})

function rowsOf({ STORE, SESSIONS, DB }: Env): Store {
  if (STORE === 'kv') return new CloudflareKVStore(SESSIONS)
  if (STORE === 'd1') return new D1Store(drizzle(DB))
  throw new Error('The variable STORE must be d1, kv or cookie.')
}

/** Creates its table at first use, so that there is nothing to do before the first request. */
class D1Store extends SqliteStore {
  readonly #table: SqliteStore
  #isReady = false

  constructor(db: ConstructorParameters<typeof SqliteStore>[0]) {
    super(db)
    this.#table = new SqliteStore(db)
  }

  /** No request waits for another's `migrate`: what a cancelled request has begun never ends. Doing it twice does no harm. */
  protected override async execute<T>(statement: () => T | PromiseLike<T>): Promise<T> {
    if (!this.#isReady) await this.#table.migrate()
    this.#isReady = true
    return super.execute(statement)
  }
}
