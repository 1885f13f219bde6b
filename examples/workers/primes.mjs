// What the prime counter speaks, and the counter itself. It runs in any thread; primes.worker.mjs puts it into a worker.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { defineEvent, defineRequest, EventBroker, RequestBroker, unwrap } from 'persistency/brokers'

/** @type {import('persistency/brokers').RequestDefinition<{ below: number }, { primes: number, remembered: boolean }>} */
export const CountPrimes = defineRequest('primes.count', { timeoutMs: 60_000 })
/** @type {import('persistency/brokers').EventDefinition<void>} */
export const Forget = defineEvent('primes.forget')
/** @type {import('persistency/brokers').EventDefinition<{ below: number }>} */
export const GaveUp = defineEvent('primes.gave-up')

/** @type {import('persistency/threads').ThreadContract} */
export const primesContract = { toWorker: [CountPrimes, Forget], toHost: [GaveUp] }

/** How many numbers to try before the thread looks at its messages, an abort among them. */
const CHUNK = 400_000

/** @param {{ hub: import('persistency/brokers').BrokerHub, context: import('persistency/brokers').BrokerContext }} call */
export function servePrimes({ hub, context }) {
  const events = new EventBroker(hub, context)
  /** @type {Map<number, number>} */
  const memory = new Map()
  /** @type {Promise<unknown>} */
  let running = Promise.resolve()

  /** @param {number} below @param {AbortSignal} signal */
  async function count(below, signal) {
    let primes = 0
    for (let n = 2; n < below && !signal.aborted; n++) {
      if (isPrime(n)) primes++
      if (n % CHUNK === 0) await nextTurn()
    }
    if (signal.aborted) events.emit(GaveUp, { below })
    else memory.set(below, primes)
    return { primes, remembered: false }
  }

  const forgetting = events.listen(Forget, () => memory.clear())
  const counting = unwrap(
    new RequestBroker(hub, context).provide(CountPrimes, ({ below }, { signal }) => {
      const known = memory.get(below)
      if (known !== undefined) return { primes: known, remembered: true }
      const counted = count(below, signal)
      running = Promise.all([running, counted])
      return counted
    })
  )
  return {
    async close() {
      counting.remove()
      await running // also what nobody waits for any more
      await forgetting.drop()
    }
  }
}

/** @param {number} n */
function isPrime(n) {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
