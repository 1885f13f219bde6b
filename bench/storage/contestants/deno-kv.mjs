/** Deno KV on SQLite, which offers no choice of durability. */
import { join } from 'node:path'
import { openKv } from '@deno/kv'
import { eachChunk } from '../trials/data.mjs'

export const share = { puts: 0.01, reads: 0.1 }

const TOGETHER = 1000
/** Most keys of one `getMany`. */
const MOST_KEYS = 10
/** Most rows of one page. */
const PAGE_ROWS = 1000

export async function open(directory) {
  const kv = await openKv(join(directory, 'bench.db'))
  async function scanStream(visit) {
    for await (const { value } of kv.list({ prefix: [] }, { batchSize: PAGE_ROWS })) visit(value)
  }
  return {
    key: (text) => [Buffer.from(text)],
    putAll: (keys, payloads) =>
      eachChunk(keys.length, TOGETHER, (from, to) => {
        const puts = []
        for (let i = from; i < to; i++) puts.push(kv.set(keys[i], payloads[i]))
        return Promise.all(puts)
      }),
    putBatches: (keys, payloads) =>
      eachChunk(keys.length, 1000, (from, to) => {
        const batch = kv.atomic()
        for (let i = from; i < to; i++) batch.set(keys[i], payloads[i])
        return batch.commit()
      }),
    put: (key, payload) => kv.set(key, payload),
    get: async (key) => (await kv.get(key)).value ?? undefined,
    async getMany(keys) {
      const parts = []
      for (let i = 0; i < keys.length; i += MOST_KEYS) parts.push(kv.getMany(keys.slice(i, i + MOST_KEYS)))
      return (await Promise.all(parts)).flat().map(({ value }) => value ?? undefined)
    },
    async scanAll(visit) {
      const payloads = []
      await scanStream((payload) => payloads.push(payload))
      for (const payload of payloads) visit(payload)
    },
    scanStream,
    async count() {
      let rows = 0
      await scanStream(() => rows++)
      return rows
    },
    close: () => kv.close()
  }
}
