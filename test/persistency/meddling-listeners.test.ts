import type { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from '@jest/globals'
import { EventBroker, type Job, key, PersistEvent, type TxOp } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const workers: Worker[] = []
const seeWorker = (worker: Worker): void => void workers.push(worker)
afterEach(() => {
  process.off('worker', seeWorker)
  workers.length = 0
})

const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('full') })

/** Takes the operations of each write out of its list. */
function emptyLists(job: Job): void {
  new EventBroker().in(job.context).listen(PersistEvent, ({ ops }) => {
    ;(ops as TxOp[]).length = 0
  })
}

test('a listener that empties the list of operations takes no room from the queue', async () => {
  const { job } = await storage.open({ maxQueueOps: 20 })
  emptyLists(job)
  for (let n = 0; n < 10; n++) {
    expect(await okOf(job.persistAcked([put(2 * n), put(2 * n + 1)]))).toEqual({ seq: n + 1, ops: 2 })
  }
  await okOf(job.persistAcked([]))
  expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  expect(await okOf(job.count('c', key()))).toBe(20)
})

test('what listeners do to a write does nothing to the one that is sent again', async () => {
  process.on('worker', seeWorker)
  const { job } = await storage.open({ restart: true, maxQueueOps: 150 })
  new EventBroker().in(job.context).listen(PersistEvent, ({ ops }) => {
    for (const op of ops) {
      if (op.kind === 'put') structuredClone(op.payload, { transfer: [op.payload.buffer as ArrayBuffer] })
    }
  })
  emptyLists(job)
  const answers = Array.from({ length: 100 }, (_, n) => job.persistAcked([put(2 * n), put(2 * n + 1)]))
  for (const worker of workers) void worker.terminate()
  for (const answer of answers) await okOf(answer)
  const rows = await okOf(job.scan('c', key()))
  expect(rows).toHaveLength(200)
  expect(new Set(rows.map(({ payload }) => textOf(payload)))).toEqual(new Set(['full']))
})
