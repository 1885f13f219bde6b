// A provider that works hard: first in this thread, then in a worker. The call site stays as it is.
import { BrokerContext, BrokerHub, EventBroker, RequestBroker, unwrap } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { CountPrimes, Forget, GaveUp, primesContract, servePrimes } from './workers/primes.mjs'

const requests = new RequestBroker()
const events = new EventBroker()

/** The call site. Tells also whether timers ran while it waited. */
async function count(below: number, signal?: AbortSignal): Promise<string> {
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  const answer = await requests.request(CountPrimes, { below }, signal && { signal })
  clearInterval(timer)
  if (answer.isErr()) return answer.error.kind
  const { primes, remembered } = answer.value
  return remembered
    ? `${primes}, remembered`
    : `${primes}, this thread stayed free: ${ticks > 0 ? 'yes' : 'no'}`
}

const here = servePrimes({ hub: BrokerHub.default, context: BrokerContext.default })
console.log('here:', await count(300_000))
await here.close()

const entry = new URL('./workers/primes.worker.mjs', import.meta.url)
const worker = await unwrap(startWorker(entry, primesContract, { name: 'primes' }))
console.log('in a worker:', await count(300_000))
console.log('again:', await count(300_000))

// Events cross as well, in order with the requests around them.
events.emit(Forget)
console.log('after Forget:', await count(300_000))

// An abort reaches the provider, which tells with an event that it stopped.
events.listen(GaveUp, ({ below }) => console.log(`the worker gave up counting below ${below}`))
const controller = new AbortController()
const endless = count(Number.POSITIVE_INFINITY, controller.signal)
controller.abort()
console.log('endless:', await endless)

// Has the worker finish what it works on, and delivers what it has to say.
await worker.stop()
const { expected, code } = await worker.exited
console.log(`the worker ended, as asked: ${expected}, code ${code}`)
console.log('without it:', await count(10))
