/** A worker as one writes it by hand: a message for each operation, a promise for each answer. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { eachChunk } from '../trials/data.mjs'

const PAGE_ROWS = 1000

export async function open(directory) {
  const worker = new Worker(new URL('./worker-thread.mjs', import.meta.url), { workerData: directory })
  const waiting = new Map()
  let lastId = 0
  worker.on('message', ({ id, answer }) => {
    const resolve = waiting.get(id)
    waiting.delete(id)
    resolve(answer)
  })
  const ask = (message) =>
    new Promise((resolve) => {
      const id = ++lastId
      waiting.set(id, resolve)
      worker.postMessage({ id, ...message })
    })
  await ask({ kind: 'flush' })

  async function putAll(keys, payloads) {
    for (let i = 0; i < keys.length; i++) {
      worker.postMessage({ kind: 'put', key: keys[i], payload: payloads[i] })
    }
    await ask({ kind: 'flush' })
  }
  return {
    key: (text) => text,
    putAll,
    putAtOnce: putAll,
    putBatches: (keys, payloads) =>
      eachChunk(keys.length, 1000, (from, to) => {
        return ask({ kind: 'putMany', keys: keys.slice(from, to), payloads: payloads.slice(from, to) })
      }),
    put: (key, payload) => ask({ kind: 'put', key, payload }),
    get: (key) => ask({ kind: 'get', key }),
    getMany: (keys) => ask({ kind: 'getMany', keys }),
    async scanAll(visit) {
      for (const row of await ask({ kind: 'page', after: '', limit: -1 })) visit(row[1])
    },
    async scanStream(visit) {
      for (let after = ''; ; ) {
        const page = await ask({ kind: 'page', after, limit: PAGE_ROWS })
        for (const row of page) visit(row[1])
        if (page.length < PAGE_ROWS) return
        after = page.at(-1)[0]
      }
    },
    count: () => ask({ kind: 'count' }),
    async close() {
      worker.postMessage({ kind: 'close' })
      await once(worker, 'exit')
    }
  }
}
