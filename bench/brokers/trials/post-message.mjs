/** The plain baseline: a worker as one writes it by hand, with one message for each request, answer and event. */
import { Worker } from 'node:worker_threads'
import { perSecond, requestMeasurements, runTrial } from '../../lib/trial.mjs'
import { EVENT_BYTES, EVENTS_PER_BATCH, order } from '../payloads.mjs'

const start = () => {
  const worker = new Worker(new URL('../workers/post-message.mjs', import.meta.url))
  const waiting = new Map()
  let lastCall = 0
  worker.on('message', ({ call, answer }) => {
    const settle = waiting.get(call)
    waiting.delete(call)
    settle(answer)
  })
  const ask = (order) =>
    new Promise((resolve) => {
      const call = ++lastCall
      waiting.set(call, resolve)
      worker.postMessage({ call, order })
    })
  return { worker, ask }
}

const open = async () => {
  const { worker, ask } = start()
  return { request: (id) => ask(order(id)), close: () => worker.terminate() }
}

const sendEvents = async () => {
  const { worker, ask } = start()
  let sent = 0
  const rate = await perSecond(async (count) => {
    for (let i = 0; i < count; i++) worker.postMessage(EVENT_BYTES)
    sent += count
    if ((await ask(undefined)) !== sent) throw new Error('an event was lost')
  }, EVENTS_PER_BATCH)
  await worker.terminate()
  return rate
}

await runTrial({ events: sendEvents, ...requestMeasurements(open) })
