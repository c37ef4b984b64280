import { createClient } from '@libsql/client/web'
import { describe, expect, it, onTestFinished } from 'vitest'
import { secondConnection, temporaryFile } from '../stores/sqlite-databases.ts'
import { startHranaServer } from './hrana-server.ts'

async function served() {
  const file = temporaryFile()
  const server = await startHranaServer(file, { authToken: 'a-token' })
  const client = createClient({ url: server.url, authToken: 'a-token' })
  onTestFinished(async () => {
    client.close()
    await server.close()
  })
  await client.execute('create table t (a primary key, b)')
  return { server, client, elsewhere: secondConnection(file) }
}

describe('the libSQL server of these tests, as the web client sees it', () => {
  it('brings every kind of value there and back, by position and by name', async () => {
    const { client } = await served()
    const values = [null, 'text \u2028 é', 1.5, 2n ** 40n, new Uint8Array([0, 255]).buffer]
    for (const value of values) {
      const { rows } = await client.execute({ sql: 'select ? as value', args: [value] })
      expect(rows[0]?.['value']).toEqual(typeof value === 'bigint' ? Number(value) : value)
    }
    const named = await client.execute({ sql: 'select :a || $b as value', args: { a: 'x', b: 'y' } })
    expect(named.rows[0]?.['value']).toBe('xy')
  })

  it('a batch happens as a whole or not at all', async () => {
    const { client, elsewhere } = await served()
    await client.batch(['insert into t values (1, 1)', 'insert into t values (2, 2)'], 'write')
    await expect(client.batch(['insert into t values (3, 3)', 'insert into t values (1, 1)'], 'write')).rejects.toThrow(
      'UNIQUE',
    )
    expect(await elsewhere('select a from t order by a')).toMatchObject([{ a: 1 }, { a: 2 }])
  })

  it('a transaction keeps its connection over requests, is seen by nobody else, and locks the file', async () => {
    const { client, elsewhere } = await served()
    const transaction = await client.transaction('write')
    await transaction.execute('insert into t values (1, 1)')
    expect(await elsewhere('select a from t')).toEqual([])
    await expect(client.execute('insert into t values (2, 2)')).rejects.toMatchObject({ code: 'SQLITE_BUSY' })
    await transaction.commit()
    expect(await elsewhere('select a from t')).toMatchObject([{ a: 1 }])
  })

  it('refuses those without its token, and says what is wrong with SQL', async () => {
    const { server, client } = await served()
    const stranger = createClient({ url: server.url })
    await expect(stranger.execute('select 1')).rejects.toThrow('401')
    await expect(client.execute('select * from nobody')).rejects.toThrow('no such table: nobody')
  })
})
