/** One server of the comparison over HTTP, by its name; prints its port. `/seed` begins a session, `/read` looks at it. */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import fastifyCookie from '@fastify/cookie'
import fastifySecureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import { serve } from '@hono/node-server'
import express from 'express'
import expressSession from 'express-session'
import fastify, { type FastifyInstance } from 'fastify'
import { answer, SECRET, seedData, type Contestant, type Data } from './contestant.ts'
import { honoCopy, honoNoop } from './floors/plain.ts'
import { latchkeyMemory, latchkeySealed } from './peers/latchkey.ts'
import { honoSessionSealed } from './peers/hono-session.ts'

const PAYLOAD = 200
type Held = Partial<Data>

async function underHono(contestant: Contestant): Promise<number> {
  const world = await contestant.open(PAYLOAD, '')
  const fetch = await world.app()
  return new Promise((done) => serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => done(port)))
}

const held = (request: object): Held => (request as { session: Held }).session

function underExpress(withSessions: boolean): Promise<number> {
  const app = express()
  if (withSessions) app.use(expressSession({ secret: SECRET, resave: false, saveUninitialized: false }))
  app.get('/seed', (request, response) => {
    if (withSessions) Object.assign(held(request), seedData(PAYLOAD))
    response.type('text').send('ok')
  })
  app.get('/read', (request, response) => {
    response.type('text').send(withSessions ? answer(held(request)) : 'ok')
  })
  return new Promise((done) => {
    const server = app.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port))
  })
}

interface Keys {
  get: (key: string) => unknown
  set: (key: string, value: unknown) => void
}

const keysOf = (request: object): Keys => (request as { session: Keys }).session

async function underFastify(register?: (app: FastifyInstance) => Promise<unknown>): Promise<number> {
  const app = fastify()
  await register?.(app)
  app.get('/seed', (request) => {
    if (register) for (const [key, value] of Object.entries(seedData(PAYLOAD))) keysOf(request).set(key, value)
    return Promise.resolve('ok')
  })
  app.get('/read', (request) => {
    if (!register) return Promise.resolve('ok')
    const [n, text] = [keysOf(request).get('n'), keysOf(request).get('text')]
    return Promise.resolve(answer({ n, text } as Held))
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

interface Server {
  /** The server of the same framework without sessions. */
  bare?: string
  floor?: boolean
  start: () => Promise<number>
}

export const SERVERS: Record<string, Server> = {
  Hono: { start: () => underHono(honoNoop) },
  [honoCopy.name]: { bare: 'Hono', floor: true, start: () => underHono(honoCopy) },
  'latchkey, memory': { bare: 'Hono', start: () => underHono(latchkeyMemory) },
  'latchkey, sealed': { bare: 'Hono', start: () => underHono(latchkeySealed) },
  '@hono/session': { bare: 'Hono', start: () => underHono(honoSessionSealed) },
  Express: { start: () => underExpress(false) },
  'express-session': { bare: 'Express', start: () => underExpress(true) },
  Fastify: { start: () => underFastify() },
  '@fastify/session': {
    bare: 'Fastify',
    start: () =>
      underFastify(async (app) => {
        await app.register(fastifyCookie)
        await app.register(fastifySession, { secret: SECRET, cookie: { secure: false } })
      }),
  },
  '@fastify/secure-session': {
    bare: 'Fastify',
    start: () =>
      underFastify(async (app) => {
        await app.register(fastifySecureSession, { key: randomBytes(32), cookie: { path: '/' } })
      }),
  },
}

if (import.meta.main) {
  const port = await SERVERS[process.argv[2] ?? '']?.start()
  if (port === undefined) throw new Error('no server has this name')
  console.log(port)
}
