/** The schedules of docs/sweeping.md do what it says. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [plain, worker, deno, interval] = codeOf('docs/sweeping.md') as [string, string, string, string]

describe('docs/sweeping.md', () => {
  it('shows a sweep, and how to tell how far one came that failed', async () => {
    const { code, output } = await runNode(folderWith({ 'sweep.ts': plain }), 'sweep.ts')
    expect([code, output]).toEqual([0, '0 expired sessions removed\n'])
  })

  it('has a schedule for Workers, for Deno, and for Node and Bun', () => {
    expect(worker).toContain('async scheduled(')
    expect(deno).toContain('Deno.cron(')
    expect(interval).toContain('setInterval(')
  })

  it('the interval does not keep the process alive', async () => {
    const ends = await runNode(folderWith({ 'app.ts': interval }), 'app.ts')
    expect(ends).toEqual({ code: 0, output: '' })
  })

  it('the interval sweeps, one sweep at a time, and says so when one failed', async () => {
    // The hour is a turn of the event loop here, and the sweep one that the test ends.
    const app = interval
      .replace('60 * 60 * 1000', '1')
      .replace(/const sessions = .*/, 'import { sessions, sweeps } from "./sessions.ts"')
    const sessions = `
      export const sweeps = []
      export const sessions = { removeExpiredSessions: () => new Promise((_, reject) => sweeps.push(reject)) }
      const turns = async (n) => { while (n-- > 0) await new Promise((done) => setTimeout(done, 2)) }
      setTimeout(async () => {
        await turns(5)
        console.log('sweeps', sweeps.length)
        sweeps[0](new Error('disk full'))
        await turns(5)
        console.log('sweeps', sweeps.length)
        sweeps[1](new Error('disk full'))
        process.kill(process.pid, 'SIGTERM')
      })`
    const { code, output } = await runNode(folderWith({ 'app.ts': app, 'sessions.ts': sessions }), 'app.ts')
    expect(output).toMatch(/^sweeps 1\nsweeps 2\n/)
    expect(output).toContain('sweeping failed: Error: disk full')
    expect(code).toBe(0)
  })
})
