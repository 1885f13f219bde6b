/** The other thread of this package: answers requests and counts the events it gets. */
import { EventBroker, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { Bytes, BytesReceived, ClonedStock, contract, Stock } from '../messages.mjs'
import { answerTo } from '../payloads.mjs'

serveBrokers(contract, ({ hub, context }) => {
  let received = 0
  new EventBroker(hub, context).listen(Bytes, (bytes) => {
    if (bytes.length === 512) received++
  })
  const requests = new RequestBroker(hub, context)
  requests.provide(BytesReceived, () => received)
  requests.provide(Stock, answerTo)
  requests.provide(ClonedStock, answerTo)
})
