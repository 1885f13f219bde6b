/** Owns the trials that write: into an empty file, with a warm-up in another one. They answer puts per second. */
import { keepInFlight, perSecond } from '../../lib/trial.mjs'
import { checkRows } from './check.mjs'
import { eachChunk, inOrder, keyText, payloadsOf, shuffled } from './data.mjs'
import { MEASURE } from './times.mjs'

/** Rows that exist as objects at a time. */
const CHUNK_ROWS = 200_000

export const putTrials = {
  'puts-sequential': (openIn, payloads, rows) => putRate(openIn, payloads, inOrder(rows), 'putAll'),
  'puts-random': (openIn, payloads, rows) => putRate(openIn, payloads, shuffled(rows), 'putAll'),
  'put-batches': (openIn, payloads, rows) => putRate(openIn, payloads, inOrder(rows), 'putBatches'),
  'acked-64': (openIn, payloads, rows) => ackedRate(openIn, payloads, rows, 64),
  'acked-1': (openIn, payloads, rows) => ackedRate(openIn, payloads, rows, 1)
}

/** The keys and payloads of some rows, as a store takes them. */
export function rowsFor(store, payloads, indices) {
  return {
    keys: Array.from(indices, (index) => store.key(keyText(index))),
    payloads: payloadsOf(payloads, indices)
  }
}

/** Writes a tenth of the rows, at most so many, into a file of its own. */
export async function warmUp(openIn, payloads, indices, method) {
  const store = await openIn('warm-up')
  const rows = rowsFor(store, payloads, indices.subarray(0, Math.min(20_000, Math.ceil(indices.length / 10))))
  await store[method](rows.keys, rows.payloads)
  await store.close()
}

async function putRate(openIn, payloads, indices, method) {
  await warmUp(openIn, payloads, indices, method)
  const store = await openIn('rows')
  let milliseconds = 0
  await eachChunk(indices.length, CHUNK_ROWS, async (from, to) => {
    const rows = rowsFor(store, payloads, indices.subarray(from, to))
    const start = performance.now()
    await store[method](rows.keys, rows.payloads)
    milliseconds += performance.now() - start
  })
  await checkRows(store, payloads, indices.length)
  await store.close()
  return (indices.length / milliseconds) * 1000
}

/** Puts that are awaited for their commits, round and round over the rows. */
async function ackedRate(openIn, payloads, count, inFlight) {
  const store = await openIn('rows')
  const rows = rowsFor(store, payloads, inOrder(count))
  let next = 0
  const put = () => {
    const index = next++ % count
    return store.put(rows.keys[index], rows.payloads[index])
  }
  const together = () => {
    const from = next % count
    const to = Math.min(from + inFlight, count)
    next += to - from
    store.putTogether(rows.keys.slice(from, to), rows.payloads.slice(from, to))
  }
  const work =
    store.putTogether === undefined
      ? () => keepInFlight(put, inFlight, inFlight * 16)
      : () => {
          for (let i = 0; i < 16; i++) inFlight === 1 ? put() : together()
        }
  const rate = await perSecond(work, inFlight * 16, MEASURE)
  await checkRows(store, payloads, Math.min(next, count))
  await store.close()
  return rate
}
