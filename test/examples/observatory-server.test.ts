/** Whom the observatory answers, and what. */
import { once } from 'node:events'
import { get, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, platform } from 'node:os'
import { afterEach, expect, test } from '@jest/globals'
import { key } from 'persistency'
import { type Observatory, openObservatory } from '../../examples/observatory/server.js'
import type { KeyPage } from '../../examples/observatory/wire.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'

const { open } = useStorage()
const opened: Observatory[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((observatory) => observatory.close()))
})

async function start() {
  const { persistency, job } = await open()
  const observatory = await openObservatory(persistency)
  opened.push(observatory)
  return { url: observatory.url, job, observatory }
}

async function ask(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const asked = request(url, options)
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response.resume()
}

async function keys(url: string, query: Record<string, string>): Promise<KeyPage> {
  const response = await fetch(`${url}keys?${new URLSearchParams(query)}`)
  expect(response.status).toBe(200)
  return (await response.json()) as KeyPage
}

test('is bound to this machine, and answers under its own names only', async () => {
  const { url } = await start()
  const { port, hostname } = new URL(url)
  expect(hostname).toBe('127.0.0.1')
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
    expect((await ask(url, { headers: { host } })).statusCode).toBe(200)
  }
  for (const host of [
    'example.org',
    `example.org:${port}`,
    '127.0.0.1',
    '127.0.0.1:1',
    `localhost.example:${port}`
  ]) {
    for (const path of ['', 'events', 'keys?job=tenant']) {
      expect((await ask(`${url}${path}`, { headers: { host } })).statusCode).toBe(421)
    }
  }
})

test('refuses what would write, and what another site asks', async () => {
  const { url } = await start()
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect((await ask(`${url}keys`, { method })).statusCode).toBe(405)
  }
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
  expect((await ask(`${url}events`, { headers: foreign })).statusCode).toBe(403)
  expect((await ask(url, { headers: { ...foreign, 'sec-fetch-mode': 'navigate' } })).statusCode).toBe(200)
})

test('sends its policy with every answer', async () => {
  const { url } = await start()
  for (const path of ['', 'page.js', 'nothing', 'keys', '../server.ts', '/', '//[', '?', 'base.css?x']) {
    const { headers } = await ask(url, { path: `/${path}` })
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'/)
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['access-control-allow-origin']).toBeUndefined()
  }
  expect((await ask(url, { path: '/../server.ts' })).statusCode).toBe(404)
})

test('shows every key of a prefix exactly once, page by page', async () => {
  const { url, job } = await start()
  for (let n = 0; n < 130; n++) await okOf(job.persistPut('c', key('a', n), Buffer.from(`${n}`)))
  await okOf(job.persistPut('c', key('b', 0), Buffer.from('other')))
  const seen: string[] = []
  let after: string | null = ''
  for (let page = 0; after !== null; page++) {
    const query = { job: 'tenant', category: 'c', prefix: 'a' }
    const { rows, next }: KeyPage = await keys(url, page === 0 ? query : { ...query, after })
    seen.push(...rows.map(({ payload }) => payload.text))
    after = next
  }
  expect(seen).toEqual(Array.from({ length: 130 }, (_, n) => `${n}`))
})

test('shows nothing outside of a prefix, whatever key it is to go on from', async () => {
  const { url, job } = await start()
  for (const name of ['a', 'b', 'c']) await okOf(job.persistPut('c', key(name), Buffer.from(name)))
  for (const [after, seen] of [
    ['', 'b'],
    [String(key('a')), 'b'],
    [String(key('b')), ''],
    [String(key('c')), '']
  ] as const) {
    const { rows, next } = await keys(url, { job: 'tenant', category: 'c', prefix: 'b', after })
    expect([rows.map(({ payload }) => payload.text).join(), next]).toEqual([seen, null])
  }
})

test('shows the beginning of large payloads, and ends a page early for them', async () => {
  const { url, job } = await start()
  for (let n = 0; n < 5; n++) await okOf(job.persistPut('c', key(n), Buffer.alloc(600_000, 120)))
  const { rows, next } = await keys(url, { job: 'tenant', category: 'c' })
  expect(rows.map(({ payloadBytes }) => payloadBytes)).toEqual([600_000, 600_000])
  expect(rows[0]?.payload).toEqual({ as: 'text', text: 'x'.repeat(1024), cut: true })
  expect(next).toBe(key(1).toString())
})

test('says why there are no rows', async () => {
  const { url, job } = await start()
  const status = async (query: string): Promise<number> => (await fetch(`${url}keys?${query}`)).status
  expect(await status('job=nobody')).toBe(404)
  expect(await status('job=../tenant')).toBe(404)
  expect(await status('job=tenant&prefix=0xz')).toBe(400)
  expect(await status('job=tenant&after=zz')).toBe(400)
  expect(await status(`job=tenant&category=${'x'.repeat(9000)}`)).toBe(200)
  await okOf(job.close())
  expect(await status('job=tenant')).toBe(404)
})

test('survives what is no HTTP, and closes with streams open', async () => {
  const { url, observatory } = await start()
  const port = Number(new URL(url).port)
  const broken = connect(port, '127.0.0.1')
  broken.on('error', () => undefined).resume()
  broken.end('GET // HTTP/1.1\r\nHost: [\r\n\r\n')
  await once(broken, 'close')
  const [stream] = (await once(get(`${url}events`), 'response')) as [IncomingMessage]
  stream.on('error', () => undefined)
  await once(stream, 'data')
  const ended = new Promise((resolve) => stream.once('close', resolve))
  await Promise.all([ended, observatory.close(), observatory.close()])
  await expect(fetch(url)).rejects.toThrow()
})

const external = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === 'IPv4' && !internal)
  .map(({ address }) => address)
// All of 127.0.0.0/8 leads to this machine, but not on macOS.
const others = platform() === 'darwin' ? external : ['127.0.0.2', ...external]
const testOfOthers = others.length > 0 ? test : test.skip

testOfOthers('listens on no other address', async () => {
  const { url } = await start()
  const { port } = new URL(url)
  const outcomes = others.map(
    (address) =>
      new Promise((resolve) => {
        const asking = connect(Number(port), address)
        asking.once('connect', () => {
          asking.destroy()
          resolve('connected')
        })
        asking.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      })
  )
  expect(await Promise.all(outcomes)).toEqual(others.map(() => 'ECONNREFUSED'))
})
