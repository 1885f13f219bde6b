/** Owns the trials that write new rows into a file that has some, of the warm-up. They answer puts per second. */
import { keepInFlight } from '../../lib/trial.mjs'
import { checkRows } from './check.mjs'
import { eachChunk, inOrder, keyText, payloadsOf, shuffled } from './data.mjs'
import { collectGarbage } from './garbage.mjs'
import { MEASURE } from './times.mjs'

/** Rows that exist as objects at a time, and rows of a warm-up. */
const CHUNK_ROWS = 200_000
/** Awaited rows that exist as objects at a time, for each that is in flight. */
const ACKED_CHUNK = 512

export const putTrials = {
  'puts-sequential': (openIn, payloads, rows) => putRate(openIn, payloads, rows, inOrder, 'putAll'),
  'puts-random': (openIn, payloads, rows) => putRate(openIn, payloads, rows, shuffled, 'putAll'),
  'put-batches': (openIn, payloads, rows) => putRate(openIn, payloads, rows, inOrder, 'putBatches'),
  'acked-64': (openIn, payloads, rows) => ackedRate(openIn, payloads, rows, 64),
  'acked-again-64': (openIn, payloads, rows) => ackedRate(openIn, payloads, rows, 64, rows - (rows % 64)),
  'acked-1': (openIn, payloads, rows) => ackedRate(openIn, payloads, rows, 1)
}

/** The keys and payloads of some rows, as a store takes them. */
export function rowsFor(store, payloads, indices, lap = 0) {
  return {
    keys: Array.from(indices, (index) => store.key(keyText(index))),
    payloads: payloadsOf(payloads, indices, lap)
  }
}

/**
 * A store in which `count` rows, in the order given, are written already by the same code as the rows that are measured,
 * and more of them until the time is up; and the index of the first row that is not. Threads of a store are part of it, so
 * none is made anew after this.
 */
export async function warmedUp({ openIn, payloads, count, order, method, milliseconds = 0 }) {
  const store = await openIn('rows')
  const written = Math.min(count, CHUNK_ROWS)
  const start = performance.now()
  let first = 0
  do {
    const rows = rowsFor(store, payloads, order(written, first))
    await store[method](rows.keys, rows.payloads)
    first += written
  } while (performance.now() - start < milliseconds)
  return { store, first }
}

async function putRate(openIn, payloads, count, order, method) {
  // Rows in random order make a file whose size matters: those of a fast store must not be more.
  const warmUpMs = order === inOrder ? MEASURE.warmUpMs : 0
  const { store, first } = await warmedUp({ openIn, payloads, count, order, method, milliseconds: warmUpMs })
  const indices = order(count, first)
  let milliseconds = 0
  await eachChunk(count, CHUNK_ROWS, async (from, to) => {
    const rows = rowsFor(store, payloads, indices.subarray(from, to))
    collectGarbage()
    const start = performance.now()
    await store[method](rows.keys, rows.payloads)
    milliseconds += performance.now() - start
  })
  await checkRows(store, payloads, first + count)
  await store.close()
  return (count / milliseconds) * 1000
}

/**
 * Puts that are awaited for their commits: of new rows, or round and round over so many `distinct` ones that are there
 * before the clock starts. Each lap brings other payloads: an engine may leave out a write that changes nothing.
 */
async function ackedRate(openIn, payloads, count, inFlight, distinct = Number.POSITIVE_INFINITY) {
  const store = await openIn('rows')
  const largest = inFlight * Math.max(1, Math.min(ACKED_CHUNK, Math.floor(count / inFlight)))
  let next = 0
  if (Number.isFinite(distinct)) {
    const rows = rowsFor(store, payloads, inOrder(distinct))
    await store.putAll(rows.keys, rows.payloads)
    next = distinct
  }
  const putFor = async (milliseconds) => {
    const first = next
    let elapsed = 0
    while (elapsed < milliseconds) {
      // A chunk is of one lap.
      const lap = Math.floor(next / distinct)
      const chunk = Math.min(largest, (lap + 1) * distinct - next)
      const indices = inOrder(chunk, next - (lap === 0 ? 0 : lap * distinct))
      next += chunk
      const rows = rowsFor(store, payloads, indices, lap)
      const start = performance.now()
      if (store.putTogether !== undefined) putTogether(store, rows, inFlight)
      else await putOverlapped(store, rows, inFlight)
      elapsed += performance.now() - start
    }
    return ((next - first) / elapsed) * 1000
  }
  await putFor(MEASURE.warmUpMs)
  const rate = await putFor(MEASURE.measureMs)
  const lapOf = (index) => (next > distinct ? Math.floor((next - 1 - index) / distinct) : 0)
  await checkRows(store, payloads, Math.min(next, distinct), lapOf)
  await store.close()
  return rate
}

function putOverlapped(store, { keys, payloads }, inFlight) {
  let next = 0
  const put = () => {
    const index = next++
    return store.put(keys[index], payloads[index])
  }
  return keepInFlight(put, inFlight, keys.length)
}

/** A store in the same thread has nothing under way; what would be is one transaction. */
function putTogether(store, { keys, payloads }, inFlight) {
  for (let from = 0; from < keys.length; from += inFlight) {
    const to = from + inFlight
    if (inFlight === 1) store.put(keys[from], payloads[from])
    else store.putTogether(keys.slice(from, to), payloads.slice(from, to))
  }
}
