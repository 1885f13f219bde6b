/** This package. */
import { BrokerContext, defineEvent, defineRequest, EventBroker, RequestBroker } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { keepInFlight, perSecond, requestMeasurements, runTrial } from '../../lib/trial.mjs'
import { Bytes, BytesReceived, ClonedStock, contract, Stock } from '../messages.mjs'
import { answerTo, EVENT_BYTES, EVENTS_PER_BATCH, order } from '../payloads.mjs'

const context = BrokerContext.create('bench')
const events = new EventBroker(undefined, context)
const requests = new RequestBroker(undefined, context)

const emit = (listeners) => async () => {
  const Placed = defineEvent('bench.placed')
  let heard = 0
  for (let i = 0; i < listeners; i++) {
    events.listen(Placed, (placed) => {
      heard += placed.id
    })
  }
  const placed = order(0)
  return perSecond((count) => {
    heard = 0
    for (let i = 0; i < count; i++) events.emit(Placed, placed)
    if (heard !== count * listeners) throw new Error('a listener missed an event')
  }, 10_000)
}

const requestSync = async () => {
  const Sync = defineRequest('bench.sync', { sync: true })
  requests.provide(Sync, answerTo)
  return perSecond((count) => {
    let inStock = 0
    for (let i = 0; i < count; i++) {
      const answer = requests.requestSync(Sync, order(i))
      if (answer.isErr()) throw answer.error
      if (answer.value.inStock) inStock++
    }
    if (inStock !== count) throw new Error('a request was not answered')
  }, 10_000)
}

const requestAsync = async () => {
  const Local = defineRequest('bench.local')
  requests.provide(Local, answerTo)
  return perSecond((count) => keepInFlight((id) => requests.request(Local, order(id)), 1, count), 10_000)
}

const start = async () => {
  const started = await startWorker(new URL('../workers/ours.mjs', import.meta.url), contract, { context })
  return started._unsafeUnwrap()
}

const sendEvents = async () => {
  const host = await start()
  let sent = 0
  const rate = await perSecond(async (count) => {
    for (let i = 0; i < count; i++) events.emit(Bytes, EVENT_BYTES)
    sent += count
    await host.drained()
  }, EVENTS_PER_BATCH)
  const received = await requests.request(BytesReceived)
  if (received._unsafeUnwrap() !== sent) throw new Error('an event was lost')
  await host.stop()
  return rate
}

const open = (Request) => async () => {
  const host = await start()
  const request = async (id) => {
    const answer = await requests.request(Request, order(id))
    if (answer.isErr()) throw answer.error
  }
  return { request, close: () => host.stop() }
}

await runTrial({
  'emit-0': emit(0),
  'emit-1': emit(1),
  'emit-10': emit(10),
  'request-sync': requestSync,
  'request-async': requestAsync,
  events: sendEvents,
  ...requestMeasurements(open(Stock)),
  ...requestMeasurements(open(ClonedStock), 'cloned')
})
