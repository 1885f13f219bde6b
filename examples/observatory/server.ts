/** Owns serving the observatory of one persistency over HTTP, on this machine only. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Persistency } from 'persistency'
import { EventStream } from './event-stream.js'
import { HEADERS, refusal } from './guard.js'
import { readPage } from './key-browser.js'
import { pageFiles } from './page-files.js'
import { Sampled, Sampler, type SamplerOptions } from './sampler.js'

export interface ObservatoryOptions extends SamplerOptions {
  /** Default 0: one that is free. */
  readonly port?: number
}

export interface Observatory {
  readonly url: string
  /** Stops watching, lets every reader go and frees the port. The process stays alive until then. Idempotent. */
  close(): Promise<void>
}

const MAX_CONNECTIONS = 64
const FILES = pageFiles()

/**
 * Serves the observatory of a persistency. It is bound to 127.0.0.1 and only reads; whoever can log in to this machine
 * can read along.
 */
export async function openObservatory(
  persistency: Persistency,
  { port = 0, ...options }: ObservatoryOptions = {}
): Promise<Observatory> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const refused = refusal(request)
    if (refused === undefined) answer(request, response)
    else sendText(response, refused.status, refused.message)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  const sampler = new Sampler(persistency, options)
  const stream = new EventStream({ snapshot: () => sampler.snapshot })
  sampler.events.listen(Sampled, (update) => stream.send('update', update))

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const [path = '/', search] = (request.url ?? '/').split('?', 2)
    const file = FILES.get(path)
    if (file !== undefined) send(response, 200, file.type, file.body)
    else if (path === '/keys') void answerKeys(persistency, new URLSearchParams(search), response)
    else if (path !== '/events') sendText(response, 404, 'There is nothing here.')
    else if (request.method === 'HEAD') send(response, 200, 'text/event-stream; charset=utf-8', '')
    else if (!stream.add(response)) sendText(response, 503, 'Too many pages are open already.')
  }

  async function shutDown(): Promise<void> {
    const closed = once(server, 'close')
    sampler.close()
    stream.close()
    server.close()
    server.closeAllConnections()
    await closed
  }

  let closing: Promise<void> | undefined
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => (closing ??= shutDown())
  }
}

async function answerKeys(
  persistency: Persistency,
  query: URLSearchParams,
  response: ServerResponse
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const page = await readPage(persistency, query, gone.signal)
  const [status, body] = page.isOk()
    ? [200, page.value]
    : [page.error.status, { message: page.error.message }]
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body))
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
