/** Owns the trials that read a file which was filled before. They answer rows per second, or microseconds. */
import { keepInFlight, medianMicros, perSecond, quietMedianMicros } from '../../lib/trial.mjs'
import { checkPayload, keyText, shuffled } from './data.mjs'
import { KEY_READS, MEASURE } from './times.mjs'

const MOST_KEYS = 200_000
const KEYS_AT_ONCE = 100
/** One payload in so many is compared byte for byte, the others by their length. */
const CHECK_EVERY = 101

export const readTrials = {
  'gets-64': getRate,
  'gets-64-once': getOnceRate,
  'get-lone': (...trial) => loneGet(medianMicros, ...trial),
  'get-quiet': (...trial) => loneGet(quietMedianMicros, ...trial),
  'get-many': getManyRate,
  'scan-all': (...trial) => scanRate('scanAll', ...trial),
  'scan-stream': (...trial) => scanRate('scanStream', ...trial)
}

/** Keys in random order, with what their payloads must be. */
function randomReads(store, payloads, rows) {
  const indices = shuffled(rows).subarray(0, MOST_KEYS)
  const keys = Array.from(indices, (index) => store.key(keyText(index)))
  return { keys, check: checkOf(payloads, indices) }
}

function checkOf(payloads, indices) {
  const length = payloads[0].length
  return (position, payload) => {
    const index = indices[position]
    if (payload?.length !== length || position % CHECK_EVERY === 0) checkPayload(payloads, index, payload)
  }
}

async function getRate(store, payloads, rows) {
  const { keys, check } = randomReads(store, payloads, rows)
  return overlappedRate(store, keys.length, (position) => keys[position], check)
}

/** No row twice, if there are enough of them. Their keys are made one by one: millions at once would be measured as well. */
async function getOnceRate(store, payloads, rows) {
  const indices = shuffled(rows)
  const key = (position) => store.key(keyText(indices[position]))
  return overlappedRate(store, rows, key, checkOf(payloads, indices))
}

async function overlappedRate(store, rows, key, check) {
  const inFlight = 64
  const count = inFlight * 64
  let next = 0
  const get = async () => {
    const position = next++ % rows
    check(position, await store.get(key(position)))
  }
  const inTurn = () => {
    for (let i = 0; i < count; i++) {
      const position = next++ % rows
      check(position, store.get(key(position)))
    }
  }
  const answer = store.get(key(0))
  await answer
  const overlapped = () => keepInFlight(get, inFlight, count)
  return perSecond(answer instanceof Promise ? overlapped : inTurn, count, KEY_READS)
}

function loneGet(measured, store, payloads, rows) {
  const { keys, check } = randomReads(store, payloads, rows)
  let next = 0
  return measured(async () => {
    const position = next++ % keys.length
    check(position, await store.get(keys[position]))
  }, KEY_READS)
}

async function getManyRate(store, payloads, rows) {
  const { keys, check } = randomReads(store, payloads, rows)
  const count = Math.min(KEYS_AT_ONCE, keys.length)
  let next = 0
  const getMany = async () => {
    const from = next + count > keys.length ? 0 : next
    next = from + count
    const answers = await store.getMany(keys.slice(from, next))
    if (answers.length !== count) throw new Error(`getMany answered ${answers.length} of ${count} keys`)
    for (let i = 0; i < count; i++) check(from + i, answers[i])
  }
  return perSecond(getMany, count, KEY_READS)
}

async function scanRate(method, store, payloads, rows, ordered) {
  const length = payloads[0].length
  const scan = async () => {
    let index = 0
    await store[method]((payload) => {
      if (payload.length !== length) throw new Error(`row ${index} has ${payload.length} bytes`)
      if (ordered && index % CHECK_EVERY === 0) checkPayload(payloads, index, payload)
      index++
    })
    if (index !== rows) throw new Error(`the scan found ${index} of ${rows} rows`)
  }
  return perSecond(scan, rows, MEASURE)
}
