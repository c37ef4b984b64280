/** The floor of a session in memory: a `Map`, a random token of `<id>.<secret>`, and one synchronous hash of the secret. */
import { createHash, hash, randomBytes } from 'node:crypto'
import type { Contestant, Data } from '../contestant.ts'
import { byHand, type Keeping } from './by-hand.ts'

const random = (bytes: number): string => randomBytes(bytes).toString('base64url')

/** `hash` is the faster one, where the runtime has it. */
export const sha256: (text: string) => string =
  typeof hash === 'function'
    ? (text) => hash('sha256', text, 'base64url')
    : (text) => createHash('sha256').update(text).digest('base64url')

function split(token: string): [id: string, secret: string] {
  const dot = token.indexOf('.')
  return [token.slice(0, dot), token.slice(dot + 1)]
}

function keeping(rows: Map<string, { verifier: string; text: string }>): Keeping {
  const put = (id: string, data: Data): string => {
    const secret = random(32)
    rows.set(id, { verifier: sha256(secret), text: JSON.stringify(data) })
    return `${id}.${secret}`
  }
  return {
    find: (token) => {
      const [id, secret] = split(token)
      const row = rows.get(id)
      return row && row.verifier === sha256(secret) ? (JSON.parse(row.text) as Data) : undefined
    },
    create: (data) => put(random(16), data),
    update: (token, data) => {
      const [id] = split(token)
      const row = rows.get(id)
      if (row) rows.set(id, { ...row, text: JSON.stringify(data) })
      return undefined
    },
    rotate: (token, data) => put(split(token)[0], data),
  }
}

export const mapAndHash: Contestant = {
  name: 'a Map and a hash',
  role: 'floor',
  kind: 'memory',
  open: (payload) => {
    const rows = new Map()
    return { app: () => byHand(keeping(rows), payload) }
  },
}
