/** This package, as built. */
import { Persistency, rawKey } from '../../../dist/index.js'
import { eachChunk } from '../trials/data.mjs'

const CATEGORY = 'rows'
const EVERYTHING = rawKey(new Uint8Array(0))
/** A producer waits for room once in so many puts. */
const AWAIT_EVERY = 1000

const unwrap = (result) => {
  if (result.isErr()) throw result.error
  return result.value
}

export const open = (directory) => openJob(directory, {})

export async function openJob(directory, options) {
  const persistency = unwrap(await Persistency.open(directory))
  const job = unwrap(await persistency.openJob('bench', { requestTimeoutMs: 600_000, ...options }))
  const putOp = (key, payload) => ({ kind: 'put', category: CATEGORY, key, payload })
  const put = async (key, payload) => unwrap(await job.persistAcked(putOp(key, payload)))
  const flush = async () => unwrap(await job.flush())
  return {
    key: (text) => rawKey(Buffer.from(text)),
    async putAll(keys, payloads) {
      for (let i = 0; i < keys.length; i++) {
        const accepted = job.persistPut(CATEGORY, keys[i], payloads[i])
        if (i % AWAIT_EVERY === AWAIT_EVERY - 1) unwrap(await accepted)
      }
      await flush()
    },
    async putAtOnce(keys, payloads) {
      for (let i = 0; i < keys.length; i++) job.persistPut(CATEGORY, keys[i], payloads[i])
      await flush()
    },
    async putBatches(keys, payloads) {
      await eachChunk(keys.length, 1000, async (from, to) => {
        const ops = []
        for (let i = from; i < to; i++) ops.push(putOp(keys[i], payloads[i]))
        unwrap(await job.persist(ops))
      })
      await flush()
    },
    put,
    get: async (key) => unwrap(await job.get(CATEGORY, key)),
    getMany: async (keys) => unwrap(await job.getMany(CATEGORY, keys)),
    async scanAll(visit) {
      for (const row of unwrap(await job.scan(CATEGORY, EVERYTHING))) visit(row.payload)
    },
    async scanStream(visit) {
      for await (const row of job.stream(CATEGORY, EVERYTHING)) visit(row.payload)
    },
    count: async () => unwrap(await job.count(CATEGORY, EVERYTHING)),
    close: () => persistency.close()
  }
}
