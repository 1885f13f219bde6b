/** Owns looking at the observatory without a browser: what it answers, and what its stream tells. */

import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Happening, KeyPage, Snapshot, Update } from '../observatory/wire.js'

/** Asks for the page, the stream and some keys, and prints what came. */
export async function readSome(url: string): Promise<void> {
  const page = await fetch(url)
  const policy = page.headers.get('content-security-policy') ?? ''
  console.log(`the page: ${page.status}, ${policy.split(';', 2).join(',')}`)
  const foreign = await requestAs('rebound.example', url)
  console.log(`asked as another host: ${foreign.statusCode}`)

  const seen = await follow(`${url}events`)
  console.log(`tenants: ${[...seen.tenants].sort().join(', ')}`)
  console.log(`frames with commits: ${seen.frames > 0 ? 'yes' : 'no'}`)
  console.log(`a write that failed: ${seen.failure?.id}, ${seen.failure?.code}`)

  const query = new URLSearchParams({ job: 'vega', category: 'readings', prefix: 'north' })
  const { rows, next } = (await (await fetch(`${url}keys?${query}`)).json()) as KeyPage
  const [first] = rows
  console.log(`keys of vega: ${rows.length}, ${next === null ? 'the last' : 'and there are more'}`)
  console.log(`the first: ${first?.parts.map(({ text }) => text).join(' · ')}: ${first?.payload.text}`)
}

async function requestAs(host: string, url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { headers: { host } }), 'response')) as [IncomingMessage]
  return response.resume()
}

interface Seen {
  readonly tenants: Set<string>
  frames: number
  failure: Extract<Happening, { kind: 'failure' }> | undefined
}

/** Reads the stream until every tenant has shown itself and one has lost a write. */
async function follow(url: string): Promise<Seen> {
  const seen: Seen = { tenants: new Set(), frames: 0, failure: undefined }
  const done = new AbortController()
  const response = await fetch(url, { signal: done.signal })
  for await (const message of messages(response)) {
    for (const { id } of message.tenants) seen.tenants.add(id)
    const frames = 'frame' in message ? [message.frame] : message.frames
    seen.frames += frames.filter(({ tenants }) => tenants.some(({ opsPerSecond }) => opsPerSecond > 0)).length
    seen.failure ??= message.happenings.find((happening) => happening.kind === 'failure')
    if (seen.tenants.size >= 4 && seen.frames >= 5 && seen.failure !== undefined) break
  }
  done.abort()
  return seen
}

/** The messages of a stream of Server-Sent Events. */
async function* messages(response: Response): AsyncGenerator<Snapshot | Update> {
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const whole = (text + chunk).split('\n\n')
    text = whole.pop() ?? ''
    for (const message of whole) yield JSON.parse(message.replace(/^[\s\S]*?^data: /m, ''))
  }
}
