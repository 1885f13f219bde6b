import { BrokerContext, BrokerHub } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { contract } from '../fixtures/shared-worker.mjs'
import { brokerSuite } from '../shared/broker-suite.js'

const WORKER = new URL('../fixtures/shared-worker.mjs', import.meta.url)
const START_TIMEOUT_MS = 10_000

brokerSuite('a worker thread', async () => {
  const hub = new BrokerHub()
  const context = BrokerContext.create('first')
  const worker = (await startWorker(WORKER, contract, { hub, context }))._unsafeUnwrap()
  return {
    hub,
    copies: true,
    serve: async (served) => {
      ;(await worker.serve(served, contract, undefined, START_TIMEOUT_MS))._unsafeUnwrap()
    },
    close: () => worker.stop()
  }
})
