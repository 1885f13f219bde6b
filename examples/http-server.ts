// A web server with one tenant for each first part of the path: PUT and GET /<tenant>/<name>. Many tenants share two
// threads, few files are open at once, and SIGTERM loses no request. A real one asks first who may use which tenant: here,
// whoever puts a value makes one.
// With PORT in the environment it serves until SIGTERM; without, it asks itself a few things and ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { key, Persistency, type PersistencyErrorKind, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'http-server-'))
const persistency = unwrap(
  Persistency.open({
    rootDir,
    threads: { shared: 2 },
    maxOpenJobs: 100,
    whenIdle: 'close', // the file of an idle tenant is closed, and opened again when it is used
    whenFull: 'refuse' // rather tell a client to come back than have it wait
  })
)

/** What is not the client's doing is 500. */
const STATUS: Partial<Record<PersistencyErrorKind, number>> = {
  invalidArgument: 400,
  jobNotFound: 404,
  overloaded: 503,
  closed: 503,
  timeout: 504
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, tenant = '', name = ''] = (request.url ?? '').split('/')
  const body = await buffer(request)
  // Opening is idempotent: a tenant that is open is answered at once. A question about one that is not there makes none.
  const answered = await persistency
    .openJob(tenant, { create: request.method === 'PUT' })
    .andThen((job) =>
      request.method === 'PUT'
        ? job.putAcked('values', key(name), body).map(() => body)
        : job.get('values', key(name))
    )
  // While it shuts down, nobody waits until this connection has been idle for long enough.
  if (!server.listening) response.setHeader('connection', 'close')
  answered.match(
    (bytes) => response.writeHead(bytes === undefined ? 404 : 200).end(bytes),
    ({ kind, code }) => response.writeHead(STATUS[kind] ?? 500).end(code)
  )
}

const server = createServer(
  (request, response) => void answer(request, response).catch(() => response.destroy())
)

/** Takes no further requests, answers those under way, and only then closes the storage that they need. */
async function shutDown(): Promise<void> {
  console.log('shutting down')
  await new Promise((closed) => server.close(closed))
  await unwrap(persistency.close())
}
process.once('SIGTERM', () => void shutDown())

// This is a demonstration, and takes what it has stored with it. A server keeps its directory.
process.once('exit', () => rmSync(rootDir, { recursive: true, force: true }))

async function showYourself(base: string): Promise<void> {
  const show = async (path: string, init?: RequestInit): Promise<void> => {
    const response = await fetch(base + path, init)
    console.log(`${init?.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
  }
  await show('/acme/colour', { method: 'PUT', body: 'red' })
  await show('/acme/colour')
  await show('/globex/colour')
  await show('/..%2facme/colour')
  await shutDown()
}

server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  if (process.env['PORT'] === undefined) void showYourself(base)
  else console.log(`listening on ${base}`)
})
