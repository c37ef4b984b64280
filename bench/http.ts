/** Over HTTP: 32 connections that read, each server in a process of its own, in turn; and its share of its bare server. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { answer, seedData } from './contestant.ts'
import { SERVERS } from './http-server.ts'
import { bench } from './runtimes/run.ts'
import { spreadOf } from './stats.ts'
import { digits, tableOf } from './table.ts'

const CONNECTIONS = 32

interface Running {
  name: string
  process: ChildProcess
  url: string
  cookie: string
  samples: number[]
}

async function start(name: string): Promise<Running> {
  const env = { ...process.env, NODE_ENV: 'production' }
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
  const child = spawn(process.execPath, ['--no-warnings', 'http-server.ts', name], { cwd: bench, env, stdio })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const url = `http://127.0.0.1:${port.toString().trim()}`
  const seeded = await fetch(`${url}/seed`)
  const cookie = seeded.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const text = await (await fetch(`${url}/read`, { headers: { cookie } })).text()
  const { bare, floor } = SERVERS[name] ?? {}
  const expected = bare === undefined || floor ? 'ok' : answer(seedData(200))
  if (text !== expected) throw new Error(`${name} answered ${text.slice(0, 60)}, not ${expected}`)
  return { name, process: child, url, cookie, samples: [] }
}

async function load({ url, cookie }: Running, seconds: number): Promise<number> {
  const headers = cookie === '' ? {} : { cookie }
  const result = await autocannon({ url: `${url}/read`, connections: CONNECTIONS, duration: seconds, headers })
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} bad answers, ${result.errors} errors`)
  return result['2xx'] / result.duration
}

export async function overHttp(quick: boolean): Promise<string[]> {
  const [rounds, seconds] = quick ? [1, 1] : [9, 3]
  const running: Running[] = []
  try {
    for (const name of Object.keys(SERVERS)) running.push(await start(name))
    for (const one of running) await load(one, 1)
    for (let round = 0; round < rounds; round++) for (const one of running) one.samples.push(await load(one, seconds))
  } finally {
    for (const one of running) one.process.kill()
  }
  const medianOf = (name: string): number => spreadOf(running.find((one) => one.name === name)?.samples ?? []).median
  const rows = running.map(({ name, samples }) => {
    const { q1, median, q3 } = spreadOf(samples)
    const bare = SERVERS[name]?.bare
    const share = bare === undefined ? '' : digits(median / medianOf(bare))
    return [name, `${median.toFixed(0)} (${q1.toFixed(0)}–${q3.toFixed(0)})`, bare ?? '', share]
  })
  return [tableOf([`read, ${CONNECTIONS} connections`, 'requests a second', 'bare server', 'share of it'], rows)]
}
