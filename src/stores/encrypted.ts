/**
 * EncryptedStore: over any store, records that the database cannot read. Everything but what queries need is sealed (JWE, as
 * in `CookieStore`), bound to the id, verifier, version and subject of its row; the subject's column holds a keyed hash. A row
 * that does not open (moved, mixed, changed by hand, or sealed under a secret that was removed) is missing: no outage, and
 * never somebody else's session.
 */
import { describe } from '../core/describe.ts'
import { SessionConfigError } from '../core/errors.ts'
import { Signer, type Secret } from '../core/keys.ts'
import { isRecord, withoutUndefined, type SessionRecord } from '../core/record.ts'
import {
  destroyInTurn,
  type Expected,
  type StoreCallOptions,
  type StoreModel,
  type UpdateOptions,
  type UpdateResult,
} from '../core/store.ts'
import { Sealer, secretsOf } from './seal.ts'
import { WrappingStore } from './wrapping.ts'

export interface EncryptedStoreOptions {
  /** Text or bytes of at least 32 bytes, or a list: the first seals, all open. */
  secret: Secret | readonly Secret[] | undefined
  /**
   * What the rows are for. Rows sealed under one name do not open under another, so give each store its own where several
   * share a secret. Default `'sessions'`.
   */
  name?: string
}

/** What is sealed into a row: the record but for what a touch moves, and the subject's hash as its column holds it. */
interface Sealed {
  record: Omit<SessionRecord, 'expiresAt' | 'lastSeenAt'>
  subject?: string
}

/** Seals what it hands to the store it wraps, and opens what it gets back; everything else is the store's own. */
export class EncryptedStore extends WrappingStore {
  readonly #sealer: Sealer
  /** What the seals are bound to beside the row; no cookie can have this name. */
  readonly #name: string
  /** One for each secret, in their order. */
  readonly #hashers: readonly Signer[]

  /** @throws SessionConfigError when the store, the secret or `name` is wrong */
  constructor(store: StoreModel, options: EncryptedStoreOptions) {
    super(store, 'EncryptedStore', 'to seal the records of')
    const secrets = secretsOf(options, ['name'])
    const { name = 'sessions' } = options
    if (typeof name !== 'string' || name === '' || !name.isWellFormed())
      throw new SessionConfigError(`\`name\` is ${describe(name)}; it must be a string that is not empty.`)
    const { behind } = this
    if (behind.capabilities.carriesRecord)
      throw new SessionConfigError('EncryptedStore over a CookieStore has nothing to do: the cookie is sealed already.')
    if (behind.copies)
      throw new SessionConfigError(
        'EncryptedStore belongs under a CookieCache, not over it: new CookieCache(new EncryptedStore(store, …), …).',
      )
    if (behind instanceof EncryptedStore)
      throw new SessionConfigError(
        'EncryptedStore over an EncryptedStore would seal everything twice. To change secrets, list them: `secret: [next, last]`.',
      )
    this.#sealer = new Sealer(secrets)
    this.#name = `${name} at rest`
    this.#hashers = secrets.map((secret) => new Signer([secret], `subjects of ${name}`))

    const all = behind.all?.bind(behind)
    if (all) this.all = () => this.#openEach(all())
    const find = behind.findBySubject?.bind(behind)
    if (find) this.findBySubject = (subject, call) => this.#find(subject, find, call)
    const remove = behind.removeBySubject?.bind(behind)
    if (remove) {
      this.removeBySubject = async (subject, exceptId, call) => {
        const ids = new Set<string>()
        for (const hash of await this.#hashesOf(subject))
          for (const id of await remove(hash, exceptId, call)) {
            // In turn with what the base class had halfway, of which the core knows here of this store alone (P6).
            await destroyInTurn(behind, id, call)
            ids.add(id)
          }
        return [...ids]
      }
    }
  }

  override async get(id: string, call?: StoreCallOptions): Promise<SessionRecord | undefined> {
    return this.#open(await this.behind.get(id, call))
  }

  override async load(id: string, manager?: object, call?: StoreCallOptions): Promise<SessionRecord | undefined> {
    return this.#open(await this.behind.load(id, manager, call))
  }

  override async set(id: string, record: SessionRecord, call?: StoreCallOptions): Promise<void> {
    await this.behind.set(id, await this.#seal(record), call)
  }

  override async create(record: SessionRecord, call?: StoreCallOptions): Promise<boolean> {
    return this.behind.create(await this.#seal(record), call)
  }

  override async update(record: SessionRecord, expected: Expected, options?: UpdateOptions): Promise<UpdateResult> {
    return this.behind.update(await this.#seal(record), expected, options)
  }

  /** The row of a record: what queries need, and everything sealed in the place of the data. */
  async #seal(record: SessionRecord): Promise<SessionRecord> {
    const { expiresAt, lastSeenAt, ...rest } = record
    const [first] = this.#hashers
    const subject = record.subject === undefined ? undefined : await this.#hash(first as Signer, record.subject)
    const data = await this.#sealer.seal(withoutUndefined<Sealed>({ record: rest, subject }), this.#name)
    const { id, verifier, version, createdAt, rotatedAt, endsAt } = record
    const row = { id, verifier, data, version, createdAt, rotatedAt, lastSeenAt, expiresAt, endsAt, subject }
    return withoutUndefined<SessionRecord>(row)
  }

  /**
   * The record of a row. Of its columns only the two times a touch moves are believed; the sealed hard end stands above them.
   * The others must be those the seal was made for, so no seal opens under another id, token or version.
   */
  async #open(row: SessionRecord | undefined): Promise<SessionRecord | undefined> {
    if (!isRecord(row)) return undefined
    const sealed = await this.#sealer.open(row.data, this.#name, isSealed)
    const { expiresAt, lastSeenAt } = row
    const record = { ...sealed?.record, expiresAt, lastSeenAt }
    const belongs =
      record.id === row.id &&
      record.verifier === row.verifier &&
      record.version === row.version &&
      sealed?.subject === row.subject
    return belongs && isRecord(record) ? record : undefined
  }

  async *#openEach(rows: AsyncIterable<SessionRecord>): AsyncGenerator<SessionRecord, void, undefined> {
    for await (const row of rows) {
      const record = await this.#open(row)
      if (record) yield record
    }
  }

  async #find(
    subject: string,
    find: NonNullable<StoreModel['findBySubject']>,
    call: StoreCallOptions | undefined,
  ): Promise<SessionRecord[]> {
    const found = new Map<string, SessionRecord>()
    for (const hash of await this.#hashesOf(subject)) {
      for (const row of await find(hash, call)) {
        const record = await this.#open(row)
        if (record) found.set(record.id, record)
      }
    }
    return [...found.values()]
  }

  /**
   * A subject's hash under every secret, the first secret's last, and then the older ones again: a write moves its row to the
   * writer's first secret, and where instances are being changed that is not the same for all. No row slips through.
   */
  async #hashesOf(subject: string): Promise<string[]> {
    const [first = '', ...older] = await Promise.all(this.#hashers.map((hasher) => this.#hash(hasher, subject)))
    return [...older, first, ...older]
  }

  /** As JSON, since UTF-8 would make one text of any two halves of characters. */
  #hash(hasher: Signer, subject: string): Promise<string> {
    return hasher.sign(JSON.stringify(subject))
  }
}

/** Of what a holder of the key sealed, anything that may have these members; what is in them is judged beside the row. */
function isSealed(value: unknown): value is Partial<Sealed> {
  return typeof value === 'object' && value !== null
}
