/** The floor of a session in libSQL: the raw client's `execute` by primary key, and one synchronous hash of the secret. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createClient, type Client } from '@libsql/client'
import type { Contestant, Data } from '../contestant.ts'
import { byHand, type Keeping } from './by-hand.ts'
import { sha256 } from './map.ts'

const random = (bytes: number): string => randomBytes(bytes).toString('base64url')

function keeping(client: Client): Keeping {
  const find: Keeping['find'] = async (token) => {
    const [id = '', secret = ''] = token.split('.')
    const { rows } = await client.execute({ sql: 'select verifier, data from floor where id = ?', args: [id] })
    const [row] = rows
    return row && row['verifier'] === sha256(secret) ? (JSON.parse(row['data'] as string) as Data) : undefined
  }
  return {
    find,
    create: async (data) => {
      const [id, secret] = [random(16), random(32)]
      const args = [id, sha256(secret), JSON.stringify(data)]
      await client.execute({ sql: 'insert into floor (id, verifier, data, version) values (?, ?, ?, 1)', args })
      return `${id}.${secret}`
    },
    update: async (token, data) => {
      const [id = ''] = token.split('.')
      const args = [JSON.stringify(data), id]
      await client.execute({ sql: 'update floor set data = ?, version = version + 1 where id = ?', args })
      return undefined
    },
    rotate: async (token, data) => {
      const [id = ''] = token.split('.')
      const secret = random(32)
      const args = [sha256(secret), JSON.stringify(data), id]
      await client.execute({ sql: 'update floor set verifier = ?, data = ?, version = version + 1 where id = ?', args })
      return `${id}.${secret}`
    },
  }
}

export const rawLibsql: Contestant = {
  name: 'raw libSQL client',
  role: 'floor',
  kind: 'libsql',
  open: async (payload, directory) => {
    const client = createClient({ url: `file:${join(directory, `floor-${random(6)}.db`)}`, concurrency: 1 })
    await client.executeMultiple(
      'PRAGMA journal_mode = WAL; create table floor (id text primary key, verifier text, data text, version integer)',
    )
    return { app: () => byHand(keeping(client), payload), close: () => client.close() }
  },
}
