import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it } from '@jest/globals'

const root = resolve(import.meta.dirname, '../..')
let server: ChildProcess | undefined

afterEach(() => {
  server?.kill('SIGKILL')
})

// Windows has no SIGTERM that a process could handle.
const itOnPosix = process.platform === 'win32' ? it.skip : it

itOnPosix('answers the requests that are under way when SIGTERM comes, then ends', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/http-server.ts'], {
    cwd: root,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  server = child
  const exited = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const base = String((await lines.next()).value).replace('listening on ', '')

  // The server answers "100 Continue" once it has the request; its body comes after the signal.
  const put = request(`${base}/acme/colour`, { method: 'PUT', headers: { Expect: '100-continue' } })
  const response = once(put, 'response') as Promise<[IncomingMessage]>
  put.flushHeaders()
  await once(put, 'continue')
  child.kill('SIGTERM')
  expect((await lines.next()).value).toBe('shutting down')
  put.end('red')

  const [answer] = await response
  expect([answer.statusCode, await text(answer)]).toEqual([200, 'red'])
  expect(await exited).toEqual([0, null])
})
