/** A reverse proxy on this machine, as nginx or a load balancer is one: TLS ends here, and the app is asked over http. */
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import { cert, key } from '../../browser/certificate.ts'

/** Where the proxy listens. The app sees itself under its own address, and how it was reached only by what the proxy says. */
export async function startProxy(app: string): Promise<string> {
  setDefaultCACertificates([...getCACertificates('default'), cert])
  const { host, hostname, port } = new URL(app)
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const headers = { ...incoming.headers, host, 'x-forwarded-proto': 'https' }
    const { method, url: path } = incoming
    const hop = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    hop.on('error', () => outgoing.writeHead(502).end())
    incoming.pipe(hop)
  })
  await new Promise<void>((done) => server.listen(0, 'localhost', done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  return `https://localhost:${(server.address() as AddressInfo).port}`
}
