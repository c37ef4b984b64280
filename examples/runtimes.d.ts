/** What the examples use of runtimes whose types are not installed; what else there is, is in test/runtimes/runtimes.d.ts. */
declare namespace Deno {
  interface HttpServer {
    shutdown(): Promise<void>
    readonly finished: Promise<void>
  }
  interface ServeOptions {
    port?: number
    hostname?: string
    onListen?: (address: { hostname: string; port: number }) => void
  }
  type ServeHandler = (request: Request, info: object) => Response | Promise<Response>
  const env: { get(name: string): string | undefined }
  const cron: ((name: string, schedule: string, handler: () => Promise<void>) => Promise<void>) | undefined
  function addSignalListener(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void
  function exit(code?: number): never
  function mkdirSync(path: string, options: { recursive: boolean }): void
  function serve(options: ServeOptions, handler: ServeHandler): HttpServer
  function unrefTimer(id: ReturnType<typeof setInterval>): void
  function upgradeWebSocket(request: Request): { socket: WebSocket; response: Response }
}

declare namespace Bun {
  interface ServerWebSocket<Data> {
    readonly data: Data
    send(text: string): number
    close(code?: number, reason?: string): void
  }
  interface Server<Data> {
    readonly port: number
    upgrade(request: Request, options: { data: Data }): boolean
    stop(closeActiveConnections?: boolean): Promise<void>
  }
  function serve<Data = undefined>(options: {
    port: number
    hostname: string
    fetch(
      this: Server<Data>,
      request: Request,
      server: Server<Data>,
    ): Response | undefined | Promise<Response | undefined>
    websocket?: { data?: Data; message(socket: ServerWebSocket<Data>, message: string): void | Promise<void> }
  }): Server<Data>
}

/** Of Cloudflare Workers. */
declare class WebSocketPair {
  0: WebSocket
  1: WebSocket & { accept(): void }
}

interface ResponseInit {
  webSocket?: WebSocket
}
