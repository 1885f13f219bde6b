import { BrokerHub } from 'persistency/brokers'
import { farSide } from '../fixtures/shared-worker.mjs'
import { brokerSuite } from '../shared/broker-suite.js'

brokerSuite('the same hub', async () => {
  const hub = new BrokerHub()
  return {
    hub,
    copies: false,
    serve: async (context) => {
      await farSide({
        hub,
        context,
        data: undefined,
        urgent: () => false,
        exiting: () => false,
        givenUp: () => false
      })
    },
    close: async () => {}
  }
})
