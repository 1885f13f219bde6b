/** Owns the trials of what a store costs the thread that asks for it: opening it, and writing. */
import { setImmediate } from 'node:timers/promises'
import { checkRows } from './check.mjs'
import { inOrder } from './data.mjs'
import { collectGarbage } from './garbage.mjs'
import { rowsFor, warmedUp } from './puts.mjs'
import { MEASURE } from './times.mjs'

/** So many stores are opened, one after the other. */
const OPENINGS = 10

export const threadTrials = {
  'main-thread': busyMicros,
  'loop-p99': async (...trial) => (await loopDelays('putAll', ...trial)).p99,
  'loop-longest': async (...trial) => (await loopDelays('putAll', ...trial)).longest,
  'burst-p99': async (...trial) => (await loopDelays('putAtOnce', ...trial)).p99,
  'burst-longest': async (...trial) => (await loopDelays('putAtOnce', ...trial)).longest,
  opening: openingMillis
}

/** Milliseconds until a new store has stored its first row: the median of some, in a process that has opened others. */
async function openingMillis(openIn, payloads) {
  const millis = []
  for (let n = 0; n < OPENINGS; n++) {
    const began = performance.now()
    const store = await openIn(`store-${n}`)
    const { keys, payloads: values } = rowsFor(store, payloads, inOrder(1, 0))
    await store.put(keys[0], values[0])
    millis.push(performance.now() - began)
    await checkRows(store, payloads, 1)
    await store.close()
  }
  millis.sort((a, b) => a - b)
  return millis[OPENINGS >> 1]
}

async function withRows(openIn, payloads, count, method, measure) {
  // While the engine still compiles, its threads take the processors from the one that is measured.
  const { warmUpMs: milliseconds } = MEASURE
  const { store, first } = await warmedUp({ openIn, payloads, count, order: inOrder, method, milliseconds })
  const rows = rowsFor(store, payloads, inOrder(count, first))
  collectGarbage()
  const value = await measure(store, rows)
  await checkRows(store, payloads, first + count)
  await store.close()
  return value
}

/**
 * Microseconds for each put in which the event loop of this thread had work, from the first put to the last commit.
 * A store in the same thread commits each put by itself.
 */
function busyMicros(openIn, payloads, count) {
  return withRows(openIn, payloads, count, 'putAll', async (store, { keys, payloads }) => {
    await setImmediate()
    const before = performance.eventLoopUtilization()
    if (store.putTogether === undefined) await store.putAll(keys, payloads)
    else for (let i = 0; i < count; i++) store.put(keys[i], payloads[i])
    return (performance.eventLoopUtilization(before).active / count) * 1000
  })
}

/** How many milliseconds late a timer of one millisecond comes while rows are written. */
function loopDelays(method, openIn, payloads, count) {
  return withRows(openIn, payloads, count, method, async (store, { keys, payloads }) => {
    const delays = []
    let last
    const tick = () => {
      const now = performance.now()
      delays.push(Math.max(0, now - last - 1))
      last = now
    }
    await setImmediate()
    // A producer which does not pause blocks its own loop by offering; what comes after that is measured.
    const written = method === 'putAtOnce' ? store.putAtOnce(keys, payloads) : undefined
    last = performance.now()
    const timer = setInterval(tick, 1)
    await (written ?? store.putAll(keys, payloads))
    await setImmediate()
    clearInterval(timer)
    tick()
    delays.sort((a, b) => a - b)
    const p99 = delays[Math.floor((delays.length - 1) * 0.99)]
    // A trial prints a positive number.
    return { p99: Math.max(p99, 0.001), longest: Math.max(delays.at(-1), 0.001) }
  })
}
