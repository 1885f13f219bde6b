/** What the readers of the event stream get, and what is held for those who are slow. */
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { EventStream, type EventStreamOptions } from '../../examples/observatory/event-stream.js'

const closings: (() => void)[] = []
afterEach(() => {
  for (const close of closings.splice(0)) close()
})

async function serve(options: Partial<EventStreamOptions> = {}) {
  let snapshots = 0
  const stream = new EventStream({ snapshot: () => ({ snapshot: ++snapshots }), ...options })
  const server = createServer((_, response) => {
    if (!stream.add(response)) response.writeHead(503).end()
  })
  closings.push(() => {
    stream.close()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const read = async (): Promise<IncomingMessage> => {
    const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    return response
  }
  return { stream, read }
}

/** Reads on until a message has come whose data passes. */
async function until(response: IncomingMessage, wanted: (data: string) => boolean): Promise<string[]> {
  let text = ''
  const seen: string[] = []
  response.setEncoding('utf8')
  for await (const chunk of response) {
    const whole = (text + chunk).split('\n\n')
    text = whole.pop() ?? ''
    seen.push(...whole)
    if (seen.some(wanted)) return seen
  }
  throw new Error(`the stream ended after ${seen.length} messages`)
}

test('a reader gets the snapshot, then what comes', async () => {
  const { stream, read } = await serve()
  const response = await read()
  stream.send('update', { text: 'two\nlines' })
  const seen = await until(response, (data) => data.includes('lines'))
  expect(seen).toEqual([
    'retry: 1000\nevent: snapshot\ndata: {"snapshot":1}',
    'event: update\ndata: {"text":"two\\nlines"}'
  ])
})

test('nothing piles up for a reader that is slow, and it gets a snapshot when it has caught up', async () => {
  const { stream, read } = await serve()
  const slow = await read()
  slow.pause()
  const large = 'x'.repeat(1_000_000)
  // Far more than the sockets between them take.
  for (let n = 0; n < 60; n++) {
    stream.send('update', { n, large })
    await new Promise(setImmediate)
    expect(stream.heldBytes).toBeLessThan(2_500_000)
  }
  const seen = await until(slow, (data) => data.includes('"snapshot":2'))
  expect(seen.length).toBeLessThan(60)
})

test('a reader that takes nothing for long is let go', async () => {
  const { stream, read } = await serve({ patienceMs: 0 })
  const stuck = await read()
  stuck.pause()
  const large = 'x'.repeat(1_000_000)
  while (stream.readers > 0) {
    stream.send('update', { large })
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(stream.heldBytes).toBe(0)
})

test('only so many readers are taken', async () => {
  const { stream, read } = await serve({ maxReaders: 2 })
  const readers = [await read(), await read()]
  expect((await read()).statusCode).toBe(503)
  readers[0]?.destroy()
  while (stream.readers > 1) await new Promise(setImmediate)
  expect((await read()).statusCode).toBe(200)
})
