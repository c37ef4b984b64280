/** What docs/other-frameworks.md says of any framework. */
import { describe, expect, it } from 'vitest'
import { codeOf, folderWith, runNode } from './code-of.ts'

const [guide = ''] = codeOf('docs/other-frameworks.md')

/** Runs statements beside the guide's code; what they pass to `say` comes back. */
async function run(statements: string): Promise<unknown[]> {
  const use = `
    import * as guide from './guide.ts'
    const { aroundRequest, sessions } = guide
    const heard = []
    const say = (...words) => heard.push(...words)
    const get = (headers = {}) => new Request('https://shop.example/', { headers })
    const cookieOf = (response) => response.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
    const add = (session) => (session.data.cart.push('padlock'), new Response(session.data.cart.length))
    ${statements}
    console.log(JSON.stringify(heard))`
  const { code, output } = await runNode(folderWith({ 'guide.ts': guide, 'use.mjs': use }), 'use.mjs')
  expect(code, output).toBe(0)
  return JSON.parse(output) as unknown[]
}

describe('docs/other-frameworks.md', () => {
  it('keeps a session around any handler', async () => {
    const said = await run(`
      const first = await aroundRequest(get(), add)
      const second = await aroundRequest(get({ cookie: cookieOf(first) }), add)
      say(first.headers.get('set-cookie').slice(0, 15), await second.text(), second.headers.getSetCookie().length)`)
    expect(said).toEqual(['__Host-session=', '2', 0])
  })

  it('drops changes behind a status of 500, keeps a sign-out, and throws on what was thrown (P15)', async () => {
    const said = await run(`
      const cookie = cookieOf(await aroundRequest(get(), add))
      await aroundRequest(get({ cookie }), (session) => (add(session), new Response('', { status: 500 })))
      await aroundRequest(get({ cookie }), (session) => { add(session); throw new Error('broken') }).catch(({ message }) => say(message))
      say(await (await aroundRequest(get({ cookie }), add)).text())
      await aroundRequest(get({ cookie }), (session) => (session.destroy(), new Response('', { status: 500 })))
      say(await (await aroundRequest(get({ cookie }), add)).text())`)
    expect(said).toEqual(['broken', '2', '1'])
  })

  it('commits before an error is thrown on, where a sign-out must survive it', async () => {
    const said = await run(`
      const cookie = cookieOf(await aroundRequest(get(), add))
      const session = await sessions.load(get({ cookie }))
      add(session)
      session.destroy()
      await sessions.commit(session, Response.error(), { failed: true })
      say(await (await aroundRequest(get({ cookie }), add)).text())`)
    expect(said).toEqual(['1'])
  })

  it('answers an outage with 503 and without a cookie (P11)', async () => {
    const outage = `
      import { StoreUnavailableError } from 'latchkey'
      sessions.load = () => Promise.reject(new StoreUnavailableError('down'))
      const answer = await aroundRequest(get({ cookie: '__Host-session=x' }), add)
      say(answer.status, answer.headers.has('retry-after'), answer.headers.getSetCookie())`
    expect(await run(outage)).toEqual([503, true, []])
  })
})
